package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// meddled is a store in which somebody else is at work: before is called
// before each call.
type meddled struct {
	store.Store
	before func(op, key string) error
}

func (m *meddled) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	op := "create"
	if prev.Exists() {
		op = "replace"
	}
	if err := m.before(op, key); err != nil {
		return store.Record{}, err
	}
	return m.Store.Save(ctx, key, prev, next)
}

func (m *meddled) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	if err := m.before("touch", key); err != nil {
		return err
	}
	return m.Store.Touch(ctx, key, prev, expires)
}

func record(data string) store.Record {
	return store.Record{Data: []byte(data), Expires: time.Now().Add(time.Hour)}
}

func put(t *testing.T, s store.Store, key, data string) {
	t.Helper()
	old, err := s.Load(t.Context(), key)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		_, err = s.Save(t.Context(), key, old, record(data))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// While the copier is at work the application may use TO. No session of one
// visitor ends the work for all others.
func TestCopyBesideOthers(t *testing.T) {
	prefix := "longer:"
	for _, c := range []struct {
		name   string
		to     string // what TO holds, if anything
		cmd    migrateCmd
		before func(t *testing.T, to store.Store) func(op, key string) error
		want   migration
		data   string // what TO holds afterwards
		says   string
	}{
		{name: "changed before it is replaced", to: "old", cmd: migrateCmd{Overwrite: true},
			before: func(t *testing.T, to store.Store) func(op, key string) error {
				once := true
				return func(op, key string) error {
					if op == "replace" && key == "b" && once {
						once = false
						put(t, to, key, "newer")
					}
					return nil
				}
			}, want: migration{Live: 3, Copied: 3, Counted: 3}, data: "from"},
		{name: "ended before it is touched", to: "from",
			before: func(t *testing.T, to store.Store) func(op, key string) error {
				return func(op, key string) error {
					if op == "touch" && key == "b" {
						return to.Delete(t.Context(), key)
					}
					return nil
				}
			}, want: migration{Live: 3, Copied: 2, Counted: 3, Missing: 1}, says: "1 of 3 live sessions are not in TO"},
		{name: "too large for TO",
			before: func(*testing.T, store.Store) func(op, key string) error {
				return func(op, key string) error {
					if key == "b" {
						return store.TooLarge(2, 1)
					}
					return nil
				}
			}, want: migration{Live: 3, Copied: 2, TooLarge: 1, Counted: 3, Missing: 1}, says: "1 sessions are too large for TO"},
		{name: "a key that gets too long", cmd: migrateCmd{ToPrefix: &prefix},
			before: func(*testing.T, store.Store) func(op, key string) error {
				return func(op, key string) error {
					if key == "longer:b" {
						return store.CheckKey(strings.Repeat("b", store.MaxKey+1))
					}
					return nil
				}
			}, want: migration{Live: 3, Copied: 2, BadKey: 1, Counted: 3, Missing: 1}, says: "choose another --to-prefix"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := memstore.New(memstore.Options{}), memstore.New(memstore.Options{})
			defer from.Close()
			defer to.Close()
			for _, key := range []string{"a", "b", "c"} {
				put(t, from, key, "from")
			}
			if c.to != "" {
				put(t, to, "b", c.to)
			}
			cp := &copier{from: from, lister: from, to: &meddled{to, c.before(t, to)}, cmd: &c.cmd, progress: newProgress(io.Discard)}
			if err := cp.copy(t.Context()); err != nil {
				t.Fatalf("copy = %v, want nil", err)
			}
			if err := cp.count(t.Context()); err != nil {
				t.Fatalf("count = %v, want nil", err)
			}
			c.want.Looked = true
			if cp.migration != c.want {
				t.Errorf("it says %+v, want %+v", cp.migration, c.want)
			}
			err := cp.complain()
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) || err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("complain = %v, want %q alone", err, c.says)
			}
			if r, err := to.Load(t.Context(), "b"); c.data != "" && (err != nil || string(r.Data) != c.data) {
				t.Errorf("TO holds %q, %v, want %q", r.Data, err, c.data)
			}
		})
	}
}

// mute is a store that never answers.
type mute struct{ store.Store }

func (mute) Save(ctx context.Context, _ string, _, _ store.Record) (store.Record, error) {
	<-ctx.Done()
	return store.Record{}, context.Cause(ctx)
}

func (mute) DeleteExpired(ctx context.Context, _ int) (int, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

// A store that hangs does not keep a job of the night for ever.
func TestWorkThatStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := memstore.New(memstore.Options{})
		defer from.Close()
		put(t, from, "a", "data")
		m := &migrateCmd{}
		c := &copier{from: from, lister: from, to: mute{}, cmd: m, progress: newProgress(io.Discard)}
		ctx, stop := c.progress.watch(t.Context())
		defer stop()
		err := m.run(ctx, streams{io.Discard, io.Discard}, c)
		if !errors.Is(err, errStalled) {
			t.Errorf("migrate = %v, want %v", err, errStalled)
		}
		var r cleanupResult
		err = (&cleanupCmd{Batch: 1}).clean(t.Context(), streams{io.Discard, io.Discard}, mute{}, &r)
		if !errors.Is(err, errStalled) || r.Complete {
			t.Errorf("cleanup = %v, %+v, want %v", err, r, errStalled)
		}
	})
}

