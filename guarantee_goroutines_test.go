package cloakroom_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
)

// Several goroutines of one request use its session.

// during returns a Manager in whose n-th save f runs before the store is asked.
func during(t *testing.T, s store.Store, log *logText, nth int, f func()) *cloakroom.Manager {
	faulty := cloakroomtest.NewFaulty(s)
	faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: nth, Before: f})
	return manage(t, faulty, plainOptions(log))
}

// Everything at once, and commits in the middle of it; it is the race
// detector that looks. What was done before the last commit is saved.
func TestManyGoroutinesOfOneRequest(t *testing.T) {
	eachStore(t, func(t *testing.T, s store.Store) {
		m := manage(t, s, patient())
		ticket := begin(t, m, map[string]any{"name": "ada"})
		const workers, rounds = 8, 20
		visitHandler(t.Context(), m, ticket, func(w http.ResponseWriter, r *http.Request) {
			s := cloakroom.From(r)
			var wg sync.WaitGroup
			for i := range workers {
				wg.Go(func() {
					for round := 1; round <= rounds; round++ {
						s.Set(own(i), round)
						s.Get(own((i + 1) % workers))
						count(s)
						s.Flash("info", fmt.Sprint(i, round))
						s.Keys()
						s.Has("name")
						s.Expires()
						s.Modified()
						s.Err()
						s.Handle()
					}
				})
			}
			io.WriteString(w, "first byte")
			wg.Wait()
		})
		values := contents(t, m, ticket)
		for i := range workers {
			if got := values[own(i)]; got != int64(rounds) {
				t.Errorf("the value of goroutine %d is %v, want %d", i, got, rounds)
			}
		}
		if got := values["visits"]; got != int64(workers*rounds) {
			t.Errorf("the counter says %v, want %d", got, workers*rounds)
		}
		visit(m, ticket, func(s *cloakroom.Session) string {
			if got := len(s.Flashes()); got != workers*rounds {
				t.Errorf("got %d messages, want %d", got, workers*rounds)
			}
			return ""
		})
	})
}

// What changes while a save is on its way is saved afterwards, on top of what
// that save and other requests wrote.
func TestChangesDuringACommit(t *testing.T) {
	cases := []struct {
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
		{"nothing else, update", func(s *cloakroom.Session) { s.Set("other", 1) }, inc, 7 + 1 + 100},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			mem := openMemory(t)
			var s *cloakroom.Session
			m := during(t, mem, nil, 2, func() { c.during(s) })
			ticket := begin(t, m, map[string]any{string(visits): 7})
			r := visitHandler(t.Context(), m, ticket, func(w http.ResponseWriter, r *http.Request) {
				s = cloakroom.From(r)
				c.before(s)
				io.WriteString(w, "first byte")
				visit(m, ticket, func(s *cloakroom.Session) string {
					visits.Update(s, func(n int) int { return n + 100 })
					return ""
				})
			})
			if r.code != http.StatusOK {
				t.Fatalf("got %v, want 200", r)
			}
			if got, _ := contents(t, m, ticket)["visits"].(int64); got != c.want {
				t.Errorf("the counter says %d, want %d", got, c.want)
			}
		})
	}
}

func inc(s *cloakroom.Session)    { count(s) }
func remove(s *cloakroom.Session) { s.Delete(string(visits)) }

func put(n int) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) { visits.Set(s, n) }
}

func both(f, g func(*cloakroom.Session)) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) { f(s); g(s) }
}

// A goroutine that logs out while a save is on its way has its way.
func TestDestroyDuringACommit(t *testing.T) {
	pages := map[string]struct {
		page page
		nth  int // of the saves, counted from the first of begin
	}{
		"write":                     {set("name", "eve"), 2},
		"regenerate":                {regenerate, 2},
		"regenerate's last step":    {regenerate, 3},
		"first save of new session": {set("name", "eve"), 1},
	}
	for name, p := range pages {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, st store.Store) {
				var s *cloakroom.Session
				m := during(t, st, nil, p.nth, func() { s.Destroy() })
				ticket := ""
				if p.nth > 1 {
					ticket = begin(t, m, map[string]any{"name": "ada"})
				}
				visit(m, ticket, func(session *cloakroom.Session) string {
					s = session
					return p.page(s)
				})
				for e, err := range st.(store.Lister).List(t.Context(), "") {
					if err != nil {
						t.Fatal(err)
					}
					t.Errorf("a record of %d bytes is left, want none", len(e.Record.Data))
				}
			})
		})
	}
}

