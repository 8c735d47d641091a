package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// progress tells on long work how far it has come, every two seconds, and ends
// it when it comes no further: nobody watches at night.
type progress struct {
	w       io.Writer
	last    time.Time
	stalled *time.Timer // nil: nobody ends it
}

const (
	progressEvery = 2 * time.Second
	// stallTimeout is how long one step may take. The longest is a batch of a
	// cleanup that has to look through a table without an index.
	stallTimeout = 10 * time.Minute
)

var errStalled = errors.New("no answer for " + short(stallTimeout))

func newProgress(w io.Writer) *progress { return &progress{w: w, last: time.Now()} }

// watch returns a context that ends when show has not been called for long. Its
// cause is errStalled then.
func (p *progress) watch(ctx context.Context) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	p.stalled = time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	return watched, func() {
		p.stalled.Stop()
		cancel(nil)
	}
}

func (p *progress) show(format string, args ...any) {
	if p.stalled != nil {
		p.stalled.Reset(stallTimeout)
	}
	if now := time.Now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		fmt.Fprintf(p.w, format+" …\n", args...)
	}
}

// stopped reports whether the work was stopped by the one who started it.
func stopped(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errStalled)
}
