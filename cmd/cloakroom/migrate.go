package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

type migrateCmd struct {
	From address `arg:"" placeholder:"FROM" help:"The store to copy from: a URL, or @FILE, a file that holds the URL."`
	To   address `arg:"" placeholder:"TO" help:"The store to copy to."`

	Prefix    string  `placeholder:"TEXT" help:"Copy only records whose key begins so, as in session:"`
	ToPrefix  *string `placeholder:"TEXT" help:"Put this, which may be empty, in place of --prefix."`
	Format    string  `enum:",msgpack,json,pickle" default:"" placeholder:"FORMAT" help:"Convert records to msgpack, json or pickle. Left out, their bytes stay as they are."`
	Overwrite bool    `help:"Replace records of TO that differ. Otherwise they stay, since they may be newer."`
	DryRun    bool    `help:"Copy and make nothing, and say what would be copied."`
	JSON      bool    `name:"json" help:"Print the result as JSON."`
}

// Help is the text of `cloakroom migrate --help`.
func (migrateCmd) Help() string {
	return `Copies all live sessions from one store to another, with their expiries, and then counts whether they are all there. ` +
		`It may be stopped at any time and run again: what has been copied is passed over. FROM is only read.

Sessions that visitors change meanwhile are not followed, and a session that has ended in TO since it was copied ` +
		`comes back with another run, unless its end was a few minutes ago. So run it while nobody can write to either, with --overwrite if TO has been in use before.

The marks that sessions leave under their keys when they end, for some minutes, or get a new ID are copied, too, and are counted apart. One takes the place of ` +
		`the session that it ends, and none is replaced by a session. With --format, and where a store has a layout of Flask's, they stay behind: Flask knows none.

Users' records, which list the sessions of each user, are told by their keys, and treated likewise. If TO lists sessions of ` +
		`the same user, those of FROM are added; sealed lists cannot be joined, and differ. Sessions whose own prefix ends in user: are no users' records: give that prefix.

What is sealed is sealed to its key, and is not copied under another --to-prefix. Keys stay as they are, so that the application has to go on with its cookie's name and with --prefix as its KeyPrefix. ` +
		`cachelib's files do not hold their keys, and so cannot be FROM.`
}

// Run copies, and counts.
func (m *migrateCmd) Run(ctx context.Context, s streams) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := m.checkSame(); err != nil {
		return err
	}
	from, fromName, err := m.From.open(ctx, s, true)
	if err != nil {
		return fmt.Errorf("FROM: %w", err)
	}
	defer closing(from, &err)
	to, toName, err := m.openTo(ctx, s)
	if err != nil {
		return fmt.Errorf("TO: %w", err)
	}
	defer closing(to, &err)
	lister, ok := from.(store.Lister)
	if !ok {
		return usageError{fmt.Errorf("%s cannot say which records it has, so that it cannot be copied from", fromName)}
	}
	c := &copier{from: from, lister: lister, to: to, cmd: m, progress: newProgress(s.err)}
	c.From, c.To, c.DryRun = fromName, toName, m.DryRun
	c.native = m.Format == "" && !m.From.isFlasks() && !m.To.isFlasks()
	ctx, unwatch := c.progress.watch(ctx)
	defer unwatch()
	err = m.run(ctx, s, c)
	if m.JSON {
		c.Complete = err == nil
		err = errors.Join(err, printJSON(s.out, c.migration))
	}
	return err
}

// checkSame refuses to copy a store to itself, but for copies that it would
// not find and copy again.
func (m *migrateCmd) checkSame() error {
	from, err := m.From.read()
	if err != nil {
		return fmt.Errorf("FROM: %w", err)
	}
	to, err := m.To.read()
	switch {
	case err != nil:
		return fmt.Errorf("TO: %w", err)
	case from != to:
		return nil
	case m.ToPrefix == nil:
		return usageError{errors.New("FROM and TO are the same store")}
	case strings.HasPrefix(*m.ToPrefix, m.Prefix):
		return usageError{errors.New("within one store --to-prefix may not begin with --prefix: copies would be copied again")}
	}
	return nil
}

