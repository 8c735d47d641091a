package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// How the expiry of a record moves on.

// dropped counts the events that say that changes were dropped because the
// session had ended.
func dropped(events []sitetest.Event) (n int) {
	for _, e := range events {
		if e.Name == "Conflict" && errors.Is(e.Err, cloakroom.ErrNotFound) {
			n++
		}
	}
	return n
}

func TestTouchIsRare(t *testing.T) {
	for _, c := range []struct {
		opts cloakroom.Options
		want int // touches in three hours of use
	}{
		{limits(time.Hour, cloakroom.NoLimit), 180 / 6}, // one for each tenth of the idle timeout
		{cloakroom.Options{}, 180 / 3},
	} {
		clocked(t, func(t *testing.T, records store.Store) {
			s := sitetest.NewOn(t, records, c.opts)
			b := s.Known(t)
			for range 180 {
				time.Sleep(time.Minute)
				mustLive(t, b, "used each minute")
			}
			if got := len(s.Store.Calls(cloakroomtest.OpTouch)); got != c.want {
				t.Errorf("%d touches in three hours of use, want %d", got, c.want)
			}
		})
	}
}

// Near the end of its lifetime a session is touched as ever: the store knows of
// no lifetime.
func TestTouchesUntilTheLifetime(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, limits(time.Hour, 61*time.Minute))
		b := s.Known(t)
		for range 60 {
			time.Sleep(time.Minute)
			mustLive(t, b, "within its lifetime")
		}
		if got := len(s.Store.Calls(cloakroomtest.OpTouch)); got != 10 {
			t.Errorf("got %d touches, want one in six minutes", got)
		}
		time.Sleep(time.Minute)
		mustBeOver(t, b, "after its lifetime")
	})
}

// Another program's record does not say when it was created.
func TestTouchOfARecordWithoutAge(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, limits(time.Hour, time.Hour))
		s.PlantData(t, "session:"+sitetest.Dead, `{"user":"ada"}`)
		b := s.Holder(t, sitetest.Dead)
		for range 30 {
			time.Sleep(time.Second)
			mustLive(t, b, "used each second")
		}
		if got := len(s.Store.Calls(cloakroomtest.OpTouch)); got > 1 {
			t.Errorf("got %d touches in half a minute, want at most 1", got)
		}
	})
}

// An idle timeout that is changed holds for the sessions that exist. What counts
// is their last use.
func TestIdleTimeoutIsChanged(t *testing.T) {
	for _, c := range []struct {
		name           string
		before, then   time.Duration
		unused         time.Duration
		lives          bool
		used, livesNow bool // another use in between
	}{
		{"shorter, used in time", 10 * time.Hour, time.Hour, 59 * time.Minute, true, false, false},
		{"shorter, unused for longer", 10 * time.Hour, time.Hour, 61 * time.Minute, false, false, false},
		{"longer, used in time", time.Hour, 10 * time.Hour, 59 * time.Minute, true, true, true},
		{"longer, unused for longer than was said", time.Hour, 10 * time.Hour, 61 * time.Minute, false, false, false},
		{"switched off", time.Hour, cloakroom.NoLimit, 30 * time.Minute, true, true, true},
		{"set", cloakroom.NoLimit, time.Hour, 5 * time.Hour, true, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				b := sitetest.NewOn(t, records, limits(c.before, 100*time.Hour)).Known(t)
				b = sitetest.NewOn(t, records, limits(c.then, 100*time.Hour)).Holder(t, b.Ticket())
				time.Sleep(c.unused)
				if got := b.Values() != nil; got != c.lives {
					t.Fatalf("the session lives: %t, want %t", got, c.lives)
				}
				if c.used {
					mustLive(t, b, "used")
					time.Sleep(9 * time.Hour)
					if got := b.Values() != nil; got != c.livesNow {
						t.Errorf("after a use and nine hours the session lives: %t, want %t", got, c.livesNow)
					}
				}
			})
		})
	}
}

// What Expires says during a request is what then happens, and what it says is
// not too little.
func TestExpiresIsTrue(t *testing.T) {
	const idle, lifetime, touch = time.Hour, 90 * time.Minute, 6 * time.Minute
	read := func(s *cloakroom.Session) { s.Get("user") }
	for _, age := range []time.Duration{0, time.Minute, touch, 20 * time.Minute, 55 * time.Minute} {
		for name, c := range map[string]struct {
			use     func(*cloakroom.Session)
			changes bool
		}{
			"read":      {read, false},
			"write":     {sitetest.Set("page", 1), true},
			"regulated": {(*cloakroom.Session).Regenerate, true},
			"late read": {func(s *cloakroom.Session) { time.Sleep(time.Second); read(s) }, false},
		} {
			t.Run(fmt.Sprint(name, " at ", age), func(t *testing.T) {
				clocked(t, func(t *testing.T, records store.Store) {
					b := sitetest.NewOn(t, records, limits(idle, lifetime)).Known(t)
					began := time.Now()
					time.Sleep(age)
					var said time.Time
					var used time.Duration // age at the use
					b.OK(func(s *cloakroom.Session) {
						c.use(s)
						said, used = s.Expires(), time.Since(began)
					})
					want := idle
					if c.changes || used >= touch { // moved on, or about to be
						want = min(used+idle, lifetime)
					}
					// The age is kept in whole seconds.
					if late := said.Sub(began.Add(want)); late > 0 || late < -time.Second {
						t.Errorf("Expires is %v after the beginning, want %v", said.Sub(began), want)
					}
					time.Sleep(time.Until(said) - time.Millisecond)
					// Not by a visit, which would touch it.
					if b.Values() == nil {
						t.Error("the session ended before Expires had said")
					}
					time.Sleep(2 * time.Millisecond)
					if b.Values() != nil {
						t.Error("the session lived longer than Expires had said")
					}
				})
			})
		}
	}
}

// Of a new session it is what will be if something is set.
func TestExpiresOfANewSession(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		sitetest.NewOn(t, records, cloakroom.Options{}).Browser(t).OK(func(s *cloakroom.Session) {
			if got := time.Until(s.Expires()); got != cloakroom.DefaultIdleTimeout {
				t.Errorf("Expires in %v, want %v", got, cloakroom.DefaultIdleTimeout)
			}
		})
	})
}
