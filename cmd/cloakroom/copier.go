package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store"
)

// A migration is how far a copier has come, and what --json prints.
type migration struct {
	From   string `json:"from"`
	To     string `json:"to"`
	DryRun bool   `json:"dry_run"`

	Live   int `json:"live"`   // sessions of FROM, without those that have ended in TO
	Copied int `json:"copied"` // or would be, in a dry run
	There  int `json:"there"`  // in TO already

	// What was not copied, and why.
	Differ   int `json:"differ"`    // in TO already, with other data
	Unread   int `json:"unread"`    // cannot be converted
	TooLarge int `json:"too_large"` // for TO
	BadKey   int `json:"bad_key"`   // --to-prefix makes it one
	Sealed   int `json:"sealed"`    // to a key that --to-prefix changes

	Looked  bool `json:"-"` // at all of FROM
	Counted int  `json:"counted"`
	Missing int  `json:"missing"` // of those, in TO

	// Users' records are no sessions: they list them.
	Users        int `json:"users"`         // of FROM
	UsersCopied  int `json:"users_copied"`  // or there already, or joined with those that were there
	UsersDiffer  int `json:"users_differ"`  // in TO already, with other data
	UsersMissing int `json:"users_missing"` // of those that were counted at the end

	// What ended sessions have left is none either.
	Marks       int `json:"marks"`        // of FROM
	MarksCopied int `json:"marks_copied"` // or there already
	Ended       int `json:"ended"`        // sessions of FROM that have ended in TO, which a mark there tells

	Complete bool `json:"complete"` // all of FROM is in TO
}

// A copier copies the records of one store to another.
type copier struct {
	migration
	from     store.Store
	lister   store.Lister
	to       store.Store
	cmd      *migrateCmd
	native   bool // marks and users' records are copied, too
	replaced int  // users' records of TO that could not be joined with those of FROM
	progress *progress
}

// copy copies every live record.
func (c *copier) copy(ctx context.Context) error {
	for entry, err := range c.lister.List(ctx, c.cmd.Prefix) {
		if err != nil {
			return err
		}
		switch {
		case isMark(entry.Record):
			if err := c.mark(ctx, entry); err != nil {
				return err
			}
			continue
		case c.isUsers(entry):
			if err := c.user(ctx, entry); err != nil {
				return err
			}
			continue
		}
		c.Live++
		if c.unsealable(entry) {
			c.Sealed++
			continue
		}
		err := c.one(ctx, entry)
		switch {
		case errors.Is(err, store.ErrTooLarge):
			c.TooLarge++
		case errors.Is(err, store.ErrKey):
			c.BadKey++
		case err != nil:
			return err
		}
		c.progress.show("%d looked at, %d copied", c.Live, c.Copied)
	}
	c.Looked = true
	return nil
}

