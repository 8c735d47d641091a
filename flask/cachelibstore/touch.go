package cachelibstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// Touch implements [store.Store]. It overwrites the expiry alone, in place: if
// a Python process replaces or deletes the file at that moment, the write goes
// to the file that is no more, and neither undoes its change nor revives the
// session.
func (s *Store) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	const op = "touch"
	if err := checkKey(key, false); err != nil {
		return err
	}
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	if key == countKey {
		return notFound(op)
	}
	var f *os.File
	err := s.underLock(ctx, op, func() (err error) {
		f, err = s.touchLocked(ctx, op, s.path(nameOf(key)), expiryOf(expires))
		return err
	})
	if err != nil {
		return err
	}
	defer f.Close()
	if s.opts.Unsynced {
		return nil
	}
	// Also if the record lived longer already: whoever touched it may not have
	// synced yet.
	if err := errors.Join(s.step("sync"), f.Sync()); err != nil {
		return fail(op, "sync the file", err)
	}
	return nil
}

// touchLocked returns the file that it touched, which is left to sync. A file
// that was replaced meanwhile is touched too.
func (s *Store) touchLocked(ctx context.Context, op, path string, e expiry) (*os.File, error) {
	for {
		if err := alive(ctx, op); err != nil {
			return nil, err
		}
		f, _, err := openPlain(path, os.O_RDWR)
		if errors.Is(err, fs.ErrNotExist) {
			if err := s.checkDir(op); err != nil {
				return nil, err
			}
			return nil, notFound(op)
		}
		if err != nil {
			return nil, fail(op, "open", err)
		}
		if err := s.moveExpiry(op, f, e); err != nil {
			f.Close()
			return nil, err
		}
		if flock.IsAt(f, path) {
			return f, nil
		}
		f.Close()
	}
}

func (s *Store) moveExpiry(op string, f *os.File, e expiry) error {
	cur, ok, err := readExpiry(f)
	if err != nil {
		return fail(op, "read", err)
	}
	if !ok || !cur.live(s.now()) {
		return notFound(op)
	}
	if !e.later(cur) {
		return nil
	}
	if err := s.step("touch"); err != nil {
		return fail(op, "write", err)
	}
	if _, err := f.WriteAt(e.append(nil), 0); err != nil {
		return fail(op, "write", err)
	}
	return nil
}
