package guarantee_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// Several goroutines of one request use its session.

// during returns a site in whose nth save f runs before the store is asked.
func during(t *testing.T, records store.Store, nth int, f func()) *sitetest.Site {
	s := sitetest.NewOn(t, records, plain())
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: nth, Before: f})
	return s
}

// Everything at once, and commits in the middle of it; it is the race
// detector that looks. What was done before the last commit is saved.
func TestManyGoroutinesOfOneRequest(t *testing.T) {
	sitetest.EachStore(t, func(t *testing.T, records store.Store) {
		b := sitetest.NewOn(t, records, patient()).Begin(t, map[string]any{"name": "ada"})
		const workers, rounds = 8, 20
		b.Get("/", func(w http.ResponseWriter, r *http.Request) {
			s := cloakroom.From(r)
			var wg sync.WaitGroup
			for i := range workers {
				wg.Go(func() {
					for round := 1; round <= rounds; round++ {
						s.Set(own(i), round)
						s.Get(own((i + 1) % workers))
						sitetest.Count(s)
						s.Flash("info", fmt.Sprint(i, round))
						s.Keys()
						s.Has("name")
						s.Expires()
						s.Modified()
						s.Err()
						s.Handle()
						if err := s.Save(); err != nil {
							t.Errorf("Save: %v", err)
						}
						if err := s.Reload(); err != nil {
							t.Errorf("Reload: %v", err)
						}
						s.Done()
						s.Ended()
					}
				})
			}
			io.WriteString(w, "first byte")
			wg.Wait()
		})
		values := b.Values()
		for i := range workers {
			if got := values[own(i)]; got != int64(rounds) {
				t.Errorf("the value of goroutine %d is %v, want %d", i, got, rounds)
			}
		}
		if got := values["visits"]; got != int64(workers*rounds) {
			t.Errorf("the counter says %v, want %d", got, workers*rounds)
		}
		b.OK(func(s *cloakroom.Session) {
			if got := len(s.Flashes()); got != workers*rounds {
				t.Errorf("got %d messages, want %d", got, workers*rounds)
			}
		})
	})
}

// What changes while a save is on its way is saved afterwards, on top of what
// that save and other requests wrote.
func TestChangesDuringACommit(t *testing.T) {
	inc := sitetest.Count
	for _, c := range []struct {
		name           string
		before, during func(s *cloakroom.Session)
		want           int64 // the counter, which another request adds 100 to after the first commit
	}{
		{"update, update", inc, inc, 7 + 1 + 1 + 100},
		{"set, update", put(10), inc, 10 + 1 + 100},
		{"set and update, update", both(put(10), inc), inc, 10 + 1 + 1 + 100},
		{"clear, update", (*cloakroom.Session).Clear, inc, 1 + 100},
		{"delete, update", remove, inc, 1 + 100},
		{"update, delete", inc, remove, 0},
		{"update, set", inc, put(10), 10},
		{"update, clear", inc, (*cloakroom.Session).Clear, 0},
		{"update, set and update", inc, both(put(10), inc), 11},
		{"update, clear and update", inc, both((*cloakroom.Session).Clear, inc), 1},
		{"set, set and update", put(20), both(put(10), inc), 11},
		{"nothing else, update", sitetest.Set("other", 1), inc, 7 + 1 + 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s *cloakroom.Session
			site := during(t, sitetest.Memory(t), 2, func() { c.during(s) })
			b := site.Begin(t, map[string]any{"visits": 7})
			a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
				s = cloakroom.From(r)
				c.before(s)
				io.WriteString(w, "first byte")
				b.OK(addHundred)
			})
			if a.StatusCode != http.StatusOK {
				t.Fatalf("got %v, want 200", a)
			}
			if got, _ := b.Values()["visits"].(int64); got != c.want {
				t.Errorf("the counter says %d, want %d", got, c.want)
			}
		})
	}
}

