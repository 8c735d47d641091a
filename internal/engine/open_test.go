package engine_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestOpenAndCommitWithoutHTTP(t *testing.T) {
	for kind, s := range map[string]*sitetest.Site{
		"server-side": sitetest.New(t, cloakroom.Options{}), "sealed": sitetest.NewSealed(t, cloakroom.Options{}),
	} {
		session := s.Open(t, "")
		if ticket := s.Commit(t, session); ticket != "" {
			t.Errorf("%s: a ticket for a session that was never used", kind)
		}
		sitetest.SetUser(session)
		ticket := s.Commit(t, session)
		if again := s.Commit(t, session); again != ticket || ticket == "" {
			t.Errorf("%s: another ticket for no change", kind)
		}
		session = s.Open(t, ticket)
		sitetest.Has(t, kind, true)(session)
		session.Regenerate()
		next := s.Commit(t, session)
		if next == ticket || next == "" {
			t.Errorf("%s: no new ticket after Regenerate", kind)
		}
		session.Destroy()
		if gone := s.Commit(t, session); gone != "" {
			t.Errorf("%s: a ticket after Destroy", kind)
		}
		if kind == "server-side" {
			sitetest.Has(t, "after Destroy", false)(s.Open(t, next))
		}
	}
}

func TestOpenSharesSessionsWithHTTP(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	session := s.Open(t, b.Ticket())
	sitetest.Has(t, "opened by the cookie's ticket", true)(session)
	session.Set("from", "a job")
	if ticket := s.Commit(t, session); ticket != b.Ticket() {
		t.Error("the ticket changed")
	}
	b.OK(func(s *cloakroom.Session) {
		if s.Get("from") != "a job" {
			t.Error("the request does not see the job's change")
		}
	})
}

func TestOpenOfWhatOpensNothing(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	for name, ticket := range sitetest.Malformed {
		if session := s.Open(t, ticket); !session.IsNew() {
			t.Errorf("%s: not new", name)
		}
	}
	sitetest.Equal(t, "store calls", s.Calls())
	if session := s.Open(t, sitetest.Dead); !session.IsNew() {
		t.Error("unknown: not new")
	}
}

func TestOpenFailsWithTheStore(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.BreakStore()
	session, err := s.Manager.Open(t.Context(), cloakroom.Ticket(sitetest.Dead))
	if session != nil || !errors.Is(err, cloakroom.ErrUnavailable) || !errors.Is(err, sitetest.ErrRefused) {
		t.Errorf("%v, %v", session != nil, err)
	}
	sitetest.Equal(t, "events", s.Log.Events(), "Error")
}

func TestCommitMayBeCalledAgainAfterAnError(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	session := s.Open(t, "")
	sitetest.SetUser(session)
	session.Flash("a", "b")
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: sitetest.ErrRefused})
	if ticket, err := s.Manager.Commit(t.Context(), session); ticket != "" || !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Commit: a ticket %v, error %v", ticket != "", err)
	}
	if !session.Modified() {
		t.Error("the change is not pending any more")
	}
	sitetest.Equal(t, "events", s.Log.Events(), "Error")
	session = s.Open(t, s.Commit(t, session))
	sitetest.Has(t, "after the second Commit", true)(session)

	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: sitetest.ErrRefused})
	session.Destroy()
	if _, err := s.Manager.Commit(t.Context(), session); !errors.Is(err, cloakroom.ErrUnavailable) || len(s.Records(t)) != 1 {
		t.Errorf("Commit: %v, %d records", err, len(s.Records(t)))
	}
	if s.Commit(t, session); len(s.Records(t)) != 0 {
		t.Error("the second Commit has not destroyed the session")
	}
}

