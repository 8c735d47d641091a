package engine_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestEmptyNewSessionIsNotSaved(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	for name, use := range map[string]func(*cloakroom.Session){
		"set and deleted": func(s *cloakroom.Session) { s.Set("x", 1); s.Delete("x") },
		"cleared":         func(s *cloakroom.Session) { s.Set("x", 1); s.Clear() },
		"only permanent":  func(s *cloakroom.Session) { s.SetPermanent(true) },
		"destroyed":       func(s *cloakroom.Session) { s.Set("x", 1); s.Destroy() },
		"regenerated":     (*cloakroom.Session).Regenerate,
	} {
		a := s.Browser(t).OK(use)
		sitetest.Equal(t, name, s.Calls())
		sitetest.Equal(t, name, a.SetCookie)
	}
}

func TestExistingSessionMayBecomeEmpty(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	ticket := b.Ticket()
	b.OK((*cloakroom.Session).Clear)
	b.OK(func(s *cloakroom.Session) {
		if s.IsNew() || s.Len() != 0 {
			t.Errorf("IsNew %v, Len %d", s.IsNew(), s.Len())
		}
		sitetest.SetUser(s)
	})
	if b.Ticket() != ticket || slices.Contains(s.Log.Events(), "Destroyed") {
		t.Error("Clear has ended the session")
	}
}

func TestPermanent(t *testing.T) {
	for name, c := range map[string]struct {
		opts    cloakroom.Options
		first   func(*cloakroom.Session)
		want    bool
		toggled func(*cloakroom.Session)
	}{
		"browser-lived, made permanent": {cloakroom.Options{}, sitetest.SetUser, false, func(s *cloakroom.Session) { s.SetPermanent(true) }},
		"permanent, made browser-lived": {cloakroom.Options{Permanent: true}, sitetest.SetUser, true, func(s *cloakroom.Session) { s.SetPermanent(false) }},
		"permanent from the beginning": {cloakroom.Options{},
			func(s *cloakroom.Session) { sitetest.SetUser(s); s.SetPermanent(true) }, true, func(s *cloakroom.Session) { s.SetPermanent(false) }},
	} {
		for kind, s := range map[string]*sitetest.Site{"server-side": sitetest.New(t, c.opts), "sealed": sitetest.NewSealed(t, c.opts)} {
			b := s.Browser(t)
			is := func(want bool) func(s *cloakroom.Session) {
				return func(s *cloakroom.Session) {
					t.Helper()
					if got := s.Permanent(); got != want {
						t.Errorf("%s, %s: Permanent %v, want %v", name, kind, got, want)
					}
				}
			}
			maxAge := func(a *sitetest.Answer, want bool) {
				t.Helper()
				if len(a.SetCookie) != 1 || a.Cookies()[0].MaxAge > 0 != want {
					t.Errorf("%s, %s: Set-Cookie %q, want a Max-Age: %v", name, kind, a.SetCookie, want)
				}
			}
			b.OK(is(c.opts.Permanent))
			maxAge(b.OK(c.first), c.want)
			b.OK(is(c.want))
			maxAge(b.OK(c.toggled), !c.want)
			b.OK(is(!c.want))
			if a := b.OK(func(s *cloakroom.Session) { s.SetPermanent(!c.want) }); len(a.SetCookie) != 0 {
				t.Errorf("%s, %s: Set-Cookie for no change: %q", name, kind, a.SetCookie)
			}
			b.OK(func(s *cloakroom.Session) { s.SetPermanent(c.want); s.SetPermanent(!c.want); s.Set("x", 1) })
			b.OK(is(!c.want))
			maxAge(b.OK(func(s *cloakroom.Session) { s.Regenerate() }), !c.want)
		}
	}
}

