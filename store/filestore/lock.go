package filestore

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/cloakroom/cloakroom/internal/flock"
)

// Every change happens under the lock of its shard, of which a call holds one
// at a time. Reads take no lock: a rename shows them either the old file or the
// new one.
type shard struct {
	flock.Lock        // guards the rest
	ready      uint16 // leaves whose directories are there, and on the disk
	opened     int    // of the lock, when that was so
}

const locksDir = "locks"

func (s *Store) initLocks() {
	for i := range s.shards {
		path := filepath.Join(s.dir, locksDir, shardName(i))
		s.shards[i].Init(path, path+".turn", fileMode, s.done)
	}
}

// lock takes the lock of a shard, for which it waits as long as ctx and the
// store live.
func (s *Store) lock(ctx context.Context, op string, number int) (*shard, error) {
	sh := &s.shards[number]
	err := sh.Acquire(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.makeLocksDir(); err != nil {
			return nil, fail(op, "make the directory of locks", err)
		}
		err = sh.Acquire(ctx)
	}
	switch {
	case err == nil:
	case errors.Is(err, flock.ErrClosed):
		return nil, closedError(op)
	case ctx.Err() != nil:
		return nil, alive(ctx, op)
	default:
		return nil, fail(op, "lock", err)
	}
	if sh.opened != sh.Opened() {
		sh.ready, sh.opened = 0, sh.Opened()
	}
	return sh, nil
}

func (s *Store) makeLocksDir() error {
	root, err := s.openRoot()
	if err != nil {
		return err
	}
	defer root.Close()
	return makeDir(root, locksDir)
}
