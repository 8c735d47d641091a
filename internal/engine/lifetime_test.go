package engine_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// When sessions end. Time is a bubble's, so that hours take no time.

// clocked runs f in a bubble with each store.
func clocked(t *testing.T, f func(t *testing.T, records store.Store)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(123 * time.Millisecond) // sessions do not begin with a second
		sitetest.EachStoreHere(t, func(records store.Store) { f(t, records) })
	})
}

// limits are Options under which a test knows the name of each record.
func limits(idle, lifetime time.Duration) cloakroom.Options {
	return cloakroom.Options{PlainIDs: true, IdleTimeout: idle, Lifetime: lifetime}
}

func mustLive(t *testing.T, b *sitetest.Browser, when string) {
	t.Helper()
	b.OK(sitetest.Has(t, when, true))
}

func mustBeOver(t *testing.T, b *sitetest.Browser, when string) {
	t.Helper()
	b.OK(func(s *cloakroom.Session) {
		t.Helper()
		if !s.IsNew() || s.Len() != 0 {
			t.Errorf("%s: IsNew %t, %d values; want an empty session", when, s.IsNew(), s.Len())
		}
	})
}

func TestSessionsEndInTime(t *testing.T) {
	const min, hour, ms = time.Minute, time.Hour, time.Millisecond
	for name, c := range map[string]struct {
		opts  cloakroom.Options
		pause time.Duration // between visits
		times int           // at which the session is still there
		last  time.Duration // pause after which it has ended
	}{
		"used within the idle timeout":          {cloakroom.Options{}, 29 * min, 20, 30 * min},
		"not used for the idle timeout":         {cloakroom.Options{}, 0, 0, 30 * min},
		"just within the idle timeout":          {cloakroom.Options{}, 30*min - ms, 1, 30 * min},
		"used until the lifetime is over":       {cloakroom.Options{}, 20 * min, 71, 20 * min},
		"a long touch interval ends it earlier": {cloakroom.Options{IdleTimeout: hour, TouchInterval: 40 * min}, 39 * min, 1, 22 * min},
		"a short one does not":                  {cloakroom.Options{IdleTimeout: hour, TouchInterval: 1}, 59 * min, 2, hour},
		"no idle timeout":                       {cloakroom.Options{IdleTimeout: cloakroom.NoLimit}, 23*hour + 59*min, 1, min},
		"no lifetime":                           {cloakroom.Options{Lifetime: cloakroom.NoLimit, IdleTimeout: hour}, 59 * min, 100, hour},
		"a lifetime below the idle timeout":     {cloakroom.Options{Lifetime: 10 * min}, 4 * min, 2, 2 * min},
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				b := sitetest.NewOn(t, records, c.opts).Known(t)
				for range c.times {
					time.Sleep(c.pause)
					mustLive(t, b, "in time")
				}
				time.Sleep(c.last)
				mustBeOver(t, b, "too late")
			})
		})
	}
}

func TestLifetimeEndsASession(t *testing.T) {
	for name, use := range map[string]func(*cloakroom.Session){
		"read":    func(s *cloakroom.Session) { s.Get("user") },
		"written": sitetest.Set("page", 1),
		"moved":   (*cloakroom.Session).Regenerate,
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				b := sitetest.NewOn(t, records, limits(time.Hour, 10*time.Hour)).Known(t)
				for range 19 {
					time.Sleep(30 * time.Minute)
					mustLive(t, b, "within its lifetime")
					b.OK(use)
				}
				time.Sleep(30 * time.Minute)
				mustBeOver(t, b, "used until its lifetime was over")
			})
		})
	}
}

func TestLifetimeCountsFromTheFirstCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{Lifetime: time.Hour})
		session := s.Open(t, "")
		session.Set("x", 0)
		ticket := s.Commit(t, session)
		for i := range 5 {
			time.Sleep(10 * time.Minute)
			session.Set("x", i)
			s.Commit(t, session)
		}
		if left := time.Until(session.Expires()); left != 10*time.Minute {
			t.Errorf("Expires in %v", left)
		}
		time.Sleep(10 * time.Minute)
		if !s.Open(t, ticket).IsNew() {
			t.Error("the session lives on")
		}
	})
}

