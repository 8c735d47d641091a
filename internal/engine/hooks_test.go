package engine_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// slow makes every call of the store take three seconds of the bubble.
func slow(s *sitetest.Site) {
	for _, op := range []cloakroomtest.Op{cloakroomtest.OpLoad, cloakroomtest.OpSave, cloakroomtest.OpTouch, cloakroomtest.OpDelete} {
		s.Store.Inject(cloakroomtest.Fault{Op: op, Delay: 3 * time.Second})
	}
}

func TestHooksTellWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		slow(s)
		b := s.Browser(t)
		var handle string
		check := func(step string, want ...cloakroom.Event) {
			t.Helper()
			names := strings.Fields(step)
			events := s.Log.Take()
			if len(events) != len(want) {
				t.Errorf("%s: events %v", step, events)
				return
			}
			for i, e := range events {
				if e.Name != names[i] || e.Event != want[i] {
					t.Errorf("%s %+v, want %s %+v", e.Name, e.Event, names[i], want[i])
				}
			}
		}
		size := func() int {
			for key, r := range s.Records(t) {
				handle = cloakroom.HandleOf(key)
				return len(r.Data)
			}
			return 0
		}
		took := 3 * time.Second
		b.OK(sitetest.SetUser)
		first := size()
		check("Created", cloakroom.Event{Handle: handle, Duration: took, Size: first, Attempts: 1})
		b.OK(func(s *cloakroom.Session) { s.Set("x", 1) })
		second := size()
		check("Loaded Saved", cloakroom.Event{Handle: handle, Duration: took, Size: first},
			cloakroom.Event{Handle: handle, Duration: took, Size: second, Attempts: 1})
		time.Sleep(10 * time.Minute)
		b.OK(func(s *cloakroom.Session) { s.Len() })
		check("Loaded Touched", cloakroom.Event{Handle: handle, Duration: took, Size: second},
			cloakroom.Event{Handle: handle, Duration: took, Size: second})
		old := handle
		s.Store.Heal()
		b.OK((*cloakroom.Session).Regenerate)
		size()
		check("Loaded Regenerated", cloakroom.Event{Handle: old, Size: second},
			cloakroom.Event{Handle: handle, Size: second, Attempts: 1})
		slow(s)
		b.OK((*cloakroom.Session).Destroy)
		check("Loaded Destroyed", cloakroom.Event{Handle: handle, Duration: took, Size: second},
			cloakroom.Event{Handle: handle, Duration: took})
	})
}

func TestConflictHook(t *testing.T) {
	for name, c := range map[string]struct {
		other func(*sitetest.Browser)
		want  []string
		ended bool
	}{
		"merged": {func(b *sitetest.Browser) { b.OK(func(s *cloakroom.Session) { s.Set("other", 1) }) },
			[]string{"Loaded", "Loaded", "Saved", "Loaded", "Conflict", "Saved"}, false},
		"ended meanwhile": {func(b *sitetest.Browser) { b.OK((*cloakroom.Session).Destroy) },
			[]string{"Loaded", "Loaded", "Destroyed", "Conflict"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, cloakroom.Options{})
			b := s.Known(t)
			s.Log.Take()
			b.OK(func(s *cloakroom.Session) { s.Set("mine", 1); c.other(b) })
			var names []string
			for _, e := range s.Log.Take() {
				names = append(names, e.Name)
				if e.Name == "Conflict" && (errors.Is(e.Err, cloakroom.ErrNotFound) != c.ended || e.Handle == "" || e.Attempts != 2 && !c.ended) {
					t.Errorf("Conflict: %+v", e.Event)
				}
			}
			sitetest.Equal(t, "events", names, c.want...)
		})
	}
}

func TestRejectedHook(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	for name, c := range map[string]struct {
		ticket string
		want   error
	}{"sitetest.Malformed": {"x", cloakroom.ErrTicket}, "unknown": {sitetest.Dead, cloakroom.ErrNotFound}} {
		s.Ask(t, "__Host-session="+c.ticket, func(s *cloakroom.Session) { s.Len() })
		events := s.Log.Take()
		if len(events) != 1 || events[0].Name != "Rejected" || !errors.Is(events[0].Err, c.want) || events[0].Handle != "" {
			t.Errorf("%s: %v", name, events)
		}
	}
	sitetest.Equal(t, "log", s.Log.Lines())
}

func TestSealedHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.NewSealed(t, cloakroom.Options{})
		b := s.Known(t)
		b.OK(func(s *cloakroom.Session) { s.Set("x", 1) })
		time.Sleep(10 * time.Minute)
		b.OK(func(s *cloakroom.Session) { s.Len() })
		b.OK((*cloakroom.Session).Regenerate)
		b.OK((*cloakroom.Session).Destroy)
		var names []string
		for _, e := range s.Log.Take() {
			names = append(names, e.Name)
			if e.Handle == "" || e.Name != "Destroyed" && e.Size == 0 || e.Name != "Loaded" && e.Name != "Destroyed" && e.Attempts != 1 {
				t.Errorf("%s: %+v", e.Name, e.Event)
			}
		}
		sitetest.Equal(t, "events", names, "Created", "Loaded", "Saved", "Loaded", "Touched", "Loaded", "Regenerated", "Loaded", "Destroyed")
	})
}

// The context of a hook is the request's: a tracer finds its span in it.
func TestHooksGetTheRequestsContext(t *testing.T) {
	type mark struct{}
	seen := map[string]bool{}
	hook := func(name string) func(context.Context, cloakroom.Event) {
		return func(ctx context.Context, _ cloakroom.Event) { seen[name] = ctx.Value(mark{}) == "here" }
	}
	s := sitetest.New(t, cloakroom.Options{Hooks: cloakroom.Hooks{
		Created: hook("Created"), Loaded: hook("Loaded"), Saved: hook("Saved"),
		Regenerated: hook("Regenerated"), Destroyed: hook("Destroyed"), Error: hook("Error"),
		Rejected: hook("Rejected"),
	}})
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), mark{}, "here")))
		})
	}
	b := s.Known(t)
	b.OK(func(s *cloakroom.Session) { s.Set("x", 1) })
	b.OK((*cloakroom.Session).Regenerate)
	b.OK((*cloakroom.Session).Destroy)
	b.Visit(func(s *cloakroom.Session) { s.Set("x", func() {}) })
	s.Holder(t, sitetest.Dead).OK(func(s *cloakroom.Session) { s.Len() })
	for _, name := range []string{"Created", "Loaded", "Saved", "Regenerated", "Destroyed", "Error", "Rejected"} {
		if !seen[name] {
			t.Errorf("%s was not called with the request's context", name)
		}
	}
}
