package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func TestCheckKey(t *testing.T) {
	for _, c := range []struct {
		name, key string
		ok        bool
	}{
		{"short", "k", true},
		{"longest", strings.Repeat("k", 250), true},
		{"first and last printable", "!~", true},
		{"all kinds", `session:AZaz09-_=+/\.%"'{}[]*?`, true},
		{"empty", "", false},
		{"too long", strings.Repeat("k", 251), false},
		{"space", "a b", false},
		{"space at the end", "a ", false},
		{"NUL", "a\x00", false},
		{"line feed", "a\n", false},
		{"DEL", "a\x7f", false},
		{"not ASCII", "schlüssel", false},
		{"not UTF-8", "\xff", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := store.CheckKey(c.key)
			if (err == nil) != c.ok {
				t.Errorf("CheckKey = %v, want it to be accepted: %v", err, c.ok)
			}
			if err != nil && !errors.Is(err, store.ErrKey) {
				t.Errorf("CheckKey = %v, want ErrKey", err)
			}
		})
	}
}

func TestCheckKeyTriesEveryByte(t *testing.T) {
	for b := range 256 {
		want := b >= '!' && b <= '~'
		if got := store.CheckKey("key"+string([]byte{byte(b)})) == nil; got != want {
			t.Errorf("CheckKey with the byte %#x at the end accepts: %v, want %v", b, got, want)
		}
	}
}

func TestCheckKeyKeepsTheKeySecret(t *testing.T) {
	for _, key := range []string{"hunter2\n", strings.Repeat("hunter2", 100)} {
		if err := store.CheckKey(key); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("CheckKey = %v, want an error without the key", err)
		}
	}
}

func TestRecordLives(t *testing.T) {
	now := time.Unix(1_000_000_000, 500)
	for _, c := range []struct {
		name         string
		r            store.Record
		exists, live bool
	}{
		{"zero", store.Record{}, false, false},
		{"no data but an expiry", store.Record{Expires: now.Add(1)}, false, false},
		{"empty data", store.Record{Data: []byte{}}, true, true},
		{"never expires", store.Record{Data: []byte("x")}, true, true},
		{"expires later", store.Record{Data: []byte("x"), Expires: now.Add(1)}, true, true},
		{"expires now", store.Record{Data: []byte("x"), Expires: now}, true, false},
		{"has expired", store.Record{Data: []byte("x"), Expires: now.Add(-1)}, true, false},
		{"same moment elsewhere", store.Record{Data: []byte("x"), Expires: now.In(time.FixedZone("", 3600))}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.r.Exists(); got != c.exists {
				t.Errorf("Exists = %v, want %v", got, c.exists)
			}
			if got := c.r.Live(now); got != c.live {
				t.Errorf("Live = %v, want %v", got, c.live)
			}
		})
	}
}

func TestLater(t *testing.T) {
	never, early, late := time.Time{}, time.Unix(1, 0), time.Unix(2, 0)
	for _, c := range []struct {
		name       string
		a, b, want time.Time
	}{
		{"second is later", early, late, late},
		{"first is later", late, early, late},
		{"equal", late, late, late},
		{"first never", never, late, never},
		{"second never", late, never, never},
		{"both never", never, never, never},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := store.Later(c.a, c.b); !got.Equal(c.want) {
				t.Errorf("Later = %v, want %v", got, c.want)
			}
		})
	}
}

func TestErrorsMatchTheStandardLibrary(t *testing.T) {
	all := []error{store.ErrNotFound, store.ErrConflict, store.ErrTooLarge, store.ErrUnsupported, store.ErrKey, store.ErrClosed}
	for _, c := range []struct {
		err error
		is  error
	}{
		{store.ErrNotFound, fs.ErrNotExist},
		{store.ErrClosed, fs.ErrClosed},
		{store.ErrUnsupported, errors.ErrUnsupported},
	} {
		wrapped := fmt.Errorf("mystore: load: %w", c.err)
		if !errors.Is(wrapped, c.is) || !errors.Is(wrapped, c.err) {
			t.Errorf("%v does not match itself and %v", wrapped, c.is)
		}
		if errors.Is(c.is, c.err) != (c.is == c.err) {
			t.Errorf("%v matches %v, which says more", c.is, c.err)
		}
	}
	for i, a := range all {
		for j, b := range all {
			if errors.Is(a, b) != (i == j) {
				t.Errorf("%v matches %v: %v", a, b, i != j)
			}
		}
	}
}

func TestAdvice(t *testing.T) {
	cause := errors.New("refused")
	once := store.WithAdvice(fmt.Errorf("mystore: %w", cause), "Start the server.")
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"none", cause, ""},
		{"nil", nil, ""},
		{"given", once, "Start the server."},
		{"wrapped", fmt.Errorf("cloakroom: %w", once), "Start the server."},
		{"outermost counts", store.WithAdvice(once, "Call somebody."), "Call somebody."},
		{"joined", errors.Join(cause, once), "Start the server."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := store.Advice(c.err); got != c.want {
				t.Errorf("Advice = %q, want %q", got, c.want)
			}
		})
	}
	if !errors.Is(once, cause) || once.Error() != "mystore: refused" {
		t.Errorf("error with advice = %v, want the error itself", once)
	}
	if err := store.WithAdvice(nil, "Relax."); err != nil {
		t.Errorf("WithAdvice(nil) = %v, want nil", err)
	}
}

func TestTooLargeSaysByHowMuch(t *testing.T) {
	err := store.TooLarge(1025, 1024)
	if !errors.Is(err, store.ErrTooLarge) || !strings.Contains(err.Error(), "1025") || !strings.Contains(err.Error(), "1024") {
		t.Errorf("TooLarge = %v, want ErrTooLarge with both sizes", err)
	}
}

// closer is a store that owns something.
type closer struct {
	nothing
	err error
}

func (c closer) Close() error { return c.err }

func TestClose(t *testing.T) {
	stuck := errors.New("stuck")
	if err := store.Close(nothing{}); err != nil {
		t.Errorf("Close of a store that is no io.Closer = %v, want nil", err)
	}
	if err := store.Close(closer{err: stuck}); !errors.Is(err, stuck) {
		t.Errorf("Close = %v, want what the store answers", err)
	}
}
