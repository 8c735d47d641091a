package cachelibstore

import (
	"cmp"
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const (
	// pruneBatch is how many files are removed under one lock.
	pruneBatch = 64
	// pruneAgain is how long a Save does without pruning after it was in vain:
	// it looks at every file.
	pruneAgain = time.Minute
	// leftoverAge is the age at which a temporary file is taken to be left by
	// a killed process.
	leftoverAge = time.Hour
)

// DeleteExpired implements [store.Cleaner]. It goes on past what it cannot
// read or remove, and then answers with the first such error.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int, error) {
	const op = "delete expired"
	if err := s.enter(ctx, op); err != nil {
		return 0, err
	}
	defer s.leave()
	return s.removeExpired(ctx, op, limit)
}

// prune is what cachelib does before each save: it makes room if there are
// more files than the threshold. What it cannot remove is no reason not to
// save.
func (s *Store) prune(ctx context.Context) {
	const op = "prune"
	now := s.now().Unix()
	if !s.overThreshold() || now < s.nextPrune.Load() {
		return
	}
	_, _ = s.removeExpired(ctx, op, math.MaxInt)
	if !s.overThreshold() {
		return
	}
	if s.opts.DropLive {
		s.dropLive(ctx, op)
	} else {
		s.nextPrune.Store(now + int64(pruneAgain/time.Second))
	}
}

func (s *Store) overThreshold() bool {
	return s.threshold > 0 && s.count() > int64(s.threshold)
}

// removeExpired removes at most limit records that have expired.
func (s *Store) removeExpired(ctx context.Context, op string, limit int) (removed int, first error) {
	names, err := s.names()
	if err != nil {
		return 0, fail(op, "read the directory", err)
	}
	s.removeLeftovers(names)
	var batch []string
	for i, name := range names {
		if err := alive(ctx, op); err != nil {
			return removed, err
		}
		if expired, err := s.hasExpired(name); err != nil {
			first = cmp.Or(first, fail(op, "read", err))
		} else if expired {
			batch = append(batch, name)
		}
		if full := min(pruneBatch, limit-removed); len(batch) >= full && full > 0 || i == len(names)-1 {
			n, err := s.removeBatch(ctx, op, batch[:min(len(batch), full)])
			removed, batch = removed+n, batch[:0]
			first = cmp.Or(first, err)
		}
		if removed >= limit {
			break
		}
	}
	return removed, cmp.Or(first, s.checkDir(op))
}

// hasExpired reports whether the file of that name is a record that has
// expired. What is too short to be a record stays, as in cachelib.
func (s *Store) hasExpired(name string) (bool, error) {
	if !isRecord(name) {
		return false, nil
	}
	f, _, err := openPlain(s.path(name), os.O_RDONLY)
	if err != nil {
		return false, ignoreMissing(err)
	}
	defer f.Close()
	e, ok, err := readExpiry(f)
	return ok && !e.live(s.now()), err
}

// removeBatch removes those of the files that are still expired under the
// lock. There is nothing to sync: a record that comes back is as expired as
// before.
func (s *Store) removeBatch(ctx context.Context, op string, names []string) (removed int, first error) {
	if len(names) == 0 {
		return 0, nil
	}
	err := s.underLock(ctx, op, func() error {
		for _, name := range names {
			ok, err := s.removeIf(name, func(e expiry) bool { return !e.live(s.now()) })
			if err != nil {
				first = cmp.Or(first, fail(op, "remove", err))
			} else if ok {
				removed++
			}
		}
		s.addCount(-int64(removed))
		return nil
	})
	return removed, cmp.Or(err, first)
}

// removeIf removes the file of a record if its expiry is due, for a caller
// that holds the lock. A file that cachelib puts in its place meanwhile stays.
func (s *Store) removeIf(name string, due func(expiry) bool) (bool, error) {
	f, _, err := openPlain(s.path(name), os.O_RDONLY)
	if err != nil {
		return false, ignoreMissing(err)
	}
	defer f.Close()
	e, ok, err := readExpiry(f)
	if err != nil || !ok || !due(e) {
		return false, err
	}
	err = s.take(s.path(name), f)
	if errors.Is(err, store.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// dropLive removes records until there are no more than the threshold, in
// cachelib's order: by the number in the header, in which never is the first.
func (s *Store) dropLive(ctx context.Context, op string) {
	type candidate struct {
		name   string
		expiry expiry
	}
	names, err := s.names()
	if err != nil {
		return
	}
	var all []candidate
	for _, name := range names {
		if !isRecord(name) {
			continue
		}
		if f, _, err := openPlain(s.path(name), os.O_RDONLY); err == nil {
			if e, ok, err := readExpiry(f); err == nil && ok {
				all = append(all, candidate{name, e})
			}
			f.Close()
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.expiry, b.expiry) })
	_ = s.underLock(ctx, op, func() error {
		for _, c := range all {
			if !s.overThreshold() {
				return nil
			}
			// Not if it was touched or replaced since.
			if ok, _ := s.removeIf(c.name, func(e expiry) bool { return e == c.expiry }); ok {
				s.addCount(-1)
			}
		}
		return nil
	})
}

// removeLeftovers removes temporary files that killed processes of this
// package left. Those of cachelib are not ours to judge.
func (s *Store) removeLeftovers(names []string) {
	for _, name := range names {
		if name == lockFile || name == turnFile || !strings.HasPrefix(name, ownPrefix) || !strings.HasSuffix(name, tmpSuffix) {
			continue
		}
		if fi, err := os.Lstat(s.path(name)); err == nil && fi.Mode().IsRegular() && s.now().Sub(fi.ModTime()) > leftoverAge {
			_ = os.Remove(s.path(name))
		}
	}
}

// names returns the names in the directory.
func (s *Store) names() ([]string, error) {
	d, err := os.Open(s.dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}
