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
