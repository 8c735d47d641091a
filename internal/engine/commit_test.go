package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A workbench is a Manager on a store that lets others come in between, without
// HTTP.
type workbench struct {
	*testing.T
	*cloakroom.Manager
	records *cloakroomtest.Faulty
}

func newWorkbench(t *testing.T, opts cloakroom.Options) workbench {
	t.Helper()
	memory := memstore.New(memstore.Options{})
	t.Cleanup(func() { memory.Close() })
	opts.PlainIDs = true
	w := workbench{T: t, records: cloakroomtest.NewFaulty(memory)}
	var err error
	if w.Manager, err = cloakroom.New(w.records, opts); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w workbench) open(ticket cloakroom.Ticket) *cloakroom.Session {
	w.Helper()
	s, err := w.Open(w.Context(), ticket)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w workbench) commit(s *cloakroom.Session) cloakroom.Ticket {
	w.Helper()
	ticket, err := w.Commit(w.Context(), s)
	if err != nil {
		w.Fatal(err)
	}
	return ticket
}

// begin returns the ticket of a new session.
func (w workbench) begin() cloakroom.Ticket {
	w.Helper()
	s := w.open("")
	s.Set("name", "ada")
	return w.commit(s)
}

// before calls f before the next Save.
func (w workbench) before(f func()) {
	w.records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Before: f})
}

// A save that is tried again after a conflict goes by the time of its try: it
// neither moves back an expiry that another request was told, nor ends the
// session.
func TestSecondTryMovesNoExpiryBack(t *testing.T) {
	for name, idle := range map[string]time.Duration{"longer than the conflict": time.Minute, "shorter": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorkbench(t, cloakroom.Options{IdleTimeout: idle})
				ticket := w.begin()
				slow := w.open(ticket)
				slow.Set("slow", true)
				var told time.Time
				w.before(func() {
					for range 2 {
						time.Sleep(2 * time.Second)
						fast := w.open(ticket)
						fast.Set("fast", true)
						w.commit(fast)
						told = fast.Expires()
					}
				})
				if w.commit(slow) != ticket {
					t.Fatal("the session has ended")
				}
				if s := w.open(ticket); s.Expires().Before(told) || !s.Has("slow") || !s.Has("fast") {
					t.Errorf("the session has %q and expires %v before what others were told", s.Keys(), told.Sub(s.Expires()))
				}
			})
		})
	}
}

// Regenerate by another goroutine during a commit is left to the next one.
func TestRegenerateDuringACommit(t *testing.T) {
	w := newWorkbench(t, cloakroom.Options{})
	ticket := w.begin()
	s := w.open(ticket)
	s.Set("a", 1)
	w.before(s.Regenerate)
	if w.commit(s) != ticket {
		t.Error("the commit that ran has moved the session")
	}
	if w.commit(s) == ticket {
		t.Error("the session keeps its ID: a login was lost")
	}
}

// A lifetime that has become shorter holds for sealed cookies that exist.
func TestShorterLifetimeEndsSealedSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := [][]byte{[]byte("a key of 32 bytes, for tests only")}
		manage := func(idle, lifetime time.Duration) *cloakroom.Manager {
			m, err := cloakroom.NewCookie(keys, cloakroom.Options{IdleTimeout: idle, Lifetime: lifetime})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		long, short := manage(20*time.Hour, 24*time.Hour), manage(time.Hour, 2*time.Hour)
		s, _ := long.Open(t.Context(), "")
		s.Set("a", 1)
		ticket, err := long.Commit(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		if s, err := short.Open(t.Context(), ticket); err != nil || !s.IsNew() {
			t.Errorf("the session lives on: %v", err)
		}
	})
}

// Each ticket of a request has the whole StoreTimeout for its load.
func TestEachLoadHasItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkbench(t, cloakroom.Options{StoreTimeout: 5 * time.Second, CookieName: "session"})
		ticket := w.begin()
		w.records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Delay: 3 * time.Second})
		names := namesBehind(t, w.Manager, "session="+dead+"; session="+string(ticket))
		if len(names) != 1 {
			t.Errorf("the session has %q, want its value", names)
		}
	})
}

// A second Destroy is no reason to remove the cookie of a session that the
// store did not delete.
func TestDestroyTwiceOnABrokenStore(t *testing.T) {
	w := newWorkbench(t, cloakroom.Options{CookieName: "session"})
	ticket := w.begin()
	w.records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: errors.New("down")})
	code, cookies := visit(w.Manager, "session="+string(ticket), func(s *cloakroom.Session) {
		s.Destroy()
		s.Destroy()
	})
	if code != 503 || len(cookies) != 0 {
		t.Errorf("answered %d with Set-Cookie %q, want 503 and the cookie as it is", code, cookies)
	}
}

// A logout after the first byte cannot take a sealed cookie away, so no hook
// says that it did.
func TestLateLogoutOfASealedSession(t *testing.T) {
	destroyed := 0
	m, err := cloakroom.NewCookie([][]byte{[]byte("a key of 32 bytes, for tests only")}, cloakroom.Options{
		Hooks: cloakroom.Hooks{Destroyed: func(context.Context, cloakroom.Event) { destroyed++ }},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := m.Open(t.Context(), "")
	s.Set("a", 1)
	ticket, _ := m.Commit(t.Context(), s)
	visitLate(m, "__Host-session="+string(ticket), (*cloakroom.Session).Destroy)
	if destroyed != 0 {
		t.Error("a hook says that a session has ended whose cookie lives on")
	}
}

// Nobody goes past those who wait: with a store that takes its time, ten visitors
// of one session all get their turn.
func TestHotSessionServesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkbench(t, cloakroom.Options{})
		ticket := w.begin()
		w.records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Delay: 20 * time.Millisecond})
		const clients, each = 10, 20
		var slowest time.Duration
		var mu sync.Mutex
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for range each {
					began := time.Now()
					s := w.open(ticket)
					sitetest.Count(s)
					w.commit(s)
					mu.Lock()
					slowest = max(slowest, time.Since(began))
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if slowest > 2*clients*20*time.Millisecond {
			t.Errorf("one waited for %v, which is %d saves", slowest, slowest/(20*time.Millisecond))
		}
		if n, _ := sitetest.Visits.Get(w.open(ticket)); n != clients*each {
			t.Errorf("%d of %d were counted", n, clients*each)
		}
	})
}
