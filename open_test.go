package cloakroom_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
)

func mustOpen(t *testing.T, s *site, ticket cloakroom.Ticket) *cloakroom.Session {
	t.Helper()
	s.log.secret(string(ticket))
	session, err := s.m.Open(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func mustCommit(t *testing.T, s *site, session *cloakroom.Session) cloakroom.Ticket {
	t.Helper()
	ticket, err := s.m.Commit(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	s.log.secret(string(ticket))
	return ticket
}

func TestOpenAndCommitWithoutHTTP(t *testing.T) {
	for kind, s := range map[string]*site{
		"server-side": newLocalSite(t, cloakroom.Options{}), "sealed": newLocalSealedSite(t, cloakroom.Options{}),
	} {
		session := mustOpen(t, s, "")
		if ticket := mustCommit(t, s, session); ticket != "" {
			t.Errorf("%s: a ticket for a session that was never used", kind)
		}
		setUser(session)
		ticket := mustCommit(t, s, session)
		if again := mustCommit(t, s, session); again != ticket || ticket == "" {
			t.Errorf("%s: another ticket for no change", kind)
		}
		session = mustOpen(t, s, ticket)
		has(t, kind, true)(session)
		session.Regenerate()
		next := mustCommit(t, s, session)
		if next == ticket || next == "" {
			t.Errorf("%s: no new ticket after Regenerate", kind)
		}
		session.Destroy()
		if gone := mustCommit(t, s, session); gone != "" {
			t.Errorf("%s: a ticket after Destroy", kind)
		}
		if kind == "server-side" {
			has(t, "after Destroy", false)(mustOpen(t, s, next))
		}
	}
}

func TestOpenSharesSessionsWithHTTP(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	session := mustOpen(t, s, cloakroom.Ticket(b.ticket()))
	has(t, "opened by the cookie's ticket", true)(session)
	session.Set("from", "a job")
	if ticket := mustCommit(t, s, session); string(ticket) != b.ticket() {
		t.Error("the ticket changed")
	}
	b.ok(func(s *cloakroom.Session) {
		if s.Get("from") != "a job" {
			t.Error("the request does not see the job's change")
		}
	})
}

func TestOpenOfWhatOpensNothing(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	for name, ticket := range malformed {
		if session := mustOpen(t, s, cloakroom.Ticket(ticket)); !session.IsNew() {
			t.Errorf("%s: not new", name)
		}
	}
	want(t, "store calls", s.store.since())
	if session := mustOpen(t, s, cloakroom.Ticket(dead)); !session.IsNew() {
		t.Error("unknown: not new")
	}
}

func TestOpenFailsWithTheStore(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	s.breakStore()
	session, err := s.m.Open(t.Context(), cloakroom.Ticket(dead))
	if session != nil || !errors.Is(err, cloakroom.ErrUnavailable) || !errors.Is(err, errRefused) {
		t.Errorf("%v, %v", session != nil, err)
	}
	want(t, "events", s.log.events(), "Error")
}

func TestCommitMayBeCalledAgainAfterAnError(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	session := mustOpen(t, s, "")
	setUser(session)
	session.Flash("a", "b")
	s.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: errRefused})
	if ticket, err := s.m.Commit(t.Context(), session); ticket != "" || !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("Commit: a ticket %v, error %v", ticket != "", err)
	}
	if !session.Modified() {
		t.Error("the change is not pending any more")
	}
	want(t, "events", s.log.events(), "Error")
	session = mustOpen(t, s, mustCommit(t, s, session))
	has(t, "after the second Commit", true)(session)

	s.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpDelete, Nth: 1, Err: errRefused})
	session.Destroy()
	if _, err := s.m.Commit(t.Context(), session); !errors.Is(err, cloakroom.ErrUnavailable) || len(s.records(t)) != 1 {
		t.Errorf("Commit: %v, %d records", err, len(s.records(t)))
	}
	if mustCommit(t, s, session); len(s.records(t)) != 0 {
		t.Error("the second Commit has not destroyed the session")
	}
}

func TestCommitRefusesSessionsOfOthers(t *testing.T) {
	s, other := newLocalSite(t, cloakroom.Options{}), newLocalSite(t, cloakroom.Options{})
	session := mustOpen(t, s, "")
	setUser(session)
	if _, err := other.m.Commit(t.Context(), session); err == nil || !strings.Contains(err.Error(), "another Manager") {
		t.Errorf("another Manager's: %v", err)
	}
	if _, err := s.m.Commit(t.Context(), nil); err == nil {
		t.Error("nil, as Open returns it with an error: no error")
	}
	s.browser(t).ok(func(session *cloakroom.Session) {
		setUser(session)
		if _, err := s.m.Commit(t.Context(), session); err == nil || !strings.Contains(err.Error(), "belongs to a request") {
			t.Errorf("a request's: %v", err)
		}
		want(t, "store calls", s.store.since())
	})
}

func TestCommitDoesNotStopWithItsContext(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	session := mustOpen(t, s, "")
	setUser(session)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ticket, err := s.m.Commit(ctx, session); err != nil || ticket == "" {
		t.Errorf("Commit: %v", err)
	}
}

// A store that does not answer costs StoreTimeout and no more.
func TestStoreTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{StoreTimeout: 2 * time.Second})
		b := s.browser(t)
		b.ok(setUser)
		for _, op := range []cloakroomtest.Op{cloakroomtest.OpLoad, cloakroomtest.OpSave} {
			s.fault.Inject(cloakroomtest.Fault{Op: op, Hang: true})
			start := time.Now()
			a := b.visit(func(s *cloakroom.Session) { s.Set("x", 1) })
			if took := time.Since(start); took != 2*time.Second || a.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("%s: answered after %v with %d", op, took, a.StatusCode)
			}
			s.fault.Heal()
		}
	})
}

func TestCommitMovesTheExpiryOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{})
		session := mustOpen(t, s, "")
		setUser(session)
		mustCommit(t, s, session)
		s.store.since()
		for range 3 { // a connection that lasts
			time.Sleep(20 * time.Minute)
			mustCommit(t, s, session)
		}
		want(t, "store calls", s.store.since(), "Touch", "Touch", "Touch")
		time.Sleep(30 * time.Minute)
		session.Set("x", 1)
		if ticket := mustCommit(t, s, session); ticket != "" || !session.IsNew() {
			t.Error("a session that has ended was saved")
		}
	})
}
