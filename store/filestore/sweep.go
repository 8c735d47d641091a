package filestore

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// sweepBatch is how many records are removed under one lock.
const sweepBatch = 64

// DeleteExpired implements [store.Cleaner]. A call that reaches limit remembers
// where, and the next one goes on there. A directory in which it may not remove
// anything is passed over, and the error returned in the end.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int, error) {
	const op = "delete expired"
	if err := s.present(ctx, op); err != nil {
		return 0, err
	}
	removed := 0
	var first error
	for l := range s.leaves(leaf(s.cursor.Load())) {
		if removed >= limit {
			break
		}
		n, err := s.sweepLeaf(ctx, op, l, limit-removed)
		removed += n
		if first = cmp.Or(first, err); s.over(ctx, err) {
			return removed, first
		}
		if removed >= limit {
			s.cursor.Store(uint32(l))
		}
	}
	if first == nil && removed < limit {
		return removed, s.checkRoot(op)
	}
	return removed, first
}

// over reports whether cleaning up has to end with err, since it would fail the
// same way everywhere.
func (s *Store) over(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, store.ErrClosed))
}

// sweepLeaf removes at most limit expired records of one directory.
func (s *Store) sweepLeaf(ctx context.Context, op string, l leaf, limit int) (removed int, err error) {
	names, err := s.names(ctx, op, l)
	if err != nil {
		return 0, err
	}
	for len(names) > 0 && removed < limit {
		var batch []name
		batch, names = s.expired(names, min(sweepBatch, limit-removed))
		n, err := s.removeExpired(ctx, op, l, batch)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// expired returns at most limit of names that look expired, and those that it
// has not looked at. What it cannot read it leaves for a Load to judge.
func (s *Store) expired(names []name, limit int) (batch, rest []name) {
	now := time.Now()
	p := s.page()
	defer s.pages.Put(p)
	for i := range names {
		if h, err := s.header(p, &names[i], ""); err == nil && !h.live(now) {
			batch = append(batch, names[i])
		}
		if len(batch) == limit {
			return batch, names[i+1:]
		}
	}
	return batch, nil
}

// removeExpired removes those of batch that are still expired under the lock.
// There is nothing to sync: a record that comes back is as expired as before.
func (s *Store) removeExpired(ctx context.Context, op string, l leaf, batch []name) (removed int, err error) {
	if len(batch) == 0 {
		return 0, nil
	}
	if err := s.enter(ctx, op); err != nil {
		return 0, err
	}
	defer s.leave()
	sh, err := s.lock(ctx, op, l.shard())
	if err != nil {
		return 0, err
	}
	defer sh.Release()
	dir, err := s.leafDir(l)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fail(op, "open a directory", err)
	}
	p := s.page()
	defer s.pages.Put(p)
	for i := range batch {
		if h, err := s.header(p, &batch[i], ""); err != nil || h.live(time.Now()) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, string(batch[i][:]))); err != nil {
			return removed, fail(op, "remove", err)
		}
		s.cache.drop(&batch[i])
		removed++
	}
	return removed, nil
}

// sweepLoop removes expired records now and then until the store is closed.
func (s *Store) sweepLoop() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	interval := s.opts.SweepInterval
	wait := rand.N(interval) // the processes of a fleet start together
	for s.pause(wait) {
		if n, ran, err := s.sweep(ctx); ran && !errors.Is(err, store.ErrClosed) {
			s.opts.Swept(n, err)
		}
		wait = interval*3/4 + rand.N(interval/2+1)
	}
}

// logFailure is what is told of sweeps by default. Nobody else would notice
// that all of them fail, until the disk is full.
func (s *Store) logFailure(_ int, err error) {
	if err == nil {
		return
	}
	attrs := []any{"directory", s.dir, "error", err.Error()}
	if advice := store.Advice(err); advice != "" {
		attrs = append(attrs, "advice", advice)
	}
	slog.Warn("session store", attrs...)
}

// pause waits, and answers false if the store is closed meanwhile.
func (s *Store) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}

// sweep removes all expired records, unless another process is doing that or
// has done it lately. It takes its time, so as not to be noticed.
func (s *Store) sweep(ctx context.Context) (removed int, ran bool, err error) {
	const op = "sweep"
	if err := s.checkRoot(op); err != nil {
		return 0, true, err
	}
	f, err := flock.Open(filepath.Join(s.dir, locksDir, "sweep"), fileMode)
	if err != nil {
		return 0, true, fail(op, "open the lock file", err)
	}
	defer f.Close() // and with it the lock
	if got, err := flock.Try(f); !got {
		return 0, err != nil, err
	}
	if time.Since(lastSweep(f)) < s.opts.SweepInterval/2 {
		return 0, false, nil
	}
	if err := s.removeScratch(); err != nil {
		return 0, true, fail(op, "remove leftovers", err)
	}
	breath := min(s.opts.SweepInterval/(2*shardCount), 50*time.Millisecond)
	var first error
	for l := range s.leaves(0) {
		n, err := s.sweepLeaf(ctx, op, l, math.MaxInt)
		removed += n
		if first = cmp.Or(first, err); s.over(ctx, err) {
			return removed, true, first
		}
		if l%16 == 15 && !s.pause(breath) {
			return removed, true, closedError(op)
		}
	}
	if err := noteSweep(f); err != nil {
		return removed, true, fail(op, "note the time", err)
	}
	return removed, true, first
}

// lastSweep is when the last sweep ended, as the sweep's lock file says. A time
// in the future comes from a clock that was wrong, and does not count.
func lastSweep(f *os.File) time.Time {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	sec, err := strconv.ParseInt(strings.TrimSpace(string(b[:n])), 10, 64)
	if t := time.Unix(sec, 0); err == nil && t.Before(time.Now()) {
		return t
	}
	return time.Time{}
}

func noteSweep(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.FormatInt(time.Now().Unix(), 10)+"\n"), 0)
	return err
}
