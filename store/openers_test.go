package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// nothing is a store that cannot be used.
type nothing struct{ store.Store }

func TestOpenersPickTheScheme(t *testing.T) {
	var got string
	openers := store.Openers{
		"one": func(_ context.Context, u *url.URL) (store.Store, error) { got = "one " + u.Host; return nothing{}, nil },
		"two": func(_ context.Context, u *url.URL) (store.Store, error) { got = "two " + u.Path; return nothing{}, nil },
	}
	for rawURL, want := range map[string]string{
		"one://host":   "one host",
		"ONE://host":   "one host",
		"two:/a/place": "two /a/place",
	} {
		s, err := openers.Open(t.Context(), rawURL)
		if err != nil || s == nil || got != want {
			t.Errorf("Open(%q) = %v, %v and calls %q, want %q", rawURL, s, err, got, want)
		}
	}
}

func TestOpenersWithOthers(t *testing.T) {
	var got string
	opener := func(name string) store.Opener {
		return func(context.Context, *url.URL) (store.Store, error) { got = name; return nothing{}, nil }
	}
	first := store.Openers{"a": opener("first a"), "b": opener("first b")}
	all := first.With(store.Openers{"b": opener("second b")}, nil, store.Openers{"c": opener("third c")})
	for rawURL, want := range map[string]string{"a:": "first a", "b:": "second b", "c:": "third c"} {
		if _, err := all.Open(t.Context(), rawURL); err != nil || got != want {
			t.Errorf("Open(%q) = %v and calls %q, want %q", rawURL, err, got, want)
		}
	}
	if _, err := first.Open(t.Context(), "b:"); err != nil || got != "first b" || len(first) != 2 {
		t.Errorf("With changed its receiver, which now has %d openers and calls %q", len(first), got)
	}
	if none := (store.Openers)(nil).With(first); len(none) != 2 {
		t.Errorf("nil with 2 openers has %d", len(none))
	}
}

func TestOpenersPassTheContextOn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	openers := store.Openers{"x": func(ctx context.Context, _ *url.URL) (store.Store, error) { return nil, ctx.Err() }}
	if _, err := openers.Open(ctx, "x:"); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, want %v", err, context.Canceled)
	}
}

func TestOpenersNameWhatTheyKnow(t *testing.T) {
	openers := store.Openers{"zebra": nil, "ape": nil}
	for _, rawURL := range []string{"redis://host", "", "/just/a/path", "zebra:"} {
		_, err := openers.Open(t.Context(), rawURL)
		if err == nil || !strings.Contains(err.Error(), "known are ape, zebra") {
			t.Errorf("Open(%q) = %v, want the known schemes in order", rawURL, err)
		}
	}
}

func TestOpenersNeverShowAPassword(t *testing.T) {
	cause := errors.New("connection refused")
	openers := store.Openers{"redis": func(context.Context, *url.URL) (store.Store, error) { return nil, cause }}
	for _, c := range []struct {
		name, url string
		valid     bool
	}{
		{"store fails", "redis://user:hunter2@host/1", true},
		{"password in the query", "redis://host?password=hunter2", true},
		{"unknown scheme", "valkey://user:hunter2@host/1", false},
		{"slash in the password", "redis://user:hunter2/x@host:6379", false},
		{"no host", "redis://user:hunter2", false},
		{"percent in the password", "redis://user:hunter2%zz@host", false},
		{"space in the password", "redis://user:hunter2 x@host", false},
		{"line feed at the end", "redis://user:hunter2@host\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openers.Open(t.Context(), c.url)
			if err == nil || errors.Is(err, cause) != c.valid {
				t.Fatalf("Open = %v, want an error, of the store: %v", err, c.valid)
			}
			if text := err.Error() + store.Advice(err); strings.Contains(text, "hunter2") {
				t.Errorf("Open = %s, which shows the password", text)
			}
		})
	}
}

// A store may well quote what it takes for the name of a database or of a
// parameter, and it may be the rest of a password.
func TestOpenersNeverShowTheRestOfAPassword(t *testing.T) {
	cause := errors.New("refused")
	openers := store.Openers{"x": func(_ context.Context, u *url.URL) (store.Store, error) {
		return nil, fmt.Errorf("%w: %s %s %s", cause, u.Path, u.RawQuery, u.Fragment)
	}}
	for rawURL, hidden := range map[string]bool{
		"x://user:12/hunter2@host/1":          true,
		"x://user:12?hunter2@host/1":          true,
		"x://user:12#hunter2@host/1":          true,
		"x://user/hunter2@host/1":             true,
		"x://host/database?user=ada@corp":     false,
		"x://ada:secret@host/a@b?c@d=1":       false,
		"x:/path/of/a@file":                   false,
		"x://ada:secret@host/database?nobody": false,
	} {
		_, err := openers.Open(t.Context(), rawURL)
		if errors.Is(err, cause) == hidden {
			t.Errorf("Open(%q) = %v, want the store's own error: %v", rawURL, err, !hidden)
		}
		if hidden && (strings.Contains(err.Error(), "hunter2") || !strings.Contains(store.Advice(err), "%2F")) {
			t.Errorf("Open(%q) = %v with advice %q, want advice and nothing of the password", rawURL, err, store.Advice(err))
		}
	}
}
