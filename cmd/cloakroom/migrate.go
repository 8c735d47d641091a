package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/cloakroom/cloakroom/store"
)

type migrateCmd struct {
	From address `arg:"" placeholder:"FROM" help:"The store to copy from: a URL, or @FILE, a file that holds the URL."`
	To   address `arg:"" placeholder:"TO" help:"The store to copy to."`

	Prefix    string `placeholder:"TEXT" help:"Copy only records whose key begins so, as in session:"`
	ToPrefix  string `placeholder:"TEXT" help:"Put this in place of --prefix."`
	Format    string `enum:",msgpack,json,pickle" default:"" placeholder:"FORMAT" help:"Convert records to msgpack, json or pickle. Left out, their bytes stay as they are."`
	Overwrite bool   `help:"Replace records of TO that differ. Otherwise they stay, since they may be newer."`
	DryRun    bool   `help:"Copy nothing, and say what would be."`
}

// Help is the text of `cloakroom migrate --help`.
func (migrateCmd) Help() string {
	return `Copies all live sessions from one store to another, with their expiries, and then counts whether they are all there. ` +
		`It may be stopped at any time and run again: what has been copied is passed over. FROM is only read.

Sessions that visitors change meanwhile are not followed: first let the application write to TO alone, ` +
		`or run it again with --overwrite while nobody can write.

Keys stay as they are, so that the application has to go on with its cookie's name and with --prefix as its KeyPrefix. ` +
		`cachelib's files do not hold their keys, and so cannot be FROM.`
}

// Run copies, and counts.
func (m *migrateCmd) Run(ctx context.Context, s streams) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	from, fromName, err := m.From.open(ctx, s)
	if err != nil {
		return fmt.Errorf("FROM: %w", err)
	}
	defer closing(from, &err)
	to, toName, err := m.To.open(ctx, s)
	if err != nil {
		return fmt.Errorf("TO: %w", err)
	}
	defer closing(to, &err)
	lister, ok := from.(store.Lister)
	if !ok {
		return usageError{fmt.Errorf("%s cannot say which records it has, so that it cannot be copied from", fromName)}
	}
	c := &copier{from: from, lister: lister, to: to, cmd: m, progress: newProgress(s.err)}
	if err := c.copy(ctx); err != nil {
		return m.stopped(ctx, c, err)
	}
	if m.DryRun {
		fmt.Fprintf(s.out, "%s has %d live sessions; %d would be copied to %s, %d are there already.\n",
			fromName, c.live, c.copied, toName, c.there)
		return c.complain()
	}
	fmt.Fprintf(s.out, "Copied %d live sessions from %s to %s; %d were there already.\n", c.copied, fromName, toName, c.there)
	live, missing, err := c.count(ctx)
	if err != nil {
		return m.stopped(ctx, c, err)
	}
	if missing > 0 {
		return hint(fmt.Errorf("%d of %d live sessions are not in %s", missing, live, toName), "run it again; some may have begun meanwhile")
	}
	fmt.Fprintf(s.out, "Counted: all %d live sessions of %s are in %s.\n", live, fromName, toName)
	return c.complain()
}

func (m *migrateCmd) stopped(ctx context.Context, c *copier, err error) error {
	if ctx.Err() != nil {
		return hint(fmt.Errorf("stopped after %d sessions", c.copied), "run it again to go on")
	}
	if errors.Is(err, store.ErrUnsupported) {
		return usageError{err}
	}
	if advice := store.Advice(err); advice != "" {
		return hint(fmt.Errorf("after %d sessions: %w", c.copied, err), "%s", advice)
	}
	return fmt.Errorf("after %d sessions: %w", c.copied, err)
}