// A logout after the first byte cannot remove the cookie any more, but it ends
// the session, whatever else is changed then.
func TestDestroyAfterTheFirstByte(t *testing.T) {
	eachStore(t, func(t *testing.T, s store.Store) {
		for name, p := range map[string]page{
			"alone": logout,
			"with a message, for which there is no ticket": func(s *cloakroom.Session) string {
				s.Destroy()
				s.Flash("info", "Goodbye.")
				return ""
			},
		} {
			m := manage(t, s, plainOptions(nil))
			ticket := begin(t, m, map[string]any{"name": "ada"})
			visitHandler(t.Context(), m, ticket, func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "first byte")
				p(cloakroom.From(r))
			})
			if contents(t, m, ticket) != nil {
				t.Errorf("%s: the session is still there", name)
			}
		}
	})
}

// What a goroutine changes after the request is over is not saved, and
// somebody is told.
func TestChangesAfterTheRequest(t *testing.T) {
	changes := map[string]func(s *cloakroom.Session){
		"Set":          func(s *cloakroom.Session) { s.Set("name", "eve") },
		"Update":       func(s *cloakroom.Session) { count(s) },
		"Delete":       func(s *cloakroom.Session) { s.Delete("name") },
		"Clear":        (*cloakroom.Session).Clear,
		"Flash":        func(s *cloakroom.Session) { s.Flash("info", "late") },
		"SetPermanent": func(s *cloakroom.Session) { s.SetPermanent(true) },
		"Regenerate":   (*cloakroom.Session).Regenerate,
		"Destroy":      (*cloakroom.Session).Destroy,
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			st := openMemory(t)
			var log logText
			m := manage(t, st, plainOptions(&log))
			ticket := begin(t, m, map[string]any{"name": "ada"})
			var s *cloakroom.Session
			visit(m, ticket, func(session *cloakroom.Session) string {
				s = session
				return fmt.Sprint(s.Get("name"))
			})
			change(s)
			checkLate(t, m, ticket, &log)
		})
		// The save on whose way this comes is the last of the request.
		t.Run(name+" during the last save", func(t *testing.T) {
			st := openMemory(t)
			var log logText
			var s *cloakroom.Session
			m := during(t, st, &log, 2, func() { change(s) })
			ticket := begin(t, m, map[string]any{"name": "ada"})
			visitHandler(t.Context(), m, ticket, func(_ http.ResponseWriter, r *http.Request) {
				s = cloakroom.From(r)
				s.Set("other", 1)
			})
			checkLate(t, m, ticket, &log)
		})
	}
}

func checkLate(t *testing.T, m *cloakroom.Manager, ticket string, log *logText) {
	t.Helper()
	if !strings.Contains(log.String(), cloakroom.ErrLate.Error()) {
		t.Errorf("logged %q, want that the change came too late", log)
	}
	if got := contents(t, m, ticket); got["name"] != "ada" || got["visits"] != nil {
		t.Errorf("the session has %v, want it as it was", got)
	}
}

// A reader that waits for the store does not keep the request from ending.
func TestSlowLoadUnderACancelledRequest(t *testing.T) {
	faulty := cloakroomtest.NewFaulty(openMemory(t))
	m := manage(t, faulty, plainOptions(nil))
	ticket := begin(t, m, map[string]any{"name": "ada"})
	faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if r := visitContext(ctx, m, ticket, read("name")); r.code != http.StatusServiceUnavailable {
		t.Errorf("got %v, want 503", r)
	}
}
