package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func manager(t *testing.T, s store.Store, opts cloakroom.Options) *cloakroom.Manager {
	t.Helper()
	m, err := cloakroom.New(s, opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// logIn makes n sessions of a user.
func logIn(t *testing.T, m *cloakroom.Manager, user string, n int) {
	t.Helper()
	for range n {
		s, err := m.Open(t.Context(), "")
		if err == nil {
			s.Login(user)
			_, err = m.Commit(t.Context(), s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Users' records go with their sessions, so that these are found in TO: those that
// have begun there, too.
func TestCopyUsers(t *testing.T) {
	sealed := cloakroom.Options{RecordKeys: [][]byte{bytes.Repeat([]byte("k3y!"), 8)}}
	other := "other:"
	for _, c := range []struct {
		name    string
		opts    cloakroom.Options
		there   int // sessions of the user in TO
		again   bool
		cmd     migrateCmd
		without bool // marks and users' records are not to be copied
		want    migration
		finds   int // devices in TO
		says    string
		notes   string
	}{
		{name: "to an empty store", want: migration{Live: 3, Copied: 3, Counted: 3, Users: 2, UsersCopied: 2}, finds: 2},
		{name: "sealed", opts: sealed, want: migration{Live: 3, Copied: 3, Counted: 3, Users: 2, UsersCopied: 2}, finds: 2},
		{name: "again", opts: sealed, again: true, want: migration{Live: 3, There: 3, Counted: 3, Users: 2, UsersCopied: 2}, finds: 2},
		{name: "to one that has been in use", there: 1, want: migration{Live: 3, Copied: 3, Counted: 3, Users: 2, UsersCopied: 2}, finds: 3},
		{name: "the same, sealed", opts: sealed, there: 1, want: migration{Live: 3, Copied: 3, Counted: 3, Users: 2, UsersCopied: 1, UsersDiffer: 1},
			finds: 1, says: "1 users' records are in TO with other data and were left alone: --overwrite"},
		{name: "the same, with --overwrite", opts: sealed, there: 1, cmd: migrateCmd{Overwrite: true},
			want: migration{Live: 3, Copied: 3, Counted: 3, Users: 2, UsersCopied: 2}, finds: 2, notes: "1 users' records of  were replaced"},
		{name: "under another prefix", cmd: migrateCmd{Prefix: "session:", ToPrefix: &other},
			want: migration{Live: 3, Copied: 3, Counted: 3, Users: 2, UsersCopied: 2}, finds: 2},
		{name: "sealed under another prefix", opts: sealed, cmd: migrateCmd{Prefix: "session:", ToPrefix: &other},
			want: migration{Live: 3, Sealed: 3, Counted: 3, Missing: 3, Users: 2, UsersMissing: 2}, says: "3 sessions are sealed to their keys"},
		{name: "where they stay behind", without: true, want: migration{Live: 3, Copied: 3, Counted: 3, Users: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := memstore.New(memstore.Options{}), memstore.New(memstore.Options{})
			defer from.Close()
			defer to.Close()
			logIn(t, manager(t, from, c.opts), "ada", 2)
			logIn(t, manager(t, from, c.opts), "eve", 1)
			if c.cmd.ToPrefix != nil {
				c.opts.KeyPrefix = *c.cmd.ToPrefix
			}
			logIn(t, manager(t, to, c.opts), "ada", c.there)
			copies := func(dry bool) (*copier, error) {
				cmd := c.cmd
				cmd.DryRun = dry
				cp := &copier{from: from, lister: from, to: to, native: !c.without, cmd: &cmd, progress: newProgress(io.Discard)}
				err := cp.copy(t.Context())
				if err == nil && !dry {
					err = cp.count(t.Context())
				}
				if err != nil {
					t.Fatal(err)
				}
				return cp, cp.complain()
			}
			if c.again {
				copies(false)
			}
			dry, _ := copies(true)
			cp, err := copies(false)
			c.want.Looked = true
			if cp.migration != c.want {
				t.Errorf("it says\n%+v, want\n%+v", cp.migration, c.want)
			}
			if dry.Users != c.want.Users || dry.UsersCopied != c.want.UsersCopied || dry.UsersDiffer != c.want.UsersDiffer {
				t.Errorf("before, in a dry run, it said %+v", dry.migration)
			}
			if text := fmt.Sprint(err); (err == nil) != (c.says == "") || !strings.Contains(text, c.says) {
				t.Errorf("it complains: %v, want %q", err, c.says)
			}
			devices, err := manager(t, to, c.opts).Devices(t.Context(), "ada")
			if err != nil || len(devices) != c.finds {
				t.Errorf("TO finds %d sessions, %v, want %d", len(devices), err, c.finds)
			}
			var note strings.Builder
			cp.cmd.sayUsers(streams{io.Discard, &note}, func(string, ...any) {}, cp)
			if (note.Len() == 0) != (c.notes == "") || !strings.Contains(note.String(), c.notes) {
				t.Errorf("it notes %q, want %q", note.String(), c.notes)
			}
		})
	}
}

// An application whose own prefix ends in user: has sessions there.
func TestCopySessionsBelowUser(t *testing.T) {
	key := "user:" + strings.Repeat("x", 43) // or epoch:
	for prefix, want := range map[string]migration{
		"":      {Users: 1, UsersCopied: 1, Looked: true},
		"user:": {Live: 1, Copied: 1, Looked: true},
	} {
		from, to := memstore.New(memstore.Options{}), memstore.New(memstore.Options{})
		defer from.Close()
		defer to.Close()
		put(t, from, key, "a session of Flask's")
		cp := &copier{from: from, lister: from, to: to, native: true, cmd: &migrateCmd{Prefix: prefix}, progress: newProgress(io.Discard)}
		if err := cp.copy(t.Context()); err != nil || cp.migration != want {
			t.Errorf("with prefix %q: %+v, %v, want %+v", prefix, cp.migration, err, want)
		}
	}
}

func TestJoined(t *testing.T) {
	record := func(user string, sessions ...any) []byte {
		data, err := codec.MsgPack.Marshal(nil, userRecord{user, sessions})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	ada := record("ada", "a", "", int64(1), "c", "a", int64(3))
	for name, c := range map[string]struct {
		with []byte
		want []byte // nil: they cannot be joined
	}{
		"itself":          {ada, ada},
		"fewer":           {record("ada", "c", "a", int64(3)), ada},
		"more":            {record("ada", "b", "", int64(2), "c", "a", int64(3)), record("ada", "a", "", int64(1), "b", "", int64(2), "c", "a", int64(3))},
		"another user's":  {record("eve", "b", "", int64(2)), nil},
		"half an entry":   {record("ada", "b", ""), nil},
		"no key":          {record("ada", int64(1), "", int64(2)), nil},
		"something else":  {[]byte("{}"), nil},
		"nothing":         {[]byte{}, nil},
		"a sealed record": {[]byte("\x01" + strings.Repeat("x", 60)), nil},
	} {
		got, ok := joined(ada, c.with)
		if ok != (c.want != nil) || ok && !bytes.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", name, got, ok, c.want)
		}
	}
}
