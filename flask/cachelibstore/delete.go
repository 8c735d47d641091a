package cachelibstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := checkKey(key, false); err != nil {
		return err
	}
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	if key == countKey {
		return nil
	}
	err := s.underLock(ctx, op, func() error {
		err := s.step("remove")
		if err == nil {
			err = os.Remove(s.path(nameOf(key)))
		}
		switch {
		case err == nil:
			s.addCount(-1)
			return nil
		case errors.Is(err, fs.ErrNotExist):
			return s.checkDir(op)
		}
		return fail(op, "remove", err)
	})
	if err != nil {
		return err
	}
	// Also if there was nothing to remove: whoever removed it may not have
	// synced yet, or may have died before.
	return s.syncDir(op)
}
