package cloakroom_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
)

// When sessions end. Time is a bubble's, so that hours take no time.

// clocked runs f in a bubble with each store.
func clocked(t *testing.T, f func(t *testing.T, s store.Store)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(123 * time.Millisecond) // sessions do not begin with a second
		eachStoreHere(t, func(s store.Store) { f(t, s) })
	})
}

func limits(idle, lifetime time.Duration) cloakroom.Options {
	o := plainOptions(nil)
	o.IdleTimeout, o.Lifetime = idle, lifetime
	return o
}

func mustLive(t *testing.T, m *cloakroom.Manager, ticket, when string) {
	t.Helper()
	if r := visit(m, ticket, read("name")); r.body != "ada" {
		t.Errorf("%s: got %v, want a live session", when, r)
	}
}

func mustBeOver(t *testing.T, m *cloakroom.Manager, ticket, when string) {
	t.Helper()
	if r := visit(m, ticket, read("name")); r.code != http.StatusOK || r.body != "<nil>" {
		t.Errorf("%s: got %v, want an empty session", when, r)
	}
}

func TestIdleTimeoutEndsASession(t *testing.T) {
	clocked(t, func(t *testing.T, s store.Store) {
		m := manage(t, s, limits(time.Hour, cloakroom.NoLimit))
		ticket := begin(t, m, map[string]any{"name": "ada"})
		for range 5 {
			time.Sleep(55 * time.Minute)
			mustLive(t, m, ticket, "used within the idle timeout")
		}
		time.Sleep(time.Hour)
		mustBeOver(t, m, ticket, "not used for the idle timeout")
	})
}

func TestLifetimeEndsASession(t *testing.T) {
	uses := map[string]page{"read": read("name"), "written": set("page", 1), "moved": regenerate}
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, s store.Store) {
				m := manage(t, s, limits(time.Hour, 10*time.Hour))
				ticket := begin(t, m, map[string]any{"name": "ada"})
				for range 19 {
					time.Sleep(30 * time.Minute)
					mustLive(t, m, ticket, "within its lifetime")
					ticket = visit(m, ticket, use).after(ticket)
				}
				time.Sleep(30 * time.Minute)
				mustBeOver(t, m, ticket, "used until its lifetime was over")
			})
		})
	}
}

func TestTouchIsRare(t *testing.T) {
	clocked(t, func(t *testing.T, s store.Store) {
		f := cloakroomtest.NewFaulty(s)
		m := manage(t, f, limits(time.Hour, cloakroom.NoLimit))
		ticket := begin(t, m, map[string]any{"name": "ada"})
		for range 180 {
			time.Sleep(time.Minute)
			mustLive(t, m, ticket, "used each minute")
		}
		if got := len(f.Calls(cloakroomtest.OpTouch)); got != 180/6 {
			t.Errorf("%d touches in three hours of use, want %d: one for each tenth of the idle timeout", got, 180/6)
		}
	})
}

// Near the end of its lifetime a session is touched once more, not with each
// request.
func TestTouchEndsAtTheLifetime(t *testing.T) {
	clocked(t, func(t *testing.T, s store.Store) {
		f := cloakroomtest.NewFaulty(s)
		m := manage(t, f, limits(time.Hour, 61*time.Minute))
		ticket := begin(t, m, map[string]any{"name": "ada"})
		for range 60 {
			time.Sleep(time.Minute)
			mustLive(t, m, ticket, "within its lifetime")
		}
		if got := len(f.Calls(cloakroomtest.OpTouch)); got != 1 {
			t.Errorf("got %d touches, want 1", got)
		}
		time.Sleep(time.Minute)
		mustBeOver(t, m, ticket, "after its lifetime")
	})
}

