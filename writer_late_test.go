package cloakroom_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
)

// late makes a request whose handler changes the session after it has written.
func (b *browser) late(change func(*cloakroom.Session)) *answer {
	b.t.Helper()
	return b.get("/", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "done")
		change(cloakroom.From(r))
	})
}

func TestLateChangeOfAKnownSessionIsSaved(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.log.events()
	a := b.late(func(s *cloakroom.Session) {
		s.Set("late", true)
		s.Flash("info", hush+"late")
	})
	if a.body != "done" || len(a.cookies) != 0 {
		t.Errorf("body %q, Set-Cookie %q", a.body, a.cookies)
	}
	want(t, "events", s.log.events(), "Loaded", "Saved")
	b.ok(func(s *cloakroom.Session) {
		if !s.Has("late") || len(s.Flashes()) != 1 {
			t.Error("the late change was not saved")
		}
	})
}

func TestLateChangeThatNeedsACookie(t *testing.T) {
	for name, change := range map[string]func(*cloakroom.Session){
		"a new session": setUser,
		"Regenerate":    (*cloakroom.Session).Regenerate,
		"SetPermanent":  func(s *cloakroom.Session) { s.SetPermanent(true) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, cloakroom.Options{})
			b := s.browser(t)
			if name != "a new session" {
				b.ok(setUser)
			}
			before := s.records(t)
			s.log.events()
			if a := b.late(change); a.StatusCode != http.StatusOK || a.body != "done" || len(a.cookies) != 0 {
				t.Errorf("status %d, body %q, Set-Cookie %q", a.StatusCode, a.body, a.cookies)
			}
			events := s.log.take()
			last := events[len(events)-1]
			if last.name != "Error" || !errors.Is(last.Err, cloakroom.ErrLate) {
				t.Errorf("last event: %s %v", last.name, last.Err)
			}
			if lines := s.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "change the session before the first write") {
				t.Errorf("logged %q", lines)
			}
			if after := s.records(t); len(after) != len(before) {
				t.Errorf("%d records, want %d", len(after), len(before))
			}
		})
	}
}

// What needs no cookie is saved, beside a change that does; but what comes with
// a late Regenerate, a login above all, must not be saved under the old ID.
func TestLateChangesOfBothKinds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*cloakroom.Session)
		saved  bool
	}{
		"SetPermanent": {func(s *cloakroom.Session) { s.SetPermanent(true) }, true},
		"Regenerate":   {(*cloakroom.Session).Regenerate, false},
	} {
		s := newLocalSite(t, cloakroom.Options{})
		b := s.browser(t)
		b.ok(setUser)
		b.late(func(s *cloakroom.Session) { s.Set("late", true); c.change(s) })
		if lines := s.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "the change needs a new cookie") {
			t.Errorf("%s: logged %q", name, lines)
		}
		b.ok(func(s *cloakroom.Session) {
			if s.Has("late") != c.saved || s.Permanent() || !s.Has("user") {
				t.Errorf("%s: the session has %q, Permanent %v", name, s.Keys(), s.Permanent())
			}
		})
	}
}

func TestLateDestroyEndsTheSession(t *testing.T) {
	for name, change := range map[string]func(*cloakroom.Session){
		"alone": (*cloakroom.Session).Destroy,
		// The goodbye needs a new cookie and cannot be kept; the logout can.
		"with a goodbye": func(s *cloakroom.Session) { s.Destroy(); s.Flash("info", hush+"bye") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, cloakroom.Options{})
			b := s.browser(t)
			b.ok(setUser)
			b.late(change)
			if left := s.records(t); len(left) != 0 {
				t.Errorf("%d records are left", len(left))
			}
			if late := len(s.log.lines()); late != len(name)/10 {
				t.Errorf("%d lines logged", late)
			}
		})
	}
}

func TestLateSealedChangeIsAnError(t *testing.T) {
	s := newSealedSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.log.events()
	b.late(func(s *cloakroom.Session) { s.Set("late", true) })
	events := s.log.take()
	if last := events[len(events)-1]; !errors.Is(last.Err, cloakroom.ErrLate) {
		t.Errorf("last event: %s %v", last.name, last.Err)
	}
}

func TestLateSaveThatFails(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.log.events()
	s.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: errRefused})
	if a := b.late(func(s *cloakroom.Session) { s.Set("late", true) }); a.body != "done" {
		t.Errorf("body %q", a.body)
	}
	want(t, "events", s.log.events(), "Loaded", "Error")
	if lines := s.log.lines(); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
}

// A stream that first uses its session after the first flush is a use like
// any other.
func TestLateReadMovesTheExpiryOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{IdleTimeout: time.Hour})
		b := s.browser(t)
		b.ok(setUser)
		time.Sleep(30 * time.Minute)
		s.log.events()
		b.late(func(s *cloakroom.Session) { s.Get("user") })
		want(t, "events", s.log.events(), "Loaded", "Touched")
	})
}

// In a cookie the expiry cannot be moved on any more, and nobody is told that
// it was.
func TestLateReadOfASealedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSealedSite(t, cloakroom.Options{IdleTimeout: time.Hour})
		b := s.browser(t)
		b.ok(setUser)
		time.Sleep(30 * time.Minute)
		s.log.events()
		b.late(func(s *cloakroom.Session) { s.Get("user") })
		want(t, "events", s.log.events(), "Loaded")
	})
}

func TestChangeAfterTheRequestIsAnError(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	var kept *cloakroom.Session
	b.ok(func(s *cloakroom.Session) { s.Len(); kept = s })
	s.log.events()
	kept.Set("late", 1)
	kept.Flash("a", "b")
	kept.Destroy()
	kept.Regenerate()
	for _, e := range s.log.take() {
		if e.name != "Error" || !errors.Is(e.Err, cloakroom.ErrLate) {
			t.Errorf("event: %s %v", e.name, e.Err)
		}
	}
	if n := len(s.log.lines()); n != 4 || kept.Modified() {
		t.Errorf("%d lines logged, Modified %v", n, kept.Modified())
	}
}

// A goroutine of the request that changes the session while the request's last
// save is under way must not believe that it was saved.
func TestChangeDuringTheLastSaveIsAnError(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.log.events()
	b.get("/", func(w http.ResponseWriter, r *http.Request) {
		session := cloakroom.From(r)
		session.Set("early", true)
		s.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Before: func() { session.Set("late", true) }})
	})
	kept := false
	b.ok(func(s *cloakroom.Session) { kept = s.Has("late") })
	reported := false
	for _, e := range s.log.take() {
		reported = reported || errors.Is(e.Err, cloakroom.ErrLate)
	}
	if kept == reported {
		t.Errorf("saved %v, reported %v", kept, reported)
	}
}