func TestCommitRefusesSessionsOfOthers(t *testing.T) {
	s, other := sitetest.New(t, cloakroom.Options{}), sitetest.New(t, cloakroom.Options{})
	session := s.Open(t, "")
	sitetest.SetUser(session)
	if _, err := other.Manager.Commit(t.Context(), session); err == nil || !strings.Contains(err.Error(), "another Manager") {
		t.Errorf("another Manager's: %v", err)
	}
	if _, err := s.Manager.Commit(t.Context(), nil); err == nil {
		t.Error("nil, as Open returns it with an error: no error")
	}
	s.Browser(t).OK(func(session *cloakroom.Session) {
		sitetest.SetUser(session)
		if _, err := s.Manager.Commit(t.Context(), session); err == nil || !strings.Contains(err.Error(), "belongs to a request") {
			t.Errorf("a request's: %v", err)
		}
		sitetest.Equal(t, "store calls", s.Calls())
	})
}

// After a Commit nothing is pending, and the next one builds on it.
func TestCommitLeavesNothingPending(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	session := s.Open(t, "")
	for name, change := range map[string]func(){
		"Set":          func() { sitetest.SetUser(session) },
		"Update":       func() { cloakroom.Key[int]("n").Update(session, func(n int) int { return n + 1 }) },
		"Delete":       func() { session.Set("x", 1); s.Commit(t, session); session.Delete("x") },
		"SetPermanent": func() { session.Set("x", 1); session.SetPermanent(!session.Permanent()) },
		"Flash":        func() { session.Flash("a", "b") },
		"Flashes":      func() { session.Flash("a", "b"); s.Commit(t, session); session.Flashes() },
		"Clear":        func() { session.Set("x", 1); s.Commit(t, session); session.Clear() },
	} {
		change()
		s.Calls()
		if !session.Modified() {
			t.Errorf("%s: not Modified before Commit", name)
		}
		s.Commit(t, session)
		if session.Modified() {
			t.Errorf("%s: Modified after Commit", name)
		}
		sitetest.Equal(t, name+": store calls", s.Calls(), "Save")
		s.Commit(t, session)
		sitetest.Equal(t, name+": store calls of a Commit without changes", s.Calls())
	}
}

func TestCommitMovesTheExpiryOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		session := s.Open(t, "")
		sitetest.SetUser(session)
		s.Commit(t, session)
		s.Calls()
		for range 3 { // a connection that lasts
			time.Sleep(20 * time.Minute)
			s.Commit(t, session)
		}
		sitetest.Equal(t, "store calls", s.Calls(), "Load", "Touch", "Load", "Touch", "Load", "Touch")
		time.Sleep(30 * time.Minute)
		session.Set("x", 1)
		if ticket := s.Commit(t, session); ticket != "" || !session.IsNew() {
			t.Error("a session that has ended was saved")
		}
	})
}

func TestCommitTouchesOnceAndNoticesTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		session := s.Open(t, "")
		sitetest.SetUser(session)
		ticket := s.Commit(t, session)
		time.Sleep(10 * time.Minute)
		s.Calls()
		s.Commit(t, session)
		s.Commit(t, session)
		sitetest.Equal(t, "store calls", s.Calls(), "Load", "Touch")
		time.Sleep(10 * time.Minute)
		other := s.Open(t, ticket)
		other.Destroy()
		s.Commit(t, other)
		if left := s.Commit(t, session); left != "" || !session.IsNew() {
			t.Error("the session was destroyed elsewhere, and has a ticket")
		}
	})
}

// A Commit after one that failed half way through a Regenerate finishes it.
func TestCommitFinishesAHalfMove(t *testing.T) {
	for nth := 2; nth <= 3; nth++ {
		s := sitetest.New(t, cloakroom.Options{})
		session := s.Open(t, "")
		session.Set("user", "ada")
		old := s.Commit(t, session)
		session.Regenerate()
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: nth, Times: 2, Err: sitetest.ErrRefused})
		for range 2 {
			if _, err := s.Manager.Commit(t.Context(), session); !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Errorf("Commit: %v", err)
			}
		}
		if ticket := s.Commit(t, session); ticket == old || ticket == "" || s.Values(t, old) != nil || s.Values(t, ticket)["user"] != "ada" {
			t.Errorf("save %d failed: another ticket: %t, the old one opens %v", nth, ticket != old, s.Values(t, old))
		}
	}
}
