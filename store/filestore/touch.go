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
	f, err := s.touchLocked(op, &n, key, expires)
	sh.release()
	if err != nil {
		return err
	}
	defer f.Close()
	// Also if the record lived longer already: whoever touched it may not have
	// synced yet.
	if err = s.step("sync"); err == nil {
		err = s.syncData(f)
	}
	if err != nil {
		return fail(op, "sync the file", err)
	}
	return nil
}

// touchLocked does what Touch does under the lock, and returns the file, which
// is left to sync.
func (s *Store) touchLocked(op string, n *name, key string, expires time.Time) (*os.File, error) {
	p := s.page()
	defer s.pages.Put(p)
	fd, err := s.openRecord(p, n, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.checkRoot(op); err != nil {
			return nil, err
		}
		return nil, notFound(op)
	}
	if err != nil {
		return nil, fail(op, "open", s.setAside(n, err))
	}
	f := os.NewFile(uintptr(fd), "record")
	if err := s.moveExpiry(op, p, f, fd, n, key, expires); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (s *Store) moveExpiry(op string, p *page, f *os.File, fd int, n *name, key string, expires time.Time) error {
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
	if _, err := f.WriteAt(p.data[expiryAt:headerSize], expiryAt); err != nil {
		return fail(op, "write", err)
	}
	return nil
}
