package cloakroom_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// slow makes every call of the store take three seconds of the bubble.
func slow(s *site) {
	for _, op := range []cloakroomtest.Op{cloakroomtest.OpLoad, cloakroomtest.OpSave, cloakroomtest.OpTouch, cloakroomtest.OpDelete} {
		s.fault.Inject(cloakroomtest.Fault{Op: op, Delay: 3 * time.Second})
	}
}

func TestHooksTellWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{})
		slow(s)
		b := s.browser(t)
		var handle string
		check := func(step string, want ...cloakroom.Event) {
			t.Helper()
			names := strings.Fields(step)
			events := s.log.take()
			if len(events) != len(want) {
				t.Errorf("%s: events %v", step, events)
				return
			}
			for i, e := range events {
				if e.name != names[i] || e.Event != want[i] {
					t.Errorf("%s %+v, want %s %+v", e.name, e.Event, names[i], want[i])
				}
			}
		}
		size := func() int {
			for key, r := range s.records(t) {
				handle = cloakroom.HandleOf(key)
				return len(r.Data)
			}
			return 0
		}
		took := 3 * time.Second
		b.ok(setUser)
		first := size()
		check("Created", cloakroom.Event{Handle: handle, Duration: took, Size: first, Attempts: 1})
		b.ok(func(s *cloakroom.Session) { s.Set("x", 1) })
		second := size()
		check("Loaded Saved", cloakroom.Event{Handle: handle, Duration: took, Size: first},
			cloakroom.Event{Handle: handle, Duration: took, Size: second, Attempts: 1})
		time.Sleep(10 * time.Minute)
		b.ok(func(s *cloakroom.Session) { s.Len() })
		check("Loaded Touched", cloakroom.Event{Handle: handle, Duration: took, Size: second},
			cloakroom.Event{Handle: handle, Duration: took, Size: second})
		old := handle
		s.fault.Heal()
		b.ok((*cloakroom.Session).Regenerate)
		size()
		check("Loaded Regenerated", cloakroom.Event{Handle: old, Size: second},
			cloakroom.Event{Handle: handle, Size: second, Attempts: 1})
		slow(s)
		b.ok((*cloakroom.Session).Destroy)
		check("Loaded Destroyed", cloakroom.Event{Handle: handle, Duration: took, Size: second},
			cloakroom.Event{Handle: handle, Duration: took})
	})
}

func TestConflictHook(t *testing.T) {
	for name, c := range map[string]struct {
		other func(*browser)
		want  []string
		ended bool
	}{
		"merged": {func(b *browser) { b.ok(func(s *cloakroom.Session) { s.Set("other", 1) }) },
			[]string{"Loaded", "Loaded", "Saved", "Loaded", "Conflict", "Saved"}, false},
		"ended meanwhile": {func(b *browser) { b.ok((*cloakroom.Session).Destroy) },
			[]string{"Loaded", "Loaded", "Destroyed", "Conflict"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newLocalSite(t, cloakroom.Options{})
			b := s.browser(t)
			b.ok(setUser)
			s.log.take()
			b.ok(func(s *cloakroom.Session) { s.Set("mine", 1); c.other(b) })
			var names []string
			for _, e := range s.log.take() {
				names = append(names, e.name)
				if e.name == "Conflict" && (errors.Is(e.Err, cloakroom.ErrNotFound) != c.ended || e.Handle == "" || e.Attempts != 2 && !c.ended) {
					t.Errorf("Conflict: %+v", e.Event)
				}
			}
			want(t, "events", names, c.want...)
		})
	}
}

func TestRejectedHook(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	for name, c := range map[string]struct {
		ticket string
		want   error
	}{"malformed": {"x", cloakroom.ErrTicket}, "unknown": {dead, cloakroom.ErrNotFound}} {
		s.ask(t, "__Host-session="+c.ticket, func(s *cloakroom.Session) { s.Len() })
		events := s.log.take()
		if len(events) != 1 || events[0].name != "Rejected" || !errors.Is(events[0].Err, c.want) || events[0].Handle != "" {
			t.Errorf("%s: %v", name, events)
		}
	}
	want(t, "log", s.log.lines())
}

func TestSealedHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSealedSite(t, cloakroom.Options{})
		b := s.browser(t)
		b.ok(setUser)
		b.ok(func(s *cloakroom.Session) { s.Set("x", 1) })
		time.Sleep(10 * time.Minute)
		b.ok(func(s *cloakroom.Session) { s.Len() })
		b.ok((*cloakroom.Session).Regenerate)
		b.ok((*cloakroom.Session).Destroy)
		var names []string
		for _, e := range s.log.take() {
			names = append(names, e.name)
			if e.Handle == "" || e.name != "Destroyed" && e.Size == 0 || e.name != "Loaded" && e.name != "Destroyed" && e.Attempts != 1 {
				t.Errorf("%s: %+v", e.name, e.Event)
			}
		}
		want(t, "events", names, "Created", "Loaded", "Saved", "Loaded", "Touched", "Loaded", "Regenerated", "Loaded", "Destroyed")
	})
}

// A touch that fails costs the visitor nothing, but is told.
func TestFailedTouchIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSite(t, cloakroom.Options{})
		b := s.browser(t)
		b.ok(setUser)
		time.Sleep(10 * time.Minute)
		s.log.take()
		s.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpTouch, Err: errRefused})
		b.ok(has(t, "read", true))
		want(t, "events", s.log.events(), "Loaded", "Error")
		if lines := s.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "touch") {
			t.Errorf("logged %q", lines)
		}
	})
}

func TestLogHasHandleAndAdvice(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: store.WithAdvice(errors.New("disk full"), "make room")})
	var handle string
	b.visit(func(s *cloakroom.Session) { handle = s.Handle(); s.Set("x", 1) })
	lines := s.log.lines()
	if len(lines) != 1 {
		t.Fatalf("logged %q", lines)
	}
	for _, part := range []string{"ERROR", "disk full", "session=" + handle, "advice=make room"} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("logged %q without %q", lines[0], part)
		}
	}
}

func TestDefaultLoggerIsSlogs(t *testing.T) {
	j := newJournal(t)
	before := slog.Default()
	slog.SetDefault(j.logger())
	t.Cleanup(func() { slog.SetDefault(before) })
	fault := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Err: errRefused})
	m, err := cloakroom.New(fault, cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Open(t.Context(), cloakroom.Ticket(dead)); err == nil {
		t.Error("Open has no error")
	}
	if lines := j.lines(); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
}

// The context of a hook is the request's: a tracer finds its span in it.
func TestHooksGetTheRequestsContext(t *testing.T) {
	type mark struct{}
	seen := map[string]bool{}
	hook := func(name string) func(context.Context, cloakroom.Event) {
		return func(ctx context.Context, _ cloakroom.Event) { seen[name] = ctx.Value(mark{}) == "here" }
	}
	s := newLocalSite(t, cloakroom.Options{Hooks: cloakroom.Hooks{
		Created: hook("Created"), Loaded: hook("Loaded"), Saved: hook("Saved"),
		Regenerated: hook("Regenerated"), Destroyed: hook("Destroyed"), Error: hook("Error"),
	}})
	s.outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), mark{}, "here")))
		})
	}
	b := s.browser(t)
	b.ok(setUser)
	b.ok(func(s *cloakroom.Session) { s.Set("x", 1) })
	b.ok((*cloakroom.Session).Regenerate)
	b.ok((*cloakroom.Session).Destroy)
	b.visit(func(s *cloakroom.Session) { s.Set("x", func() {}) })
	for _, name := range []string{"Created", "Loaded", "Saved", "Regenerated", "Destroyed", "Error"} {
		if !seen[name] {
			t.Errorf("%s was not called with the request's context", name)
		}
	}
}
