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

// A request that begins in time may take longer than is left of the session.
func TestSlowRequestAtTheEndOfASession(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		time.Sleep(25 * time.Minute)
		s.Calls()
		b.OK(func(session *cloakroom.Session) {
			session.Get("user")
			sitetest.Equal(t, "store calls at the first use", s.Calls(), "Load", "Touch")
			time.Sleep(10 * time.Minute)
			session.Set("uploaded", true)
		})
		if b.Values()["uploaded"] != true {
			t.Error("the change is lost")
		}
	})
}

// With more than half of the time left the commit comes soon enough.
func TestFirstUseMostlyTouchesNothing(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		time.Sleep(14 * time.Minute)
		s.Calls()
		b.OK(func(session *cloakroom.Session) {
			session.Get("user")
			sitetest.Equal(t, "store calls at the first use", s.Calls(), "Load")
		})
		sitetest.Equal(t, "store calls after that", s.Calls(), "Touch")
	})
}

// A stream that goes on for hours keeps the session that it uses, and learns of
// its end.
func TestStreamUsesItsSession(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		b.Get("/", func(w http.ResponseWriter, r *http.Request) {
			session := cloakroom.From(r)
			for range 5 * 60 {
				sitetest.Has(t, "within the stream", true)(session)
				w.(http.Flusher).Flush()
				time.Sleep(time.Minute)
			}
			if calls := len(s.Store.Calls(cloakroomtest.OpTouch)); calls > 5*60/3+1 {
				t.Errorf("%d touches in five hours", calls)
			}
			mustLive(t, b, "beside the stream")
			s.Holder(t, b.Ticket()).OK(logOut)
			time.Sleep(3 * time.Minute)
			sitetest.Has(t, "after a logout elsewhere", false)(session)
			session.Set("user", "eve")
		})
		if n := len(s.Records(t)); n != 0 {
			t.Errorf("%d records: the stream brought the session back", n)
		}
	})
}

// A store that fails in between costs a stream nothing.
func TestStreamOnABrokenStore(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		b.OK(func(session *cloakroom.Session) {
			for minute := range 60 {
				if minute == 20 {
					s.BreakStore()
				}
				if minute == 30 {
					s.Store.Heal()
				}
				sitetest.Has(t, "within the stream", true)(session)
				time.Sleep(time.Minute)
			}
			session.Set("seen", true)
		})
		if b.Values()["seen"] != true {
			t.Error("the change is lost")
		}
	})
}

// Reading a session on a passive route is no use; changing it is.
func TestPassive(t *testing.T) {
	for name, c := range map[string]struct {
		use   func(*cloakroom.Session)
		lives bool
	}{
		"reads":   {func(s *cloakroom.Session) { s.Get("user") }, false},
		"changes": {sitetest.Count, true},
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{})
				b := s.Known(t)
				s.Inner = s.Manager.Passive
				s.Calls()
				for range 35 {
					time.Sleep(time.Minute)
					b.OK(c.use)
				}
				if got := b.Values() != nil; got != c.lives {
					t.Errorf("after 35 minutes of polls the session lives: %t, want %t", got, c.lives)
				}
				if n := len(s.Store.Calls(cloakroomtest.OpTouch)); n != 0 {
					t.Errorf("%d touches", n)
				}
			})
		})
	}
}

// A creation time in the future counts as now, and does not stay in the record.
func TestCreatedInTheFuture(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		ahead := sitetest.NewOn(t, records, limits(time.Hour, 24*time.Hour))
		ahead.PlantData(t, "session:"+sitetest.Dead, `{"_created":4102444800,"user":"ada"}`) // the year 2100
		b := ahead.Holder(t, sitetest.Dead)
		for range 47 {
			time.Sleep(30 * time.Minute)
			if b.Values() == nil {
				t.Fatal("the session ended within its lifetime")
			}
			b.OK(func(s *cloakroom.Session) { s.Get("user") })
		}
		time.Sleep(31 * time.Minute)
		b.OK(func(s *cloakroom.Session) { s.Get("user") })
		time.Sleep(31 * time.Minute)
		if b.Values() != nil {
			t.Error("the session outlives its lifetime")
		}
	})
}

// A session that the stream's own request has begun is used by it as any other.
func TestStreamThatBeganItsSession(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Browser(t)
		b.Get("/", func(w http.ResponseWriter, r *http.Request) {
			session := cloakroom.From(r)
			sitetest.SetUser(session)
			w.(http.Flusher).Flush()
			for range 120 {
				time.Sleep(time.Minute)
				sitetest.Has(t, "within the stream", true)(session)
			}
			for key := range s.Records(t) {
				if err := records.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(4 * time.Minute)
			sitetest.Has(t, "after its end", false)(session)
		})
	})
}

// A stream learns of the end also where no use moves an expiry on.
func TestStreamWithoutTouchesLearnsOfTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		opts    cloakroom.Options
		passive bool
	}{
		"no idle timeout": {cloakroom.Options{IdleTimeout: cloakroom.NoLimit, Lifetime: 5 * time.Hour}, false},
		"passive":         {cloakroom.Options{IdleTimeout: 10 * time.Hour}, true},
	} {
		for end, byTime := range map[string]bool{"a logout": false, "its lifetime": true} {
			if c.passive && byTime {
				continue
			}
			t.Run(name+", "+end, func(t *testing.T) {
				clocked(t, func(t *testing.T, records store.Store) {
					s := sitetest.NewOn(t, records, c.opts)
					b := s.Known(t)
					if c.passive {
						s.Inner = s.Manager.Passive
					}
					b.OK(func(session *cloakroom.Session) {
						sitetest.Has(t, "at first", true)(session)
						if byTime {
							time.Sleep(6 * time.Hour)
						} else {
							s.Holder(t, b.Ticket()).OK(logOut)
							time.Sleep(2 * time.Hour)
						}
						sitetest.Has(t, "after its end", false)(session)
					})
				})
			})
		}
	}
}

// What Preload loads the handler has not used yet.
func TestPassiveBehindPreload(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		s.Inner = func(h http.Handler) http.Handler { return s.Manager.Preload(s.Manager.Passive(h)) }
		for range 35 {
			time.Sleep(time.Minute)
			b.OK(func(s *cloakroom.Session) { s.Get("user") })
		}
		if b.Values() != nil {
			t.Error("polls have kept the session alive")
		}
	})
}

// A lifetime that is set later counts from the session's beginning.
func TestLifetimeIsSetLater(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		b := sitetest.NewOn(t, records, limits(10*time.Hour, cloakroom.NoLimit)).Known(t)
		limited := sitetest.NewOn(t, records, limits(3*time.Hour, 3*time.Hour)).Holder(t, b.Ticket())
		time.Sleep(2 * time.Hour)
		mustLive(t, limited, "within the lifetime")
		time.Sleep(time.Hour)
		mustBeOver(t, limited, "after it")
	})
}
