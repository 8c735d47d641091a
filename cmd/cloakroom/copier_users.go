package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// isUsers reports whether a record is a user's. --prefix is the application's, so
// that one that ends in user: does not make users' records of its sessions.
func (c *copier) isUsers(entry store.Entry) bool {
	return cloakroom.IsUserKey(strings.TrimPrefix(entry.Key, c.cmd.Prefix))
}

// unsealable reports whether nothing opens a record under its key in TO.
func (c *copier) unsealable(entry store.Entry) bool {
	return seal.Sealed(entry.Record.Data) && c.key(entry.Key) != entry.Key
}

// user copies a user's record. Its entries are without the prefix of all keys, so
// that another --to-prefix leaves it right.
func (c *copier) user(ctx context.Context, entry store.Entry) error {
	c.Users++
	if !c.native || c.unsealable(entry) {
		return nil
	}
	key := c.key(entry.Key)
	for {
		old, err := c.to.Load(ctx, key)
		switch {
		case errors.Is(err, store.ErrKey):
			return nil
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		}
		next := store.Record{Data: entry.Record.Data, Expires: entry.Record.Expires}
		replaces := false
		if old.Exists() {
			next.Expires = store.Later(old.Expires, next.Expires)
			if both, ok := joined(old.Data, next.Data); ok {
				next.Data = both
			} else if replaces = true; !c.cmd.Overwrite {
				c.UsersDiffer++
				return nil
			}
		}
		switch err := c.putUser(ctx, key, old, next); {
		case err == nil:
			c.UsersCopied++
			if replaces {
				c.replaced++
			}
			return nil
		case errors.Is(err, store.ErrTooLarge):
			return nil
		case !errors.Is(err, store.ErrConflict):
			return err
		}
	}
}

// putUser saves a user's record, unless it is there already. The error matches
// store.ErrConflict if somebody else has been faster.
func (c *copier) putUser(ctx context.Context, key string, old, next store.Record) error {
	switch {
	case c.cmd.DryRun:
		return nil
	case !bytes.Equal(old.Data, next.Data):
		_, err := c.to.Save(ctx, key, old, next)
		return err
	}
	err := c.to.Touch(ctx, key, old, next.Expires)
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrConflict
	}
	return err
}

// A userRecord is a user's record that is not sealed: the user, and three elements
// for each session, of which the first is its key and the last the time.
type userRecord struct {
	User     string `msgpack:"user"`
	Sessions []any  `msgpack:"sessions"`
}

// joined returns the record of a user with the sessions of two, the oldest first,
// and false if they cannot be joined: one may be sealed. One too many does no harm:
// what leads nowhere is dropped by the application.
func joined(old, next []byte) ([]byte, bool) {
	if bytes.Equal(old, next) {
		return old, true
	}
	var a, b userRecord
	if codec.MsgPack.Unmarshal(old, &a) != nil || codec.MsgPack.Unmarshal(next, &b) != nil || a.User != b.User {
		return nil, false
	}
	if len(a.Sessions)%3+len(b.Sessions)%3 != 0 {
		return nil, false
	}
	known := map[string]bool{}
	var all [][]any
	for s := range slices.Chunk(slices.Concat(a.Sessions, b.Sessions), 3) {
		key, isText := s[0].(string)
		if !isText {
			return nil, false
		}
		if !known[key] {
			known[key] = true
			all = append(all, s)
		}
	}
	if 3*len(all) == len(a.Sessions) {
		return old, true
	}
	slices.SortStableFunc(all, func(a, b []any) int {
		x, _ := a[2].(int64)
		y, _ := b[2].(int64)
		return cmp.Compare(x, y)
	})
	data, err := codec.MsgPack.Marshal(nil, userRecord{a.User, slices.Concat(all...)})
	return data, err == nil
}

// complainOfUsers returns an error about users' records that were not copied, or
// nil.
func (c *copier) complainOfUsers() error {
	var problems []error
	if c.UsersDiffer > 0 {
		problems = append(problems, fmt.Errorf("%d users' records are in TO with other data and were left alone: --overwrite replaces them", c.UsersDiffer))
	}
	if rest := c.Users - c.UsersCopied - c.UsersDiffer; c.native && rest > 0 {
		problems = append(problems, hint(fmt.Errorf("%d users' records cannot be in TO: neither devices nor revoke finds the sessions of these users there", rest),
			"they are too large, or --to-prefix does not go with their keys or seals"))
	} else if c.native && c.UsersMissing > 0 {
		problems = append(problems, hint(fmt.Errorf("%d users' records of FROM are not in TO", c.UsersMissing),
			"users have logged in or out meanwhile; run it again while nobody can write to either"))
	}
	return errors.Join(problems...)
}
