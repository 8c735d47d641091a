package filestore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// tmpName is where a record is written before it gets its name. One per leaf
// is enough, as the shard's lock admits one writer: a leftover of a killed
// one is seen and removed by the next, and no more than that can pile up.
const tmpName = "tmp"

// Save implements [store.Store]. It returns once the record is on the disk,
// unless the store is unsynced.
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	const op = "save"
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	if len(next.Data) > MaxSize {
		return store.Record{}, fmt.Errorf("filestore: save: %w", store.TooLarge(len(next.Data), MaxSize))
	}
	if err := s.enter(ctx, op); err != nil {
		return store.Record{}, err
	}
	defer s.leave()
	n := nameOf(key)
	sh, err := s.lock(ctx, op, n.leaf().shard())
	if err != nil {
		return store.Record{}, err
	}
	saved, dir, err := s.saveLocked(sh, &n, key, prev, next)
	sh.Release()
	if err == nil && dir >= 0 {
		err = s.finish(op, dir)
	}
	if err != nil {
		return store.Record{}, err
	}
	return saved, nil
}

// saveLocked does what Save does under the lock. The record's directory, if not
// -1, is left to sync, which others need not wait for.
func (s *Store) saveLocked(sh *shard, n *name, key string, prev, next store.Record) (saved store.Record, dir int, err error) {
	const op = "save"
	p := s.page()
	defer s.pages.Put(p)
	now := time.Now()
	cur, exists, err := s.current(op, p, n, key)
	if err != nil {
		return store.Record{}, -1, err
	}
	live := exists && cur.Live(now)
	if live != prev.Exists() || live && cur.Token != prev.Token {
		return store.Record{}, -1, conflict()
	}
	if !next.Live(now) {
		if !live {
			return store.Record{}, -1, nil
		}
		dir, err = s.remove(op, n)
		return store.Record{}, dir, err
	}
	next.Token, next.Expires = newToken(), asStored(next.Expires)
	if err := s.replace(op, sh, p, n, key, next, exists); err != nil {
		return store.Record{}, -1, err
	}
	if !s.syncs() {
		return next, -1, nil
	}
	if dir, err = s.openLeaf(n); err != nil {
		return store.Record{}, -1, fail(op, "sync the directory", err)
	}
	return next, dir, nil
}

// current is the record as it is, for a caller that holds the shard; its data
// may be missing. A damaged one is set aside and an error, once.
func (s *Store) current(op string, p *page, n *name, key string) (r store.Record, exists bool, err error) {
	if r, ok := s.known(p, n); ok {
		return r, true, nil
	}
	h, err := s.header(p, n, key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, false, s.checkRoot(op)
	case err != nil:
		return r, false, fail(op, "read", s.setAside(n, err))
	}
	return h.record([]byte{}), true, nil
}

// newToken returns a token that no other save has: two processes have no
// counter in common, and a counter in the record would start again with it.
func newToken() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if token := binary.BigEndian.Uint64(b[:]); token != 0 {
			return token
		}
	}
}

// replace puts a record in the place of what is there, in one step.
func (s *Store) replace(op string, sh *shard, p *page, n *name, key string, rec store.Record, exists bool) error {
	p.path = s.appendPath(p.path[:0], n)
	p.tmp = append(append(s.appendLeaf(p.tmp[:0], n), "/"+tmpName...), 0)
	fd, step, err := s.writeTmp(sh, p, n.leaf(), key, rec)
	if err == nil {
		step, err = s.install(fd, p, n, rec, exists)
	}
	if err != nil {
		_ = unlink(p.tmp) // it may be what fills the disk
		return fail(op, step, err)
	}
	return nil
}

// writeTmp writes a record beside the others, or says which step failed.
func (s *Store) writeTmp(sh *shard, p *page, l leaf, key string, rec store.Record) (fd int, step string, err error) {
	if err := s.readyLeaf(sh, l); err != nil {
		return -1, "make the record's directory", err
	}
	fd, err = s.createTmp(p)
	if errors.Is(err, fs.ErrNotExist) && sh.ready&l.bit() != 0 { // somebody has removed it
		sh.ready &^= l.bit()
		return s.writeTmp(sh, p, l, key, rec)
	}
	if err != nil {
		return -1, "create a file", err
	}
	if step, err = s.fillTmp(fd, p, key, rec); err != nil {
		_ = closeFD(fd)
		return -1, step, err
	}
	return fd, "", nil
}

func (s *Store) createTmp(p *page) (fd int, err error) {
	if err := s.step("create"); err != nil {
		return -1, err
	}
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	fd, err = s.files.open(p.tmp, flags)
	if errors.Is(err, fs.ErrExist) {
		// A killed process left it. Not truncated but removed: it might be a
		// symbolic link, or after a power cut another name of a record.
		if err := os.RemoveAll(text(p.tmp)); err != nil {
			return -1, err
		}
		fd, err = s.files.open(p.tmp, flags)
	}
	return fd, err
}

func (s *Store) fillTmp(fd int, p *page, key string, rec store.Record) (step string, err error) {
	if err := setModeFD(fd); err != nil {
		return "set the file's mode", err
	}
	b, rest := appendHead(p.data[:0], key, rec), rec.Data
	if len(b)+len(rest) <= pageSize {
		b, rest = append(b, rest...), nil // one write
	}
	if err := s.step("write"); err != nil {
		return "write", err
	}
	if err := writeFD(fd, b); err != nil {
		return "write", err
	}
	if err := writeFD(fd, rest); err != nil {
		return "write", err
	}
	if s.keeps() {
		s.mark(fd, rec.Token, 0)
	}
	return "sync the file", s.syncFile(fd, "sync")
}

// install gives the written file its name, and closes it.
func (s *Store) install(fd int, p *page, n *name, rec store.Record, exists bool) (step string, err error) {
	if !s.keeps() {
		// On a network file system, it may be closing that tells of a failed
		// write.
		if err := closeFD(fd); err != nil {
			return "close the file", err
		}
		return "rename", s.takeName(p, exists)
	}
	defer closeFD(fd)
	if err := s.takeName(p, exists); err != nil {
		return "rename", err
	}
	if st, ok := s.stampOf(fd); ok { // now that the system has noted the renaming
		s.keep(n, st, rec)
	}
	return "", nil
}

// takeName gives the written file the name of the record.
func (s *Store) takeName(p *page, exists bool) error {
	if err := s.step("rename"); err != nil {
		return err
	}
	if exists && s.opts.Unsynced && !s.noSwap.Load() {
		// Not renamed over the old one: ext4 then starts to write the new one
		// to the disk, which takes longer than all the rest.
		err := flock.Exchange(p.tmp, p.path)
		if err == nil {
			_ = unlink(p.tmp)
			return nil
		}
		if err == flock.ErrNoSwap {
			s.noSwap.Store(true)
		}
	}
	return rename(p.tmp, p.path)
}
