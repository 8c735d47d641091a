package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// renewing is a site whose sessions get a new ID each hour.
func renewing(t *testing.T) *sitetest.Site {
	return sitetest.New(t, cloakroom.Options{RenewEvery: time.Hour, IdleTimeout: 12 * time.Hour})
}

func loggedIn(t *testing.T, who string) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) {
		t.Helper()
		if user := s.User(); user != "ada" {
			t.Errorf("%s: the user is %q", who, user)
		}
	}
}

// Somebody who has the ticket of a visitor, and follows up none of the new ones, does
// not keep the visitor from getting his.
func TestRenewalsThatNobodyFollowsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := renewing(t)
		b := s.Browser(t)
		b.OK(login("ada"))
		old := b.Ticket()
		time.Sleep(time.Hour)
		for range 20 {
			s.Holder(t, old).OK(loggedIn(t, "the thief"))
			time.Sleep(time.Minute)
		}
		b.OK(loggedIn(t, "the visitor"))
		if b.Ticket() == old {
			t.Fatal("the visitor gets no new ticket")
		}
		b.OK(loggedIn(t, "the visitor with the new ticket"))
		time.Sleep(31 * time.Second)
		s.Holder(t, old).OK(func(s *cloakroom.Session) {
			if user := s.User(); user != "" {
				t.Errorf("after the grace the old ticket is %q's", user)
			}
		})
		b.OK(loggedIn(t, "the visitor later"))
		marks := map[store.MarkKind]int{}
		for _, kind := range s.Marks(t) {
			marks[kind]++
		}
		if marks[store.MarkRenewed] > 4 {
			t.Errorf("%d renewed tickets lead on", marks[store.MarkRenewed])
		}
	})
}

func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := renewing(t)
		b := s.Browser(t)
		b.OK(login("ada"))
		old := b.Ticket()
		time.Sleep(59 * time.Minute)
		if a := b.OK(loggedIn(t, "before")); len(a.SetCookie) > 0 {
			t.Errorf("a ticket went out too early: %q", a.SetCookie)
		}
		time.Sleep(2 * time.Minute)
		b.OK(loggedIn(t, "at the renewal"))
		renewed := b.Ticket()
		if renewed == old {
			t.Fatal("the ticket is the old one")
		}
		// Until the new ticket is seen the old one leads to the session, and once it
		// has been for half a minute.
		s.Holder(t, old).OK(loggedIn(t, "with the old ticket"))
		s.Calls()
		b.OK(loggedIn(t, "with the new ticket"))
		sitetest.Equal(t, "the first use of the new ticket", s.Calls(), "Load", "Load", "Save", "Load", "Save")
		b.OK(loggedIn(t, "with the new ticket again"))
		sitetest.Equal(t, "the second", s.Calls(), "Load")
		time.Sleep(29 * time.Second)
		if a := s.Holder(t, old).OK(loggedIn(t, "in the grace")); len(a.SetCookie) > 0 {
			t.Errorf("the old ticket got %q", a.SetCookie)
		}
		time.Sleep(2 * time.Second)
		s.Holder(t, old).OK(func(s *cloakroom.Session) {
			if user := s.User(); user != "" {
				t.Errorf("after the grace the old ticket is %q's", user)
			}
		})
		b.OK(loggedIn(t, "the visitor"))
	})
}
