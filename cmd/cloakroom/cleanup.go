package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

type cleanupCmd struct {
	Store address       `arg:"" placeholder:"URL" help:"The store, as in postgres://host/database; or @FILE, a file that holds the URL."`
	Batch int           `default:"1000" help:"How many records one step removes."`
	Pause time.Duration `default:"50ms" help:"How long to wait between two steps, for others to get through."`
	JSON  bool          `name:"json" help:"Print the result as JSON."`
}

// cleanupResult is what --json prints.
type cleanupResult struct {
	Store    string `json:"store"`
	Removed  int    `json:"removed"`
	Complete bool   `json:"complete"` // none is left

	cleaned bool // by this program
}

// Help is the text of `cloakroom cleanup --help`.
func (cleanupCmd) Help() string {
	return "Removes expired sessions, in small steps, from a store whose server does not do so by itself: files and SQL databases. " +
		"Expired sessions open nothing, whether they have been removed or not. Expired users' records and marks of ended sessions go, and are counted, with them. " +
		"It may run while the store is in use, also twice at once."
}

// Validate refuses numbers that make no sense.
func (c *cleanupCmd) Validate() error {
	if c.Batch < 1 || c.Pause < 0 {
		return errors.New("--batch must be at least 1, and --pause not negative")
	}
	return nil
}

// Run removes until nothing is left to remove, or Ctrl-C.
func (c *cleanupCmd) Run(ctx context.Context, s streams) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	st, name, err := c.Store.open(ctx, s, true)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	r := cleanupResult{Store: name}
	if cleaner, ok := st.(store.Cleaner); ok {
		err = c.clean(ctx, s, cleaner, &r)
	} else {
		fmt.Fprintf(s.err, "Nothing to do: expired sessions go from %s by themselves.\n", name)
		r.Complete = true
	}
	if c.JSON {
		return errors.Join(err, printJSON(s.out, r))
	}
	if r.Complete && r.cleaned {
		fmt.Fprintf(s.out, "Removed %d expired sessions from %s.\n", r.Removed, name)
	}
	return err
}

// clean removes batch after batch.
func (c *cleanupCmd) clean(ctx context.Context, s streams, cleaner store.Cleaner, r *cleanupResult) error {
	p := newProgress(s.err)
	ctx, stop := p.watch(ctx)
	defer stop()
	for {
		n, err := cleaner.DeleteExpired(ctx, c.Batch)
		r.Removed += n
		switch {
		case stopped(ctx):
			return hint(fmt.Errorf("stopped after %d expired sessions", r.Removed), "run it again to go on")
		case errors.Is(err, store.ErrUnsupported):
			fmt.Fprintf(s.err, "Nothing to do: %v\n", err)
			r.Complete = true
			return nil
		case err != nil:
			return advised(fmt.Errorf("after %d expired sessions: %w", r.Removed, err))
		case n < c.Batch:
			r.Complete, r.cleaned = true, true
			return nil
		}
		p.show("%d removed", r.Removed)
		select {
		case <-time.After(c.Pause):
		case <-ctx.Done():
		}
	}
}