// Another program's record does not say when it was created.
func TestTouchOfARecordWithoutAge(t *testing.T) {
	clocked(t, func(t *testing.T, s store.Store) {
		f := cloakroomtest.NewFaulty(s)
		m := manage(t, f, limits(2*time.Hour, time.Hour))
		ticket := begin(t, m, map[string]any{"name": "ada"})
		f.Delete(t.Context(), storeKeyOf(ticket))
		_, err := f.Save(t.Context(), storeKeyOf(ticket), store.Record{},
			store.Record{Data: []byte(`{"name":"ada"}`), Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			time.Sleep(time.Second)
			mustLive(t, m, ticket, "used each second")
		}
		if got := len(f.Calls(cloakroomtest.OpTouch)); got > 1 {
			t.Errorf("got %d touches in half a minute, want at most 1", got)
		}
	})
}

// What another program has written where we keep the age is none. The age of
// such a session counts from its first save with us, and once only.
func TestAgeThatMakesNoSense(t *testing.T) {
	clocked(t, func(t *testing.T, s store.Store) {
		m := manage(t, s, limits(time.Hour, 2*time.Hour))
		for _, created := range []string{`"yesterday"`, `-1`, `0`, `1.5`, `null`, `[]`} {
			ticket := begin(t, m, map[string]any{"name": "ada"})
			s.Delete(t.Context(), storeKeyOf(ticket))
			_, err := s.Save(t.Context(), storeKeyOf(ticket), store.Record{}, store.Record{
				Data: []byte(`{"name":"ada","_created":` + created + `}`), Expires: time.Now().Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			for range 4 {
				visit(m, ticket, set("page", 1))
				time.Sleep(29 * time.Minute)
				mustLive(t, m, ticket, created+": within its lifetime")
			}
			time.Sleep(4 * time.Minute)
			mustBeOver(t, m, ticket, created+": after its lifetime")
		}
	})
}

func TestExpiryNeverMovesBack(t *testing.T) {
	clocked(t, func(t *testing.T, s store.Store) {
		long := manage(t, s, limits(10*time.Hour, cloakroom.NoLimit))
		short := manage(t, s, limits(time.Hour, cloakroom.NoLimit))
		ticket := begin(t, long, map[string]any{"name": "ada"})
		time.Sleep(20 * time.Minute)
		mustLive(t, short, ticket, "read under a shorter idle timeout")
		time.Sleep(2 * time.Hour)
		mustLive(t, long, ticket, "after a read under a shorter idle timeout")
	})
}

func TestChangedLifetimeHoldsForOldSessions(t *testing.T) {
	clocked(t, func(t *testing.T, s store.Store) {
		before := manage(t, s, limits(5*time.Hour, 20*time.Hour))
		ticket := begin(t, before, map[string]any{"name": "ada"})
		time.Sleep(2 * time.Hour)
		shorter := manage(t, s, limits(5*time.Hour, 3*time.Hour))
		mustLive(t, shorter, ticket, "within the new lifetime")
		var said time.Time
		visit(shorter, ticket, func(s *cloakroom.Session) string { said = s.Expires(); return "" })
		if left := time.Until(said); left > time.Hour || left < time.Hour-time.Second {
			t.Errorf("Expires gives the session %v, want the hour that is left of the new lifetime", left)
		}
		time.Sleep(time.Hour)
		mustBeOver(t, shorter, ticket, "after the new lifetime")
		mustLive(t, before, ticket, "within the old lifetime")
		longer := manage(t, s, limits(5*time.Hour, 50*time.Hour))
		for range 9 {
			mustLive(t, longer, ticket, "within the longer lifetime")
			time.Sleep(4 * time.Hour)
		}
	})
}

// What Expires says during a request is what then happens.
func TestExpiresIsTrue(t *testing.T) {
	const idle, lifetime = time.Hour, 90 * time.Minute
	pages := map[string]page{
		"read":      func(s *cloakroom.Session) string { return read("name")(s) },
		"write":     set("page", 1),
		"regulated": regenerate,
		"late read": func(s *cloakroom.Session) string { time.Sleep(time.Second); return read("name")(s) },
	}
	for _, age := range []time.Duration{0, time.Minute, 20 * time.Minute, 55 * time.Minute} {
		for name, p := range pages {
			t.Run(fmt.Sprint(name, " at ", age), func(t *testing.T) {
				clocked(t, func(t *testing.T, s store.Store) {
					m := manage(t, s, limits(idle, lifetime))
					ticket := begin(t, m, map[string]any{"name": "ada"})
					time.Sleep(age)
					var said time.Time
					r := visit(m, ticket, func(s *cloakroom.Session) string {
						defer func() { said = s.Expires() }()
						return p(s)
					})
					ticket = r.after(ticket)
					if !said.After(time.Now()) {
						t.Fatalf("Expires said %v, which is over", said)
					}
					time.Sleep(time.Until(said) - time.Millisecond)
					// Not by a visit, which would touch it.
					if contents(t, m, ticket) == nil {
						t.Error("the session ended before Expires had said")
					}
					time.Sleep(2 * time.Millisecond)
					if contents(t, m, ticket) != nil {
						t.Error("the session lived longer than Expires had said")
					}
				})
			})
		}
	}
}

// A session whose lifetime ends while a request uses it does not come back by
// being saved, and the visitor is told nothing wrong.
func TestLifetimeEndsDuringARequest(t *testing.T) {
	clocked(t, func(t *testing.T, s store.Store) {
		var gone int
		o := limits(time.Hour, 2*time.Hour)
		o.Hooks.Conflict = countDropped(&gone)
		m := manage(t, s, o)
		before := manage(t, s, limits(5*time.Hour, 10*time.Hour)) // the record outlives the lifetime
		for i, p := range []page{set("page", 1), regenerate, count} {
			ticket := begin(t, m, map[string]any{"name": "ada"})
			time.Sleep(50 * time.Minute)
			mustLive(t, m, ticket, "before")
			time.Sleep(50 * time.Minute)
			r := visit(m, ticket, func(s *cloakroom.Session) string {
				s.Get("name")
				time.Sleep(time.Hour)
				return p(s)
			})
			if r.code != http.StatusOK || r.ticket != "" {
				t.Errorf("page %d: got %v, ticket set %t; want 200 and no ticket", i, r, r.ticket != "")
			}
			if gone != i+1 {
				t.Errorf("page %d: Hooks.Conflict was told %d times that changes were dropped, want %d", i, gone, i+1)
			}
			mustBeOver(t, m, ticket, "after its lifetime")
		}
		for i, p := range []page{count, regenerate} {
			ticket := begin(t, before, map[string]any{"name": "ada"})
			r := visit(m, ticket, func(s *cloakroom.Session) string {
				s.Get("name")
				time.Sleep(3 * time.Hour)
				return p(s)
			})
			if r.code != http.StatusOK || r.ticket != "" {
				t.Errorf("lifetime cut short, page %d: got %v, ticket set %t; want 200 and no ticket", i, r, r.ticket != "")
			}
			if gone != i+4 {
				t.Errorf("lifetime cut short, page %d: Hooks.Conflict was told %d times that changes were dropped, want %d", i, gone, i+4)
			}
		}
	})
}