// A goroutine that logs out while a save is on its way has its way.
func TestDestroyDuringACommit(t *testing.T) {
	for name, c := range map[string]struct {
		use func(*cloakroom.Session)
		nth int // of the saves, counted from the first of Begin
	}{
		"write":                     {sitetest.Set("name", "eve"), 2},
		"regenerate":                {(*cloakroom.Session).Regenerate, 2},
		"regenerate's last step":    {(*cloakroom.Session).Regenerate, 3},
		"first save of new session": {sitetest.Set("name", "eve"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			sitetest.EachStore(t, func(t *testing.T, records store.Store) {
				var s *cloakroom.Session
				site := during(t, records, c.nth, func() { s.Destroy() })
				b := site.Browser(t)
				if c.nth > 1 {
					b = site.Begin(t, map[string]any{"name": "ada"})
				}
				b.Visit(func(session *cloakroom.Session) {
					s = session
					c.use(s)
				})
				if left := site.Records(t); len(left) != 0 {
					t.Errorf("%d records are left, want none", len(left))
				}
			})
		})
	}
}

// A logout after the first byte cannot remove the cookie any more, but it ends
// the session, whatever else is changed then.
func TestDestroyAfterTheFirstByte(t *testing.T) {
	for _, c := range []struct {
		name   string
		use    func(*cloakroom.Session)
		logged int // lines, the first about a use that comes late
	}{
		{"alone", (*cloakroom.Session).Destroy, 1},
		// The goodbye needs a new cookie and cannot be kept; the logout can.
		{"with a goodbye", func(s *cloakroom.Session) { s.Destroy(); s.Flash("info", "Goodbye.") }, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			sitetest.EachStore(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, plain())
				s.Begin(t, map[string]any{"name": "ada"}).Late(c.use)
				if left := s.Records(t); len(left) != 0 {
					t.Errorf("%d records are left, want none", len(left))
				}
				if lines := s.Log.Lines(); len(lines) != c.logged {
					t.Errorf("logged %q, want %d lines", lines, c.logged)
				}
			})
		})
	}
}

// What a goroutine changes after the request is over, or while the request's
// last save is on its way, is not saved, and somebody is told.
func TestChangesAfterTheRequest(t *testing.T) {
	for name, change := range map[string]func(s *cloakroom.Session){
		"Set":          sitetest.Set("name", "eve"),
		"Update":       sitetest.Count,
		"Delete":       func(s *cloakroom.Session) { s.Delete("name") },
		"Clear":        (*cloakroom.Session).Clear,
		"Flash":        func(s *cloakroom.Session) { s.Flash("info", "late") },
		"SetPermanent": func(s *cloakroom.Session) { s.SetPermanent(true) },
		"Regenerate":   (*cloakroom.Session).Regenerate,
		"Destroy":      (*cloakroom.Session).Destroy,
	} {
		t.Run(name, func(t *testing.T) {
			site := sitetest.New(t, plain())
			b := site.Begin(t, map[string]any{"name": "ada"})
			var s *cloakroom.Session
			b.OK(func(session *cloakroom.Session) {
				s = session
				s.Get("name")
			})
			site.Log.Events()
			change(s)
			mustBeLate(t, site, b)
			if s.Modified() {
				t.Error("the change is pending")
			}
		})
		t.Run(name+" during the last save", func(t *testing.T) {
			var s *cloakroom.Session
			var site *sitetest.Site
			site = during(t, sitetest.Memory(t), 2, func() { site.Log.Events(); change(s) })
			b := site.Begin(t, map[string]any{"name": "ada"})
			b.Get("/", func(_ http.ResponseWriter, r *http.Request) {
				s = cloakroom.From(r)
				s.Set("other", 1)
			})
			mustBeLate(t, site, b)
		})
	}
}

func mustBeLate(t *testing.T, s *sitetest.Site, b *sitetest.Browser) {
	t.Helper()
	late := 0
	for _, e := range s.Log.Take() {
		if e.Name == "Error" && errors.Is(e.Err, cloakroom.ErrLate) {
			late++
		} else if e.Name != "Saved" {
			t.Errorf("event %s %v", e.Name, e.Err)
		}
	}
	lines := s.Log.Lines()
	if late != 1 || len(lines) != 1 || !strings.Contains(lines[0], cloakroom.ErrLate.Error()) {
		t.Errorf("told %d times, logged %q; want that the change came too late", late, lines)
	}
	if got := b.Values(); got["name"] != "ada" || got["visits"] != nil {
		t.Errorf("the session has %v, want it as it was", got)
	}
	b.OK(func(s *cloakroom.Session) {
		if s.Permanent() || len(s.Flashes()) != 0 {
			t.Errorf("Permanent %t, %d messages", s.Permanent(), len(s.Flashes()))
		}
	})
}
