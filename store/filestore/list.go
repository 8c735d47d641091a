package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// List implements [store.Lister]. It holds the names of one directory at a
// time, a 4096th of the records, and reads each record when its turn comes.
// It passes over damaged files, and ends with an error if there were any.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	const op = "list"
	return func(yield func(store.Entry, error) bool) {
		if err := s.present(ctx, op); err != nil {
			yield(store.Entry{}, err)
			return
		}
		bad := 0
		for l := range s.leaves(0) {
			names, err := s.names(ctx, op, l)
			if err != nil {
				yield(store.Entry{}, err)
				return
			}
			for i := range names {
				e, err := s.entry(ctx, op, &names[i])
				switch {
				case errors.Is(err, ErrDamaged):
					bad++
					continue
				case err != nil:
					yield(store.Entry{}, err)
					return
				}
				if e.Record.Live(time.Now()) && strings.HasPrefix(e.Key, prefix) && !yield(e, nil) {
					return
				}
			}
		}
		if bad > 0 {
			yield(store.Entry{}, fail(op, "read", fmt.Errorf("%d times: %w", bad, ErrDamaged)))
		} else if err := s.checkRoot(op); err != nil {
			yield(store.Entry{}, err)
		}
	}
}

// present is what a walk begins with.
func (s *Store) present(ctx context.Context, op string) error {
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	return s.checkRoot(op)
}

// leaves yields all leaves, beginning with the one of number first, but for
// shards that have no directory.
func (s *Store) leaves(first leaf) iter.Seq[leaf] {
	return func(yield func(leaf) bool) {
		missing := -1
		for i := range leaf(leafCount) {
			l := (first + i) % leafCount
			if l&15 == 0 || i == 0 {
				err := isDir(filepath.Join(s.dir, shardName(l.shard())))
				if errors.Is(err, fs.ErrNotExist) {
					missing = l.shard()
				}
			}
			if l.shard() != missing && !yield(l) {
				return
			}
		}
	}
}

// entry reads the record of a name that a directory gave; it does not exist
// if the file is gone by now.
func (s *Store) entry(ctx context.Context, op string, n *name) (store.Entry, error) {
	if err := s.enter(ctx, op); err != nil {
		return store.Entry{}, err
	}
	defer s.leave()
	e, err := s.readEntry(n)
	if errors.Is(err, ErrDamaged) {
		// Perhaps only half of a touch.
		sh, lockErr := s.lock(ctx, op, n.leaf().shard())
		if lockErr != nil {
			return store.Entry{}, lockErr
		}
		e, err = s.readEntry(n)
		sh.Release()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return store.Entry{}, fail(op, "read", err)
	}
	return e, nil
}

func (s *Store) readEntry(n *name) (store.Entry, error) {
	p := s.page()
	defer s.pages.Put(p)
	fd, err := s.openRecord(p, n, os.O_RDONLY)
	if err != nil {
		return store.Entry{}, err
	}
	defer closeFD(fd)
	h, k, data, err := readFile(p, fd)
	if err != nil {
		return store.Entry{}, err
	}
	key := string(k)
	if nameOf(key) != *n {
		return store.Entry{}, damaged("the record of another key")
	}
	return store.Entry{Key: key, Record: h.record(outOfPage(&h, data))}, nil
}

// names returns the names of the records in a leaf, and removes what a killed
// process left there. It reads them under the lock: without it, a record that
// is replaced meanwhile could be passed over on file systems where that moves
// its name.
func (s *Store) names(ctx context.Context, op string, l leaf) ([]name, error) {
	if err := s.enter(ctx, op); err != nil {
		return nil, err
	}
	defer s.leave()
	if _, err := s.leafDir(l); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	sh, err := s.lock(ctx, op, l.shard())
	if err != nil {
		return nil, err
	}
	defer sh.Release()
	dir, err := s.leafDir(l)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fail(op, "open a directory", err)
	}
	all, err := readNames(dir)
	if err != nil {
		return nil, fail(op, "read a directory", err)
	}
	return records(dir, all), nil
}

func records(dir string, all []string) []name {
	names := make([]name, 0, len(all))
	for _, file := range all {
		if n, ok := parseName(file); ok {
			names = append(names, n)
		} else if file == tmpName {
			_ = os.RemoveAll(filepath.Join(dir, tmpName)) // we hold the lock, so nobody writes it
		}
	}
	return names
}
