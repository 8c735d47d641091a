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

// A copier copies the records of one store to another.
type copier struct {
	from     store.Store
	lister   store.Lister
	to       store.Store
	cmd      *migrateCmd
	progress *progress

	live, copied, there int
	differ              int // in the other store already, with other data
	unread              int // cannot be converted
	tooLarge            int
}

// copy copies every live record.
func (c *copier) copy(ctx context.Context) error {
	for entry, err := range c.lister.List(ctx, c.cmd.Prefix) {
		if err != nil {
			return err
		}
		c.live++
		if err := c.one(ctx, entry); err != nil {
			return err
		}
		c.progress.show("%d looked at, %d copied", c.live, c.copied)
	}
	return nil
}

func (c *copier) one(ctx context.Context, entry store.Entry) error {
	next := store.Record{Data: entry.Record.Data, Expires: entry.Record.Expires}
	if c.cmd.Format != "" {
		var err error
		if next.Data, err = converted(next.Data, flask.Format(c.cmd.Format)); err != nil {
			c.unread++
			return nil
		}
	}
	key := c.key(entry.Key)
	if c.cmd.DryRun {
		return c.compare(ctx, key, next)
	}
	_, err := c.to.Save(ctx, key, store.Record{}, next)
	switch {
	case errors.Is(err, store.ErrConflict):
		return c.meet(ctx, key, next)
	case errors.Is(err, store.ErrTooLarge):
		c.tooLarge++
		return nil
	case err != nil:
		return err
	}
	c.copied++
	return nil
}

// key returns a record's key in the other store.
func (c *copier) key(key string) string {
	if c.cmd.ToPrefix == "" {
		return key
	}
	return c.cmd.ToPrefix + strings.TrimPrefix(key, c.cmd.Prefix)
}

// meet deals with a record that the other store has already.
func (c *copier) meet(ctx context.Context, key string, next store.Record) error {
	old, err := c.to.Load(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil // it was there a moment ago: it has been ended
	case err != nil:
		return err
	case bytes.Equal(old.Data, next.Data):
		c.there++
		return c.to.Touch(ctx, key, old, next.Expires)
	case !c.cmd.Overwrite:
		c.differ++
		return nil
	}
	if _, err := c.to.Save(ctx, key, old, next); err != nil {
		return err
	}
	c.copied++
	return nil
}

// compare is one for a dry run.
func (c *copier) compare(ctx context.Context, key string, next store.Record) error {
	old, err := c.to.Load(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		c.copied++
	case err != nil:
		return err
	case bytes.Equal(old.Data, next.Data):
		c.there++
	case c.cmd.Overwrite:
		c.copied++
	default:
		c.differ++
	}
	return nil
}

// count walks over the records once more, and returns how many live ones there
// are, and how many of them the other store does not have.
func (c *copier) count(ctx context.Context) (live, missing int, err error) {
	for entry, err := range c.lister.List(ctx, c.cmd.Prefix) {
		if err != nil {
			return live, missing, err
		}
		if !entry.Record.Live(time.Now()) {
			continue
		}
		live++
		switch _, err := c.to.Load(ctx, c.key(entry.Key)); {
		case errors.Is(err, store.ErrNotFound):
			missing++
		case err != nil:
			return live, missing, err
		}
		c.progress.show("%d counted", live)
	}
	return live, missing, nil
}

// complain returns an error about records that were not copied.
func (c *copier) complain() error {
	var problems []error
	if c.differ > 0 {
		problems = append(problems, fmt.Errorf("%d sessions are in TO with other data and were left alone: --overwrite replaces them", c.differ))
	}
	if c.unread > 0 {
		problems = append(problems, fmt.Errorf("%d sessions cannot be read, because they are sealed or another program's, and were not converted: without --format they are copied as they are", c.unread))
	}
	if c.tooLarge > 0 {
		problems = append(problems, fmt.Errorf("%d sessions are too large for TO", c.tooLarge))
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