// markOf is a record that an ended session has left, with so much of its life to come.
func markOf(kind store.MarkKind, left time.Duration) store.Record {
	m := store.Mark{Kind: kind, At: time.Now().Add(left - 15*time.Minute), Payload: []byte("payload")}
	return store.Record{Data: m.Append(nil), Expires: time.Now().Add(left)}
}

// Marks are no sessions, and an end on either side stays one.
func TestCopyMarks(t *testing.T) {
	session, ended, moved := record("session"), markOf(store.MarkEnded, 7*time.Minute), markOf(store.MarkMoved, 8*time.Minute)
	none := store.Record{}
	for _, c := range []struct {
		name       string
		from, to   store.Record // under one key, if any
		without    bool         // marks are not to be copied
		want       migration
		leaves     store.Record
		overwrites bool
	}{
		{name: "a mark", from: ended, want: migration{Marks: 1, MarksCopied: 1}, leaves: ended},
		{name: "a mark where they stay behind", from: ended, without: true, want: migration{Marks: 1}, leaves: none},
		{name: "a mark that is there", from: ended, to: ended, want: migration{Marks: 1, MarksCopied: 1}, leaves: ended},
		{name: "another mark that is there", from: ended, to: moved, want: migration{Marks: 1, MarksCopied: 1}, leaves: moved},
		{name: "the end of a session that was copied", from: moved, to: session, want: migration{Marks: 1, MarksCopied: 1}, leaves: moved},
		{name: "a session that has ended in TO", from: session, to: ended, want: migration{Ended: 1}, leaves: ended},
		{name: "a session that has ended in TO, with --overwrite", from: session, to: ended, overwrites: true, want: migration{Ended: 1}, leaves: ended},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, dry := range []bool{true, false} {
				from, to := memstore.New(memstore.Options{}), memstore.New(memstore.Options{})
				defer from.Close()
				defer to.Close()
				for s, r := range map[store.Store]store.Record{from: c.from, to: c.to} {
					if r.Exists() {
						if _, err := s.Save(t.Context(), "key", none, r); err != nil {
							t.Fatal(err)
						}
					}
				}
				cp := &copier{from: from, lister: from, to: to, native: !c.without, progress: newProgress(io.Discard),
					cmd: &migrateCmd{DryRun: dry, Overwrite: c.overwrites}}
				if err := errors.Join(cp.copy(t.Context()), cp.count(t.Context()), cp.complain()); err != nil {
					t.Errorf("dry run %v: %v", dry, err)
				}
				want := c.want
				want.Looked = true
				if cp.migration != want {
					t.Errorf("dry run %v: it says %+v, want %+v", dry, cp.migration, want)
				}
				leaves := c.leaves
				if dry {
					leaves = c.to
				}
				got, err := to.Load(t.Context(), "key")
				if string(got.Data) != string(leaves.Data) || !got.Expires.Equal(leaves.Expires) {
					t.Errorf("dry run %v: TO holds %q until %v, %v, want %q until %v", dry, got.Data, got.Expires, err, leaves.Data, leaves.Expires)
				}
			}
		})
	}
}

// An end that comes in between is met as one that was there before.
func TestCopyMarkBesideOthers(t *testing.T) {
	from, to := memstore.New(memstore.Options{}), memstore.New(memstore.Options{})
	defer from.Close()
	defer to.Close()
	if _, err := from.Save(t.Context(), "key", store.Record{}, markOf(store.MarkEnded, time.Minute)); err != nil {
		t.Fatal(err)
	}
	times := 0
	busy := &meddled{to, func(op, key string) error {
		if times++; times < 3 {
			put(t, to, key, "changed again")
		}
		return nil
	}}
	cp := &copier{from: from, lister: from, to: busy, native: true, cmd: &migrateCmd{}, progress: newProgress(io.Discard)}
	if err := cp.copy(t.Context()); err != nil || cp.MarksCopied != 1 {
		t.Errorf("copy = %v, with %d marks copied, want 1", err, cp.MarksCopied)
	}
	if r, err := to.Load(t.Context(), "key"); !isMark(r) {
		t.Errorf("TO holds %q, %v, want the mark", r.Data, err)
	}
}

func TestStoresOfFlasks(t *testing.T) {
	for text, want := range map[string]bool{
		"redis://localhost": false, "redis://localhost/1?cachelib=true": true, "redis://localhost?cachelib=false": false,
		"cachelib:/dir": true, "file:/dir": false,
		"sqlite:a.db?layout=flask-sqlalchemy": true, "sqlite:a.db?layout=native": false,
		"mongodb://localhost/?layout=flask": true,
	} {
		if got := address(text).isFlasks(); got != want {
			t.Errorf("%s is Flask's: %v, want %v", text, got, want)
		}
	}
}
