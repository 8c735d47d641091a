package cloakroom_test

import (
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom"
)

func TestKeysAndAllAreInOrder(t *testing.T) {
	b := newSite(t, cloakroom.Options{}).browser(t)
	keys := func(s *cloakroom.Session, names ...string) {
		t.Helper()
		want(t, "Keys", s.Keys(), names...)
		var all []string
		for name, v := range s.All() {
			all = append(all, name)
			if v != "v-"+name {
				t.Errorf("All: %s is %v", name, v)
			}
		}
		want(t, "All", all, names...)
		if s.Len() != len(names) {
			t.Errorf("Len: %d", s.Len())
		}
	}
	set := func(s *cloakroom.Session, names ...string) {
		for _, name := range names {
			s.Set(name, "v-"+name)
		}
	}
	b.ok(func(s *cloakroom.Session) { keys(s); set(s, "z", "a", "m"); keys(s, "z", "a", "m") })
	b.ok(func(s *cloakroom.Session) {
		set(s, "b", "a")
		s.Delete("z")
		s.Delete("missing")
		keys(s, "a", "m", "b")
	})
	b.ok(func(s *cloakroom.Session) {
		keys(s, "a", "m", "b")
		s.Clear()
		keys(s)
		set(s, "m", "x")
		keys(s, "m", "x")
	})
	b.ok(func(s *cloakroom.Session) {
		keys(s, "m", "x")
		for name := range s.All() {
			if name != "m" {
				t.Error("All goes on after a break")
			}
			break
		}
	})
}

func TestEmptyNewSessionIsNotSaved(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	for name, use := range map[string]func(*cloakroom.Session){
		"set and deleted": func(s *cloakroom.Session) { s.Set("x", 1); s.Delete("x") },
		"cleared":         func(s *cloakroom.Session) { s.Set("x", 1); s.Clear() },
		"only permanent":  func(s *cloakroom.Session) { s.SetPermanent(true) },
		"destroyed":       func(s *cloakroom.Session) { s.Set("x", 1); s.Destroy() },
		"regenerated":     (*cloakroom.Session).Regenerate,
	} {
		a := s.browser(t).ok(use)
		want(t, name, s.store.since())
		want(t, name, a.cookies)
	}
}

func TestExistingSessionMayBecomeEmpty(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	ticket := b.ticket()
	b.ok((*cloakroom.Session).Clear)
	b.ok(func(s *cloakroom.Session) {
		if s.IsNew() || s.Len() != 0 {
			t.Errorf("IsNew %v, Len %d", s.IsNew(), s.Len())
		}
		setUser(s)
	})
	if b.ticket() != ticket || slices.Contains(s.log.events(), "Destroyed") {
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
		"browser-lived, made permanent": {cloakroom.Options{}, setUser, false, func(s *cloakroom.Session) { s.SetPermanent(true) }},
		"permanent, made browser-lived": {cloakroom.Options{Permanent: true}, setUser, true, func(s *cloakroom.Session) { s.SetPermanent(false) }},
		"permanent from the beginning": {cloakroom.Options{},
			func(s *cloakroom.Session) { setUser(s); s.SetPermanent(true) }, true, func(s *cloakroom.Session) { s.SetPermanent(false) }},
	} {
		for kind, s := range map[string]*site{"server-side": newSite(t, c.opts), "sealed": newSealedSite(t, c.opts)} {
			b := s.browser(t)
			is := func(want bool) func(s *cloakroom.Session) {
				return func(s *cloakroom.Session) {
					t.Helper()
					if got := s.Permanent(); got != want {
						t.Errorf("%s, %s: Permanent %v, want %v", name, kind, got, want)
					}
				}
			}
			maxAge := func(a *answer, want bool) {
				t.Helper()
				if len(a.cookies) != 1 || a.Cookies()[0].MaxAge > 0 != want {
					t.Errorf("%s, %s: Set-Cookie %q, want a Max-Age: %v", name, kind, a.cookies, want)
				}
			}
			b.ok(is(c.opts.Permanent))
			maxAge(b.ok(c.first), c.want)
			b.ok(is(c.want))
			maxAge(b.ok(c.toggled), !c.want)
			b.ok(is(!c.want))
			if a := b.ok(func(s *cloakroom.Session) { s.SetPermanent(!c.want) }); len(a.cookies) != 0 {
				t.Errorf("%s, %s: Set-Cookie for no change: %q", name, kind, a.cookies)
			}
			b.ok(func(s *cloakroom.Session) { s.SetPermanent(c.want); s.SetPermanent(!c.want); s.Set("x", 1) })
			b.ok(is(!c.want))
			maxAge(b.ok(func(s *cloakroom.Session) { s.Regenerate() }), !c.want)
		}
	}
}

// A browser-lived session that is not new keeps its cookie as it is, and so
// does one that only changes its data.
func TestCookieIsSentOnlyWhenItChanges(t *testing.T) {
	b := newSite(t, cloakroom.Options{Permanent: true}).browser(t)
	b.ok(setUser)
	for range 3 {
		want(t, "Set-Cookie", b.ok(func(s *cloakroom.Session) { s.Set("x", s.Len()) }).cookies)
	}
}

func TestRegenerate(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	old := b.ticket()
	var before string
	b.ok(func(s *cloakroom.Session) {
		before = s.Handle()
		s.Regenerate()
		if !s.Modified() || s.Handle() != before {
			t.Errorf("Modified %v; the handle changes when it is saved", s.Modified())
		}
		s.Set("more", 1)
	})
	b.ok(func(s *cloakroom.Session) {
		if s.Handle() == before || !s.Has("user") || !s.Has("more") {
			t.Error("the handle is the same, or data is missing")
		}
	})
	s.ask(t, "__Host-session="+old, func(s *cloakroom.Session) {
		if !s.IsNew() {
			t.Error("the old ticket opens the session")
		}
	})
	if n := len(s.records(t)); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestDestroy(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	old := b.ticket()
	a := b.ok(func(s *cloakroom.Session) {
		s.Set("x", 1)
		s.Destroy()
		if !s.IsNew() || s.Len() != 0 || s.Handle() != "" || !s.Modified() {
			t.Error("the session is not empty and new after Destroy")
		}
	})
	if len(a.cookies) != 1 || b.ticket() != "" || len(s.records(t)) != 0 {
		t.Errorf("Set-Cookie %q, %d records", a.cookies, len(s.records(t)))
	}
	s.ask(t, "__Host-session="+old, func(s *cloakroom.Session) {
		if !s.IsNew() {
			t.Error("the old ticket opens the session")
		}
	})
}

// There is no cookie to remove from somebody who sent none.
func TestDestroyWithoutACookie(t *testing.T) {
	a := newSite(t, cloakroom.Options{}).browser(t).ok((*cloakroom.Session).Destroy)
	want(t, "Set-Cookie", a.cookies)
}

func TestHandle(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(func(s *cloakroom.Session) {
		if s.Handle() != "" {
			t.Error("a session that was not saved has a handle")
		}
		setUser(s)
	})
	var handles []string
	for range 2 {
		b.ok(func(s *cloakroom.Session) { handles = append(handles, s.Handle()) })
	}
	for key := range s.records(t) {
		want(t, "handles", handles, cloakroom.HandleOf(key), cloakroom.HandleOf(key))
	}
	if len(handles[0]) != 16 {
		t.Errorf("a handle of %d characters", len(handles[0]))
	}
}