func TestRegenerate(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	old := b.Ticket()
	var before string
	b.OK(func(s *cloakroom.Session) {
		before = s.Handle()
		s.Regenerate()
		if !s.Modified() || s.Handle() != before {
			t.Errorf("Modified %v; the handle changes when it is saved", s.Modified())
		}
		s.Set("more", 1)
	})
	b.OK(func(s *cloakroom.Session) {
		if s.Handle() == before || !s.Has("user") || !s.Has("more") {
			t.Error("the handle is the same, or data is missing")
		}
	})
	mustBeOver(t, s.Holder(t, old), "by the old ticket")
	if n := len(s.Records(t)); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestDestroy(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	old := b.Ticket()
	a := b.OK(func(s *cloakroom.Session) {
		s.Set("x", 1)
		s.Destroy()
		if !s.IsNew() || s.Len() != 0 || s.Handle() != "" || !s.Modified() {
			t.Error("the session is not empty and new after Destroy")
		}
	})
	if len(a.SetCookie) != 1 || b.Ticket() != "" || len(s.Records(t)) != 0 {
		t.Errorf("Set-Cookie %q, %d records", a.SetCookie, len(s.Records(t)))
	}
	mustBeOver(t, s.Holder(t, old), "by the old ticket")
}

// Logged out means logged out, also for a program that can read the record later.
func TestDestroyOfAnUndecodableRecord(t *testing.T) {
	records := sitetest.Memory(t)
	o := plain()
	o.Codec = &headed{codec.JSON, 2}
	other := sitetest.NewOn(t, records, o)
	other.PlantData(t, plainKey+sitetest.Dead, "\x02"+`{"user":"ada"}`)
	other.Holder(t, sitetest.Dead).OK(sitetest.Has(t, "before its logout", true))
	b := sitetest.NewOn(t, records, plain()).Holder(t, sitetest.Dead)
	if a := b.OK((*cloakroom.Session).Destroy); len(a.SetCookie) != 1 || b.Ticket() != "" {
		t.Errorf("Set-Cookie %q, want that the cookie is removed", a.SetCookie)
	}
	mustBeOver(t, other.Holder(t, sitetest.Dead), "after its logout")
	if left := other.Records(t); len(left) != 0 {
		t.Errorf("%d records are left", len(left))
	}
}

func TestHandle(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) {
		if s.Handle() != "" {
			t.Error("a session that was not saved has a handle")
		}
		sitetest.SetUser(s)
	})
	var handles []string
	for range 2 {
		b.OK(func(s *cloakroom.Session) { handles = append(handles, s.Handle()) })
	}
	for key := range s.Records(t) {
		sitetest.Equal(t, "handles", handles, cloakroom.HandleOf(key), cloakroom.HandleOf(key))
	}
	if len(handles[0]) != 16 {
		t.Errorf("a handle of %d characters", len(handles[0]))
	}
}

// What logs and lists show of a session is no ticket of it.
func TestHandleOpensNothing(t *testing.T) {
	for kind, s := range map[string]*sitetest.Site{
		"server-side": sitetest.New(t, cloakroom.Options{}),
		"plain IDs":   sitetest.New(t, cloakroom.Options{PlainIDs: true}),
		"sealed":      sitetest.NewSealed(t, cloakroom.Options{}),
	} {
		var handle string
		b := s.Known(t)
		b.OK(func(s *cloakroom.Session) { handle = s.Handle() })
		if len(handle) != 16 || strings.Contains(b.Ticket(), handle) {
			t.Errorf("%s: a handle of %d characters, which the ticket may hold", kind, len(handle))
		}
		s.Holder(t, handle).OK(sitetest.Has(t, kind+": the handle as a ticket", false))
		b.OK(sitetest.Has(t, kind+": the ticket itself", true))
	}
}

func TestTicketIsALongRandomID(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	seen := map[string]bool{}
	for range 20 {
		b := s.Known(t)
		id := b.Ticket()
		if len(id) != 43 || seen[id] || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("ticket of %d bytes, seen before: %v", len(id), seen[id])
		}
		seen[id] = true
	}
}

func TestFailedLoadIsNeverAnAnonymousVisitor(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	s.BreakStore()
	a := b.Visit(func(s *cloakroom.Session) {
		if _, ok := sitetest.User.Get(s); ok || s.Get("user") != nil || s.Len() != 0 || s.Keys() != nil || s.Flashes() != nil {
			t.Error("a session that could not be loaded has values")
		}
		if s.IsNew() || s.Permanent() || !s.Expires().IsZero() || s.Handle() != "" {
			t.Error("a session that could not be loaded claims to be known")
		}
		s.Set("x", 1)
		s.Flash("a", "b")
		s.SetPermanent(true)
		s.Delete("user")
		s.Clear()
		s.Regenerate()
		s.Destroy()
		cloakroom.Key[int]("n").Update(s, func(n int) int { t.Error("Update ran"); return n })
		if s.Modified() {
			t.Error("a session that could not be loaded has taken a change")
		}
		if !errors.Is(s.Err(), cloakroom.ErrUnavailable) || !errors.Is(s.Err(), sitetest.ErrRefused) {
			t.Errorf("Err: %v", s.Err())
		}
	})
	if a.StatusCode != http.StatusServiceUnavailable || a.Body != sitetest.Page503 || len(a.SetCookie) != 0 {
		t.Errorf("got %v, Set-Cookie %q", a, a.SetCookie)
	}
	sitetest.Equal(t, "events", s.Log.Events(), "Created", "Error")
	s.Store.Heal()
	b.OK(func(s *cloakroom.Session) {
		if _, ok := sitetest.User.Get(s); !ok {
			t.Error("the session is not back when the store is")
		}
	})
}
