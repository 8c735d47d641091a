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
	dir, saved, err := s.saveLocked(sh, &n, key, prev, next)
	sh.release()
	if dir == nil {
		return store.Record{}, err
	}
	defer dir.Close()
	if err == nil {
		err = s.finish(op, dir)
	}
	if err != nil {
		return store.Record{}, err
	}
	return saved, nil
}

// saveLocked does what Save does under the lock. Its leaf, if not nil, is left
// to sync, which others need not wait for.
func (s *Store) saveLocked(sh *shard, n *name, key string, prev, next store.Record) (*os.Root, store.Record, error) {
	const op = "save"
	now := time.Now()
	cur, exists, err := s.current(op, n, key)
	if err != nil {
		return nil, store.Record{}, err
	}
	live := exists && cur.live(now)
	if live != prev.Exists() || live && cur.token != prev.Token {
		return nil, store.Record{}, conflict()
	}
	if !next.Live(now) {
		if !live {
			return nil, store.Record{}, nil
		}
		dir, err := s.remove(op, n)
		return dir, store.Record{}, err
	}
	next.Token, next.Expires = newToken(), asStored(next.Expires)
	dir, err := s.makeLeaf(sh, n.leaf())
	if err != nil {
		return nil, store.Record{}, fail(op, "make the record's directory", err)
	}
	return dir, next, s.replace(op, dir, n, key, next)
}

// current reads the header of the record as it is, for a caller that holds
// the shard. A damaged one is set aside and an error, once.
func (s *Store) current(op string, n *name, key string) (h header, exists bool, err error) {
	h, err = s.header(n, key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return h, false, s.checkRoot(op)
	case err != nil:
		return h, false, fail(op, "read", s.setAside(n, err))
	}
	return h, true, nil
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
func (s *Store) replace(op string, dir *os.Root, n *name, key string, rec store.Record) error {
	if step, err := s.writeTmp(dir, key, rec); err != nil {
		_ = dir.Remove(tmpName) // it may be what fills the disk
		return fail(op, step, err)
	}
	err := s.step("rename")
	if err == nil {
		err = dir.Rename(tmpName, string(n[:]))
	}
	if err != nil {
		_ = dir.Remove(tmpName)
		return fail(op, "rename", err)
	}
	return nil
}

// writeTmp writes a record beside the others, and says which step failed.
func (s *Store) writeTmp(dir *os.Root, key string, rec store.Record) (step string, err error) {
	f, err := s.createTmp(dir)
	if err != nil {
		return "create a file", err
	}
	if step, err = s.fillTmp(f, key, rec); err != nil {
		f.Close()
		return step, err
	}
	return "close the file", f.Close()
}

func (s *Store) createTmp(dir *os.Root) (*os.File, error) {
	if err := s.step("create"); err != nil {
		return nil, err
	}
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := dir.OpenFile(tmpName, flags, fileMode)
	if errors.Is(err, fs.ErrExist) {
		// A killed process left it. Not truncated but removed: it might be a
		// symbolic link, or after a power cut another name of a record.
		if err := dir.RemoveAll(tmpName); err != nil {
			return nil, err
		}
		f, err = dir.OpenFile(tmpName, flags, fileMode)
	}
	return f, err
}

func (s *Store) fillTmp(f *os.File, key string, rec store.Record) (step string, err error) {
	if err := setMode(f, fileMode); err != nil {
		return "set the file's mode", err
	}
	p := s.page()
	defer s.pages.Put(p)
	b, rest := appendHead(p.data[:0], key, rec), rec.Data
	if len(b)+len(rest) <= pageSize {
		b, rest = append(b, rest...), nil // one write
	}
	if err := s.step("write"); err != nil {
		return "write", err
	}
	if _, err := f.Write(b); err != nil {
		return "write", err
	}
	if len(rest) > 0 {
		if _, err := f.Write(rest); err != nil {
			return "write", err
		}
	}
	return "sync the file", s.syncFile(f, "sync")
}

// finish makes a change in a leaf survive a power cut.
func (s *Store) finish(op string, dir *os.Root) error {
	if err := s.syncDir(dir, "."); err != nil {
		return fail(op, "sync the directory", err)
	}
	return nil
}