// isFlasks reports whether a store is laid out as Flask-Session or cachelib does it.
func (a address) isFlasks() bool {
	text, err := a.read()
	if err != nil {
		return false
	}
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	q := u.Query()
	return u.Scheme == "cachelib" || strings.HasPrefix(q.Get("layout"), "flask") || q.Get("cachelib") == "true"
}

// openTo opens TO, for a dry run without making it.
func (m *migrateCmd) openTo(ctx context.Context, s streams) (store.Store, string, error) {
	to, name, err := m.To.open(ctx, s, m.DryRun)
	switch {
	case errors.Is(err, errMissing):
		fmt.Fprintf(s.err, "Note: %s is not there yet.\n", name)
		return memstore.New(memstore.Options{}), name, nil
	case err != nil && m.DryRun:
		err = fmt.Errorf("%w; a dry run makes nothing that is missing", err)
	}
	return to, name, err
}

func (m *migrateCmd) run(ctx context.Context, s streams, c *copier) error {
	say := func(format string, args ...any) {
		if !m.JSON {
			fmt.Fprintf(s.out, format, args...)
		}
	}
	if err := c.copy(ctx); err != nil {
		return m.stopped(ctx, c, err)
	}
	if c.Live == 0 {
		fmt.Fprintf(s.err, "Note: there is no live session in %s. Check its URL, and --prefix.\n", c.From)
	}
	if m.DryRun {
		say("%s has %d live sessions; %d would be copied to %s, %d are there already.\n", c.From, c.Live, c.Copied, c.To, c.There)
		m.sayUsers(s, say, c)
		m.sayMarks(say, c)
		return c.complain()
	}
	say("Copied %d live sessions from %s to %s; %d were there already.\n", c.Copied, c.From, c.To, c.There)
	m.sayUsers(s, say, c)
	m.sayMarks(say, c)
	if err := c.count(ctx); err != nil {
		return m.stopped(ctx, c, err)
	}
	if c.Missing == 0 {
		say("Counted: all %d live sessions of %s are in %s.\n", c.Counted, c.From, c.To)
	}
	return c.complain()
}

// sayUsers tells of users' records, which are not counted.
func (m *migrateCmd) sayUsers(s streams, say func(string, ...any), c *copier) {
	switch {
	case c.Users == 0:
	case !c.native:
		say("Left behind: %d users' records, which Flask does not know.\n", c.Users)
	case m.DryRun:
		say("Beside them %d users' records; %d would be in %s.\n", c.Users, c.UsersCopied, c.To)
	default:
		say("Beside them %d users' records; %d are in %s.\n", c.Users, c.UsersCopied, c.To)
	}
	if c.replaced > 0 {
		fmt.Fprintf(s.err, "Note: %d users' records of %s were replaced. What users have done there meanwhile is forgotten: neither devices nor revoke finds sessions that began there, and sealed cookies that were revoked there open again.\n", c.replaced, c.To)
	}
}

// sayMarks tells of sessions that have ended, which are not counted.
func (m *migrateCmd) sayMarks(say func(string, ...any), c *copier) {
	switch {
	case c.Marks == 0:
	case !c.native:
		say("Left behind: %d marks of ended sessions, which Flask does not know.\n", c.Marks)
	case m.DryRun:
		say("Beside them %d marks of ended sessions; %d would be in %s.\n", c.Marks, c.MarksCopied, c.To)
	default:
		say("Beside them %d marks of ended sessions; %d are in %s.\n", c.Marks, c.MarksCopied, c.To)
	}
	if c.Ended > 0 {
		say("Left alone: %d sessions that have ended in %s.\n", c.Ended, c.To)
	}
}

func (m *migrateCmd) stopped(ctx context.Context, c *copier, err error) error {
	switch {
	case stopped(ctx) && c.Looked:
		return hint(fmt.Errorf("stopped while counting, after %d sessions were copied", c.Copied), "run it again to count")
	case stopped(ctx):
		return hint(fmt.Errorf("stopped after %d sessions", c.Copied), "run it again to go on")
	case errors.Is(err, store.ErrUnsupported):
		return usageError{err}
	}
	return advised(fmt.Errorf("after %d sessions: %w", c.Copied, err))
}