func (c *copier) one(ctx context.Context, entry store.Entry) error {
	next := store.Record{Data: entry.Record.Data, Expires: entry.Record.Expires}
	if c.cmd.Format != "" {
		var err error
		if next.Data, err = converted(next.Data, flask.Format(c.cmd.Format)); err != nil {
			c.Unread++
			return nil
		}
	}
	key := c.key(entry.Key)
	if c.cmd.DryRun {
		return c.compare(ctx, key, next)
	}
	// Others may be at work on TO: each conflict means that the record has
	// become another one.
	for {
		rec, err := c.to.Save(ctx, key, store.Record{}, next)
		switch {
		case err == nil && rec.Exists():
			c.Copied++
			return nil
		case err == nil:
			c.Live-- // it has expired meanwhile
			return nil
		case !errors.Is(err, store.ErrConflict):
			return err
		}
		if err := c.meet(ctx, key, next); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// key returns a record's key in the other store.
func (c *copier) key(key string) string {
	if c.cmd.ToPrefix == nil {
		return key
	}
	return *c.cmd.ToPrefix + strings.TrimPrefix(key, c.cmd.Prefix)
}

// meet deals with a record that the other store has already.
func (c *copier) meet(ctx context.Context, key string, next store.Record) error {
	old, err := c.to.Load(ctx, key)
	switch {
	case err != nil:
	case isMark(old):
		c.end()
	case bytes.Equal(old.Data, next.Data):
		if err = c.to.Touch(ctx, key, old, next.Expires); err == nil {
			c.There++
		}
	case !c.cmd.Overwrite:
		c.Differ++
	default:
		if _, err = c.to.Save(ctx, key, old, next); err == nil {
			c.Copied++
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil // it was there a moment ago: it has been ended
	}
	return err
}

// compare is one for a dry run.
func (c *copier) compare(ctx context.Context, key string, next store.Record) error {
	old, err := c.to.Load(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		c.Copied++
	case err != nil:
		return err
	case isMark(old):
		c.end()
	case bytes.Equal(old.Data, next.Data):
		c.There++
	case c.cmd.Overwrite:
		c.Copied++
	default:
		c.Differ++
	}
	return nil
}

func isMark(r store.Record) bool {
	_, ok := store.ParseMark(r.Data)
	return ok
}

// end notes a session that has ended in the other store. It is not brought back
// there.
func (c *copier) end() {
	c.Live--
	c.Ended++
}

// mark copies a mark, for as long as it still lives. It takes the place of the
// session that it ends, which an earlier run may have copied.
func (c *copier) mark(ctx context.Context, entry store.Entry) error {
	c.Marks++
	if !c.native {
		return nil
	}
	next := store.Record{Data: entry.Record.Data, Expires: entry.Record.Expires}
	key := c.key(entry.Key)
	for {
		old, err := c.to.Load(ctx, key)
		switch {
		case errors.Is(err, store.ErrKey):
			return nil // nor is there a session to end
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		case isMark(old), c.cmd.DryRun:
			c.MarksCopied++
			return nil
		}
		_, err = c.to.Save(ctx, key, old, next)
		switch {
		case err == nil:
			c.MarksCopied++
			return nil
		case errors.Is(err, store.ErrTooLarge):
			return nil
		case !errors.Is(err, store.ErrConflict):
			return err
		}
	}
}

// count walks over the records once more, and counts how many live ones there
// are, and how many of them the other store does not have.
func (c *copier) count(ctx context.Context) error {
	for entry, err := range c.lister.List(ctx, c.cmd.Prefix) {
		if err != nil {
			return err
		}
		if isMark(entry.Record) || c.isUsers(entry) && !c.native {
			continue
		}
		there, err := c.to.Load(ctx, c.key(entry.Key))
		// Looked at afterwards: it may end at this very moment.
		if !entry.Record.Live(time.Now()) || isMark(there) {
			continue
		}
		if c.isUsers(entry) {
			if errors.Is(err, store.ErrNotFound) {
				c.UsersMissing++
			} else if err != nil && !errors.Is(err, store.ErrKey) {
				return err
			}
			continue
		}
		c.Counted++
		switch {
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrKey):
			c.Missing++
		case err != nil:
			return err
		}
		c.progress.show("%d counted", c.Counted)
	}
	return nil
}

// complain returns an error about records that were not copied.
func (c *copier) complain() error {
	var problems []error
	if c.Differ > 0 {
		problems = append(problems, fmt.Errorf("%d sessions are in TO with other data and were left alone: --overwrite replaces them", c.Differ))
	}
	if c.Unread > 0 {
		problems = append(problems, fmt.Errorf("%d sessions cannot be read, because they are sealed or another program's, and were not converted: without --format they are copied as they are", c.Unread))
	}
	if c.TooLarge > 0 {
		problems = append(problems, fmt.Errorf("%d sessions are too large for TO", c.TooLarge))
	}
	if c.BadKey > 0 {
		problems = append(problems, fmt.Errorf("%d sessions would have keys that no store takes: choose another --to-prefix", c.BadKey))
	}
	if c.Sealed > 0 {
		problems = append(problems, fmt.Errorf("%d sessions are sealed to their keys and were not copied, since nothing opens them under another one: leave --to-prefix out", c.Sealed))
	}
	problems = append(problems, c.complainOfUsers())
	if rest := c.Missing - c.Unread - c.TooLarge - c.BadKey - c.Sealed; rest > 0 {
		problems = append(problems, hint(fmt.Errorf("%d of %d live sessions are not in TO", rest, c.Counted),
			"they began in FROM or ended in TO meanwhile; run it again while nobody can write to either"))
	}
	return errors.Join(problems...)
}

// converted returns a record in another format.
func converted(data []byte, format flask.Format) ([]byte, error) {
	c := flask.RecordCodec(format)
	fields, err := c.Split(nil, data)
	if err != nil {
		return nil, err
	}
	out, err := c.Join(nil, fields)
	if err == nil && !codecOf(format).Match(out) {
		err = fmt.Errorf("%w: it stays in the format that it has", codec.ErrType)
	}
	return out, err
}

// codecOf returns the codec of one format alone.
func codecOf(format flask.Format) codec.Codec {
	switch format {
	case flask.FormatJSON:
		return codec.JSON
	case flask.FormatMsgPack:
		return codec.MsgPack
	default:
		return flask.RecordCodec(format)
	}
}
