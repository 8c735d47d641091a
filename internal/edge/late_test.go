package edge_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestLateChangeOfAKnownSessionIsSaved(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Known(t)
	s.Log.Events()
	a := b.Late(func(s *cloakroom.Session) {
		s.Set("late", true)
		s.Flash("info", sitetest.Hush+"late")
	})
	if a.Body != "done" || len(a.SetCookie) != 0 {
		t.Errorf("body %q, Set-Cookie %q", a.Body, a.SetCookie)
	}
	sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Saved")
	b.OK(func(s *cloakroom.Session) {
		if !s.Has("late") || len(s.Flashes()) != 1 {
			t.Error("the late change was not saved")
		}
	})
}

func TestLateChangeThatNeedsACookie(t *testing.T) {
	for name, change := range map[string]func(*cloakroom.Session){
		"a new session": sitetest.SetUser,
		"Regenerate":    (*cloakroom.Session).Regenerate,
		"SetPermanent":  func(s *cloakroom.Session) { s.SetPermanent(true) },
	} {
		t.Run(name, func(t *testing.T) {
			s := sitetest.NewTLS(t, cloakroom.Options{})
			b := s.Browser(t)
			if name != "a new session" {
				b.OK(sitetest.SetUser)
			}
			before := s.Records(t)
			s.Log.Events()
			if a := b.Late(change); a.StatusCode != http.StatusOK || a.Body != "done" || len(a.SetCookie) != 0 {
				t.Errorf("status %d, body %q, Set-Cookie %q", a.StatusCode, a.Body, a.SetCookie)
			}
			events := s.Log.Take()
			last := events[len(events)-1]
			if last.Name != "Error" || !errors.Is(last.Err, cloakroom.ErrLate) {
				t.Errorf("last event: %s %v", last.Name, last.Err)
			}
			if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "change the session before the first write") {
				t.Errorf("logged %q", lines)
			}
			if after := s.Records(t); len(after) != len(before) {
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
		s := sitetest.New(t, cloakroom.Options{})
		b := s.Known(t)
		b.Late(func(s *cloakroom.Session) { s.Set("late", true); c.change(s) })
		if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "the change needs a new cookie") {
			t.Errorf("%s: logged %q", name, lines)
		}
		b.OK(func(s *cloakroom.Session) {
			if s.Has("late") != c.saved || s.Permanent() || !s.Has("user") {
				t.Errorf("%s: the session has %q, Permanent %v", name, s.Keys(), s.Permanent())
			}
		})
	}
}

func TestLateSealedChangeIsAnError(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{})
	b := s.Known(t)
	s.Log.Events()
	b.Late(func(s *cloakroom.Session) { s.Set("late", true) })
	events := s.Log.Take()
	if last := events[len(events)-1]; !errors.Is(last.Err, cloakroom.ErrLate) {
		t.Errorf("last event: %s %v", last.Name, last.Err)
	}
}

func TestLateSaveThatFails(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Known(t)
	s.Log.Events()
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: sitetest.ErrRefused})
	if a := b.Late(func(s *cloakroom.Session) { s.Set("late", true) }); a.Body != "done" {
		t.Errorf("body %q", a.Body)
	}
	sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Error")
	if lines := s.Log.Lines(); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
}

// A stream that first uses its session after the first flush is a use like
// any other.
func TestLateReadMovesTheExpiryOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{IdleTimeout: time.Hour})
		b := s.Known(t)
		time.Sleep(30 * time.Minute)
		s.Log.Events()
		b.Late(func(s *cloakroom.Session) { s.Get("user") })
		sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Touched")
	})
}

// In a cookie the expiry cannot be moved on any more, and nobody is told that
// it was.
func TestLateReadOfASealedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.NewSealed(t, cloakroom.Options{IdleTimeout: time.Hour})
		b := s.Known(t)
		time.Sleep(30 * time.Minute)
		s.Log.Events()
		b.Late(func(s *cloakroom.Session) { s.Get("user") })
		sitetest.Equal(t, "events", s.Log.Events(), "Loaded")
	})
}
