package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Touch implements [store.Store]. It overwrites the expiry alone, in place.
func (s *Store) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	const op = "touch"
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	n := nameOf(key)
	sh, err := s.lock(ctx, op, n.leaf().shard())
	if err != nil {
		return err
	}
	fd, err := s.touchLocked(op, &n, key, expires)
	sh.Release()
	if err != nil {
		return err
	}
	defer closeFD(fd)
	// Also if the record lived longer already: whoever touched it may not have
	// synced yet.
	if err = s.step("sync"); err == nil {
		err = s.syncData(fd)
	}
	if err != nil {
		return fail(op, "sync the file", err)
	}
	return nil
}

// touchLocked does what Touch does under the lock, and returns the file, which
// is left to sync.
func (s *Store) touchLocked(op string, n *name, key string, expires time.Time) (int, error) {
	p := s.page()
	defer s.pages.Put(p)
	fd, err := s.openRecord(p, n, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.checkRoot(op); err != nil {
			return -1, err
		}
		return -1, notFound(op)
	}
	if err != nil {
		return -1, fail(op, "open", s.setAside(n, err))
	}
	if err := s.moveExpiry(op, p, fd, n, key, expires); err != nil {
		_ = closeFD(fd)
		return -1, err
	}
	return fd, nil
}

func (s *Store) moveExpiry(op string, p *page, fd int, n *name, key string, expires time.Time) error {
	h, err := readHeader(p, fd, key)
	if err != nil {
		return fail(op, "read", s.setAside(n, err))
	}
	if !h.live(time.Now()) {
		return notFound(op)
	}
	later := asStored(store.Later(h.expires, expires))
	if later.Equal(h.expires) {
		return nil
	}
	putExpiry(p.data[:headerSize], later)
	if err := s.step("write"); err != nil {
		return fail(op, "write", err)
	}
	before, marked := s.stampOf(fd)
	if err := writeFDAt(fd, p.data[expiryAt:headerSize], expiryAt); err != nil {
		return fail(op, "write", err)
	}
	if marked {
		s.mark(fd, h.token, before.mtime.sec)
	}
	return nil
}
