package cachelibstore

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/internal/flock"
)

// lockFile and turnFile are the files of the lock that is taken for every
// change. They stand in the directory, since the one above it may not be ours
// to write to; by their suffix they are neither counted nor removed by
// cachelib. One lock for all records is enough, as it is held for microseconds
// (files are written and synced outside of it), and the count needs one for
// all.
const (
	lockFile = ownPrefix + "lock" + tmpSuffix
	turnFile = ownPrefix + "turn" + tmpSuffix
)

// underLock calls f with the lock held. It makes no lock in a directory that
// the store was not opened in.
func (s *Store) underLock(ctx context.Context, op string, f func() error) error {
	if err := s.checkDir(op); err != nil {
		return err
	}
	err := s.lock.Acquire(ctx)
	switch {
	case err == nil:
		defer s.lock.Release()
		return f()
	case errors.Is(err, flock.ErrClosed):
		return closedError(op)
	case ctx.Err() != nil:
		return alive(ctx, op)
	}
	return fail(op, "lock", err)
}
