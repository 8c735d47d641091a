package engine_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

func mustReload(t *testing.T, s *cloakroom.Session) {
	t.Helper()
	if err := s.Reload(); err != nil {
		t.Errorf("Reload: %v", err)
	}
}

// What others have changed is seen, and the request's own changes stay on top.
func TestReload(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Begin(t, map[string]any{"theirs": 1, "both": 1, "gone": 1, "visits": 1})
	within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
		session.Set("both", "mine")
		ran := 0
		sitetest.Visits.Update(session, func(n int) int {
			ran++
			session.Get("theirs") // the lock is not held
			return n + 1
		})
		s.Holder(t, b.Ticket()).OK(func(s *cloakroom.Session) {
			s.Set("theirs", 2)
			s.Set("both", "theirs")
			s.Delete("gone")
			for range 10 {
				sitetest.Count(s)
			}
		})
		s.Calls()
		mustReload(t, session)
		sitetest.Equal(t, "store calls", s.Calls(), "Load")
		n, _ := sitetest.Visits.Get(session)
		if session.Get("theirs") != int64(2) || session.Get("both") != "mine" || session.Has("gone") || n != 12 || ran < 2 {
			t.Errorf("theirs %v, both %v, gone %t, visits %d after %d runs",
				session.Get("theirs"), session.Get("both"), session.Has("gone"), n, ran)
		}
		mustReload(t, session)
		if n, _ := sitetest.Visits.Get(session); n != 12 {
			t.Errorf("visits %d after another Reload", n)
		}
		mustSave(t, session)
		if ran > 3 {
			t.Errorf("the function ran %d times", ran)
		}
	})
	if v := b.Values(); v["visits"] != int64(12) || v["both"] != "mine" || v["theirs"] != int64(2) {
		t.Errorf("saved %v", v)
	}
}

// Other goroutines of the request go on while it is loaded again.
func TestUpdateDuringAReload(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Begin(t, map[string]any{"visits": 1, "other": 10, "name": "ada"})
	within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
		sitetest.Count(session)
		s.Holder(t, b.Ticket()).OK(sitetest.Count)
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Nth: 1, Before: func() {
			sitetest.Count(session)
			session.Set("name", "eve")
		}})
		meanwhile := true
		cloakroom.Key[int]("other").Update(session, func(n int) int {
			if meanwhile && session.Get("name") == "eve" {
				meanwhile = false
				sitetest.Count(session) // while functions run again
			}
			return n + 1
		})
		mustReload(t, session)
		if n, _ := sitetest.Visits.Get(session); n != 5 || session.Get("name") != "eve" || meanwhile {
			t.Errorf("visits %d, name %v, an Update during the Reload: %t", n, session.Get("name"), !meanwhile)
		}
	})
	if v := b.Values(); v["visits"] != int64(5) || v["other"] != int64(11) || v["name"] != "eve" {
		t.Errorf("saved %v", v)
	}
}

func TestReloadMeetsTheEnd(t *testing.T) {
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{})
				b := member(t, s)
				within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
					session.Set("x", 1)
					c.end(t, s, b.Ticket())
					for range 2 {
						mustMatch(t, "Reload", session.Reload(), c.want...)
						mustMatch(t, "Ended", session.Ended(), c.want...)
					}
					if !session.IsNew() || session.Len() != 0 || session.Err() != nil {
						t.Errorf("IsNew %t, %d values, Err %v", session.IsNew(), session.Len(), session.Err())
					}
				})
			})
		})
	}
}

func TestReloadThatFails(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	a := within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
		session.Set("x", 1)
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Nth: 1, Err: sitetest.ErrRefused})
		mustMatch(t, "Reload", session.Reload(), cloakroom.ErrUnavailable)
		sitetest.Has(t, "as it was", true)(session)
		if session.Err() != nil || session.Get("x") != int64(1) {
			t.Errorf("Err %v, x is %v", session.Err(), session.Get("x"))
		}
		mustReload(t, session)
	})
	if !a.OK() || b.Values()["x"] != int64(1) {
		t.Errorf("answered %v, saved %v", a, b.Values())
	}
}

func TestReloadWhereThereIsNothingToReload(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.Known(t).OK(func(session *cloakroom.Session) {
		s.Calls()
		mustReload(t, session)
		sitetest.Equal(t, "store calls before the first use", s.Calls(), "Load")
	})
	s.Browser(t).OK(func(session *cloakroom.Session) {
		s.Calls()
		session.Set("x", 1)
		mustReload(t, session)
		sitetest.Equal(t, "store calls of a new session", s.Calls())
		if session.Get("x") != int64(1) {
			t.Errorf("x is %v", session.Get("x"))
		}
	})
	s.BreakStore()
	if a := s.Holder(t, sitetest.Dead).Visit(func(session *cloakroom.Session) {
		mustMatch(t, "the first load", session.Reload(), cloakroom.ErrUnavailable)
	}); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %v", a)
	}
}

// Reload is no use: a session that is only reloaded ends.
func TestReloadIsNoUse(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
			for range 29 {
				mustReload(t, session)
				time.Sleep(time.Minute)
			}
			time.Sleep(time.Minute)
			mustMatch(t, "Reload", session.Reload(), ended...)
		})
	})
}

func TestReloadOfASealedCookie(t *testing.T) {
	clocked(t, func(t *testing.T, _ store.Store) {
		b := sitetest.NewSealed(t, cloakroom.Options{}).Known(t)
		within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
			session.Get("user")
			mustReload(t, session)
			time.Sleep(31 * time.Minute)
			mustMatch(t, "Reload", session.Reload(), ended...)
		})
	})
}
