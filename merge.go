package cloakroom

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A merger reads the newest record after a conflict. From the first conflict
// on it lets only one request of this process at a time try again, so that
// many of them do not keep undoing each other's tries.
type merger struct {
	w    *saving
	lock chan struct{}
	n    int
}

func (g *merger) newest(ctx context.Context, prev base) (base, error) {
	w := g.w
	if err := g.wait(ctx, prev.key); err != nil {
		return prev, fmt.Errorf("cloakroom: save: %w: %w after %d tries: %w", ErrUnavailable, ErrConflict, w.tries, err)
	}
	b, err := w.m.read(ctx, prev.key)
	if errors.Is(err, ErrNotFound) {
		w.lost(ctx)
		return prev, nil
	}
	if err != nil {
		return prev, err
	}
	b.ticket, b.handle = prev.ticket, prev.handle
	return b, w.draft.rebase(&b, w.m.opts.Codec)
}

// wait takes the lock at the first conflict, and pauses for a random while at
// later ones: those came from other processes.
func (g *merger) wait(ctx context.Context, key string) error {
	g.n++
	if g.lock == nil {
		lock := g.w.m.stripe(key)
		select {
		case lock <- struct{}{}:
			g.lock = lock
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}
	pause := time.Duration(rand.Int64N(int64(min(g.n, 10)))) * 200 * time.Microsecond
	if pause == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *merger) done() {
	if g.lock != nil {
		<-g.lock
	}
}