// What another program has written where we keep the age is none. The age of
// such a session counts from its first save with us, and once only.
func TestAgeThatMakesNoSense(t *testing.T) {
	for _, created := range []string{`"yesterday"`, `-1`, `0`, `1.5`, `null`, `[]`} {
		t.Run(created, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, limits(time.Hour, 2*time.Hour))
				s.PlantData(t, "session:"+sitetest.Dead, `{"user":"ada","_created":`+created+`}`)
				b := s.Holder(t, sitetest.Dead)
				for range 4 {
					b.OK(sitetest.Set("page", 1))
					time.Sleep(29 * time.Minute)
					mustLive(t, b, "within its lifetime")
				}
				time.Sleep(4 * time.Minute)
				mustBeOver(t, b, "after its lifetime")
			})
		})
	}
}

func TestChangedLifetimeHoldsForOldSessions(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		before := sitetest.NewOn(t, records, limits(5*time.Hour, 20*time.Hour))
		b := before.Known(t)
		ticket := b.Ticket()
		time.Sleep(2 * time.Hour)
		shorter := sitetest.NewOn(t, records, limits(3*time.Hour, 3*time.Hour)).Holder(t, ticket)
		mustLive(t, shorter, "within the new lifetime")
		var said time.Time
		shorter.OK(func(s *cloakroom.Session) { said = s.Expires() })
		if left := time.Until(said); left > time.Hour || left < time.Hour-time.Second {
			t.Errorf("Expires gives the session %v, want the hour that is left of the new lifetime", left)
		}
		time.Sleep(time.Hour)
		mustBeOver(t, shorter, "after the new lifetime")
		mustLive(t, before.Holder(t, ticket), "within the old lifetime")
		longer := sitetest.NewOn(t, records, limits(5*time.Hour, 50*time.Hour)).Holder(t, ticket)
		for range 9 {
			mustLive(t, longer, "within the longer lifetime")
			time.Sleep(4 * time.Hour)
		}
	})
}

// A session whose lifetime ends while a request uses it does not come back by
// being saved, and the visitor is told nothing wrong.
func TestLifetimeEndsDuringARequest(t *testing.T) {
	for name, change := range map[string]func(*cloakroom.Session){
		"set": sitetest.Set("page", 1), "regenerate": (*cloakroom.Session).Regenerate, "count": sitetest.Count,
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, limits(time.Hour, 2*time.Hour))
				b := s.Known(t)
				time.Sleep(50 * time.Minute)
				mustLive(t, b, "before")
				time.Sleep(50 * time.Minute)
				mustDrop(t, s, b, time.Hour, change)
				mustBeOver(t, b, "after its lifetime")

				// Its record outlives the lifetime, which has been cut short.
				before := sitetest.NewOn(t, records, limits(5*time.Hour, 10*time.Hour))
				mustDrop(t, s, s.Holder(t, before.Known(t).Ticket()), 3*time.Hour, change)
			})
		})
	}
}

// mustDrop makes a request that takes some time before it changes its session,
// and checks that the change was dropped.
func mustDrop(t *testing.T, s *sitetest.Site, b *sitetest.Browser, takes time.Duration, change func(*cloakroom.Session)) {
	t.Helper()
	s.Log.Events()
	a := b.Visit(func(s *cloakroom.Session) {
		s.Get("user")
		time.Sleep(takes)
		change(s)
	})
	if a.StatusCode != http.StatusOK || len(a.SetCookie) != 0 {
		t.Errorf("got %v, Set-Cookie %q; want 200 and no ticket", a, a.SetCookie)
	}
	if e := dropped(s.Log.Take()); e != 1 {
		t.Errorf("Hooks.Conflict was told %d times that changes were dropped, want 1", e)
	}
}
