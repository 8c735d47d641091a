package edge_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// Hooks.Creating can refuse new sessions of visitors whom nobody knows.

var errCrowd = errors.New("a crowd")

// A door is Hooks.Creating that counts, and that can be closed.
type door struct {
	asked int
	shut  bool
}

func (d *door) creating(*http.Request) error {
	d.asked++
	if d.shut {
		return errCrowd
	}
	return nil
}

// doors runs f with a site on a store, and with one whose sessions are in cookies.
func doors(t *testing.T, f func(t *testing.T, s *sitetest.Site, d *door)) {
	for name, site := range map[string]func(testing.TB, cloakroom.Options) *sitetest.Site{
		"store":  sitetest.New,
		"sealed": func(t testing.TB, o cloakroom.Options) *sitetest.Site { return sitetest.NewSealed(t, o) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &door{}
				f(t, site(t, cloakroom.Options{Hooks: cloakroom.Hooks{Creating: d.creating}}), d)
			})
		})
	}
}

func TestNewSessionIsRefused(t *testing.T) {
	doors(t, func(t *testing.T, s *sitetest.Site, d *door) {
		d.shut = true
		b := s.Browser(t)
		a := b.Visit(sitetest.SetUser)
		if a.StatusCode != http.StatusTooManyRequests || strings.Contains(a.Body, "done") || len(a.SetCookie) != 0 || d.asked != 1 {
			t.Errorf("answered %v, Set-Cookie %q, asked %d times", a, a.SetCookie, d.asked)
		}
		events := s.Log.Take()
		if len(events) != 1 || events[0].Name != "Error" || !errors.Is(events[0].Err, errCrowd) {
			t.Errorf("events %v", events)
		}
		sitetest.Equal(t, "logged", s.Log.Lines())
		if s.Store != nil {
			sitetest.Equal(t, "store calls", s.Calls())
		}
		d.shut = false
		b.OK(sitetest.SetUser)
		b.OK(sitetest.Has(t, "let in", true))
		if d.asked != 2 {
			t.Errorf("asked %d times in all", d.asked)
		}
	})
}

// An ErrorHandler of one's own finds the hook's error.
func TestErrorHandlerOfARefusedSession(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{
		Hooks: cloakroom.Hooks{Creating: (&door{shut: true}).creating},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if !errors.Is(err, errCrowd) || !errors.Is(cloakroom.From(r).Err(), errCrowd) {
				t.Errorf("the error is %v, the session's %v", err, cloakroom.From(r).Err())
			}
			w.WriteHeader(http.StatusTeapot)
		},
	})
	if a := s.Browser(t).Visit(sitetest.SetUser); a.StatusCode != http.StatusTeapot {
		t.Errorf("answered %v", a)
	}
}

// The hook is asked about what would fill the store, and about nothing else.
func TestWhatCreatingIsAskedAbout(t *testing.T) {
	flash := func(s *cloakroom.Session) { s.Flash("success", "Goodbye.") }
	for name, c := range map[string]struct {
		begin, use func(*cloakroom.Session) // begin may be nil
		want       int                      // times that it is asked about use
	}{
		"a new session":              {nil, sitetest.SetUser, 1},
		"a flash":                    {nil, flash, 1},
		"nothing to save":            {nil, func(s *cloakroom.Session) { s.SetPermanent(true); s.Delete("user") }, 0},
		"reading":                    {nil, func(s *cloakroom.Session) { s.Get("user") }, 0},
		"a login":                    {nil, func(s *cloakroom.Session) { s.Login("ada"); sitetest.SetUser(s) }, 0},
		"a login without Login":      {nil, func(s *cloakroom.Session) { s.Regenerate(); sitetest.SetUser(s) }, 0},
		"what is too large":          {nil, func(s *cloakroom.Session) { s.Set("x", strings.Repeat("x", 2<<20)) }, 0},
		"a change":                   {sitetest.SetUser, sitetest.Count, 0},
		"a login with a session":     {sitetest.SetUser, func(s *cloakroom.Session) { s.Login("ada") }, 0},
		"a regeneration":             {sitetest.SetUser, (*cloakroom.Session).Regenerate, 0},
		"a logout":                   {sitetest.SetUser, (*cloakroom.Session).Destroy, 0},
		"a logout with a goodbye":    {sitetest.SetUser, func(s *cloakroom.Session) { s.Destroy(); flash(s) }, 0},
		"a logout without a session": {nil, func(s *cloakroom.Session) { s.Destroy(); flash(s) }, 1},
		"one that has ended":         {func(s *cloakroom.Session) { sitetest.SetUser(s); s.SetLifetime(time.Second) }, sitetest.SetUser, 1},
		"one that was emptied":       {sitetest.SetUser, (*cloakroom.Session).Clear, 0},
	} {
		t.Run(name, func(t *testing.T) {
			doors(t, func(t *testing.T, s *sitetest.Site, d *door) {
				b := s.Browser(t)
				if c.begin != nil {
					b.OK(c.begin)
				}
				time.Sleep(2 * time.Second)
				d.asked = 0
				b.Visit(c.use)
				if d.asked != c.want {
					t.Errorf("asked %d times, want %d", d.asked, c.want)
				}
			})
		})
	}
}

// Save returns what the hook has said, and the handler may do without the session.
func TestSaveOfARefusedSession(t *testing.T) {
	doors(t, func(t *testing.T, s *sitetest.Site, d *door) {
		d.shut = true
		a := s.Browser(t).OK(func(s *cloakroom.Session) {
			sitetest.SetUser(s)
			if err := s.Save(); !errors.Is(err, errCrowd) {
				t.Errorf("Save: %v", err)
			}
			s.Clear()
		})
		if len(a.SetCookie) != 0 || d.asked != 1 {
			t.Errorf("Set-Cookie %q, asked %d times", a.SetCookie, d.asked)
		}
	})
}

// Who opens a session without a request has decided by himself.
func TestCreatingIsNotAskedWithoutARequest(t *testing.T) {
	doors(t, func(t *testing.T, s *sitetest.Site, d *door) {
		d.shut = true
		session := s.Open(t, "")
		session.Set("x", 1)
		if s.Commit(t, session) == "" || d.asked != 0 {
			t.Errorf("asked %d times", d.asked)
		}
	})
}

// The hook gets the request with what middlewares around the Manager have made of
// it.
func TestCreatingGetsTheRequest(t *testing.T) {
	type key struct{}
	var got *http.Request
	s := sitetest.New(t, cloakroom.Options{Hooks: cloakroom.Hooks{Creating: func(r *http.Request) error {
		got = r
		return nil
	}}})
	s.Outer = func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RemoteAddr = "203.0.113.7:1"
			h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "outer")))
		})
	}
	s.Browser(t).OK(sitetest.SetUser)
	if got == nil || got.RemoteAddr != "203.0.113.7:1" || got.Context().Value(key{}) != "outer" || got.URL.Path != "/" {
		t.Errorf("got %v", got != nil)
	}
}

// A hook that panics saves nothing, and its panic goes on.
func TestCreatingThatPanics(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Hooks: cloakroom.Hooks{Creating: func(*http.Request) error { panic("in the hook") }}})
	defer func() {
		if p := recover(); p != "in the hook" || len(s.Records(t)) != 0 {
			t.Errorf("recovered %v, %d records", p, len(s.Records(t)))
		}
	}()
	s.Browser(t).Visit(sitetest.SetUser)
}
