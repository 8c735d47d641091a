package edge_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestLateChangeOfAKnownSessionIsSaved(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Known(t)
	s.Log.Events()
	a := b.Late(func(s *cloakroom.Session) {
		s.Set("late", true)
		s.Flash("info", sitetest.Hush+"late")
	})
	if a.Body != "done" || len(a.SetCookie) != 0 {
		t.Errorf("body %q, Set-Cookie %q", a.Body, a.SetCookie)
	}
	sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Saved")
	b.OK(func(s *cloakroom.Session) {
		if !s.Has("late") || len(s.Flashes()) != 1 {
			t.Error("the late change was not saved")
		}
	})
}

func TestLateChangeThatNeedsACookie(t *testing.T) {
	for name, change := range map[string]func(*cloakroom.Session){
		"a new session": sitetest.SetUser,
		"Regenerate":    (*cloakroom.Session).Regenerate,
		"SetPermanent":  func(s *cloakroom.Session) { s.SetPermanent(true) },
	} {
		t.Run(name, func(t *testing.T) {
			s := sitetest.NewTLS(t, cloakroom.Options{})
			b := s.Browser(t)
			if name != "a new session" {
				b.OK(sitetest.SetUser)
			}
			before := s.Records(t)
			s.Log.Events()
			if a := b.Late(change); a.StatusCode != http.StatusOK || a.Body != "done" || len(a.SetCookie) != 0 {
				t.Errorf("status %d, body %q, Set-Cookie %q", a.StatusCode, a.Body, a.SetCookie)
			}
			events := s.Log.Take()
			last := events[len(events)-1]
			if last.Name != "Error" || !errors.Is(last.Err, cloakroom.ErrLate) {
				t.Errorf("last event: %s %v", last.Name, last.Err)
			}
			if lines := s.Log.Lines(); len(lines) != 2 || !strings.Contains(lines[1], "change the session before the first write") {
				t.Errorf("logged %q", lines)
			}
			if after := s.Records(t); len(after) != len(before) {
				t.Errorf("%d records, want %d", len(after), len(before))
			}
		})
	}
}

// What needs no cookie is saved, beside a change that does; but what comes with
// a late Regenerate, a login above all, must not be saved under the old ID.
func TestLateChangesOfBothKinds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*cloakroom.Session)
		saved  bool
	}{
		"SetPermanent": {func(s *cloakroom.Session) { s.SetPermanent(true) }, true},
		"Regenerate":   {(*cloakroom.Session).Regenerate, false},
	} {
		s := sitetest.New(t, cloakroom.Options{})
		b := s.Known(t)
		b.Late(func(s *cloakroom.Session) { s.Set("late", true); c.change(s) })
		if lines := s.Log.Lines(); len(lines) != 2 || !strings.Contains(lines[1], "the change needs a new cookie") {
			t.Errorf("%s: logged %q", name, lines)
		}
		b.OK(func(s *cloakroom.Session) {
			if s.Has("late") != c.saved || s.Permanent() || !s.Has("user") {
				t.Errorf("%s: the session has %q, Permanent %v", name, s.Keys(), s.Permanent())
			}
		})
	}
}

func TestLateSealedChangeIsAnError(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{})
	b := s.Known(t)
	s.Log.Events()
	b.Late(func(s *cloakroom.Session) { s.Set("late", true) })
	events := s.Log.Take()
	if last := events[len(events)-1]; !errors.Is(last.Err, cloakroom.ErrLate) {
		t.Errorf("last event: %s %v", last.Name, last.Err)
	}
}

func TestLateSaveThatFails(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Known(t)
	s.Log.Events()
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: sitetest.ErrRefused})
	if a := b.Late(func(s *cloakroom.Session) { s.Set("late", true) }); a.Body != "done" {
		t.Errorf("body %q", a.Body)
	}
	sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Error")
	if lines := s.Log.Lines(); len(lines) != 2 || !strings.Contains(lines[1], "connection refused") {
		t.Errorf("logged %q", lines)
	}
}

// A stream that first uses its session after the first flush is a use like
// any other.
func TestLateReadMovesTheExpiryOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{IdleTimeout: time.Hour})
		b := s.Known(t)
		time.Sleep(30 * time.Minute)
		s.Log.Events()
		b.Late(func(s *cloakroom.Session) { s.Get("user") })
		sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Touched")
	})
}

// In a cookie the expiry cannot be moved on any more, and nobody is told that
// it was.
func TestLateReadOfASealedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.NewSealed(t, cloakroom.Options{IdleTimeout: time.Hour})
		b := s.Known(t)
		time.Sleep(30 * time.Minute)
		s.Log.Events()
		b.Late(func(s *cloakroom.Session) { s.Get("user") })
		sitetest.Equal(t, "events", s.Log.Events(), "Loaded")
	})
}

// No header can be set any more, and no error page be sent: the log says so
// once.
func TestLateFirstUseIsSaidOnce(t *testing.T) {
	for name, use := range map[string]func(http.ResponseWriter, *http.Request){
		"write first": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x"); cloakroom.From(r).Get("x") },
		"flush first": func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
			cloakroom.From(r).Flash("info", "late")
		},
		"header first": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); cloakroom.From(r).IsNew() },
	} {
		s := sitetest.NewTLS(t, cloakroom.Options{})
		b := s.Known(t)
		for range 2 {
			b.Get("/", use)
		}
		if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "Manager.Preload") {
			t.Errorf("%s: logged %q", name, lines)
		}
	}
	for name, use := range map[string]func(http.ResponseWriter, *http.Request){
		"use first": func(w http.ResponseWriter, r *http.Request) {
			cloakroom.From(r).Get("x")
			io.WriteString(w, "x")
			cloakroom.From(r).Get("x")
		},
		"hints first": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			cloakroom.From(r).Get("x")
		},
		"no use": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x"); cloakroom.From(r) },
		"hijacked": func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			cloakroom.From(r).Get("x")
			io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		},
	} {
		s := sitetest.NewTLS(t, cloakroom.Options{})
		s.Known(t).Get("/", use)
		sitetest.Equal(t, name, s.Log.Lines())
	}
	s := sitetest.NewTLS(t, cloakroom.Options{})
	s.Inner = s.Manager.Preload
	s.Known(t).Late(sitetest.Has(t, "preloaded", true))
	sitetest.Equal(t, "preloaded: log", s.Log.Lines())
}

// Closed when in doubt: a page that takes the visitor for somebody else does
// not arrive as if it were whole.
func TestLateFirstUseThatFailsCutsTheConnection(t *testing.T) {
	long := strings.Repeat("head", 5000)
	writes := map[string]func(http.ResponseWriter) error{
		"Write":       func(w http.ResponseWriter) error { _, err := w.Write([]byte("anonymous")); return err },
		"WriteString": func(w http.ResponseWriter) error { _, err := io.WriteString(w, "anonymous"); return err },
		"ReadFrom": func(w http.ResponseWriter) error {
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("anonymous"))
			return err
		},
		"Flush": func(w http.ResponseWriter) error {
			defer io.WriteString(w, "anonymous")
			return http.NewResponseController(w).Flush()
		},
	}
	for _, http2 := range []bool{false, true} {
		for head, text := range map[string]string{"short": "head", "long": long, "flushed": "head"} {
			for name, write := range writes {
				s := sitetest.New(t, cloakroom.Options{})
				s.Listen(t, http2)
				b := s.Known(t)
				s.BreakStore()
				a, err := b.Send(b.Request("/"), func(w http.ResponseWriter, r *http.Request) {
					if name == "Write" {
						w.Header().Set("Content-Length", strconv.Itoa(len(text)+len("anonymous")))
					}
					io.WriteString(w, text)
					if head == "flushed" {
						w.(http.Flusher).Flush()
					}
					if cloakroom.From(r).Has("user") {
						t.Error("the store answers")
					}
					if err := write(w); err == nil {
						t.Errorf("HTTP/2 %v, %s, %s: no error", http2, head, name)
					}
				})
				if err == nil || a != nil && strings.Contains(a.Body, "anonymous") {
					t.Errorf("HTTP/2 %v, %s, %s: got %v, %v", http2, head, name, a, err)
				}
			}
		}
	}
}

// A middleware around the Manager may keep the connection from being cut.
// The visitor still gets nothing of what came after the failure.
func TestLateFirstUseThatFailsWithinARecovery(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != http.ErrAbortHandler {
					t.Error("the handler was not aborted")
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	b := s.Holder(t, sitetest.Dead)
	s.BreakStore()
	a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "head")
		cloakroom.From(r).Has("user")
		io.WriteString(w, "anonymous")
	})
	if a.Body != "head" {
		t.Errorf("the body is %q", a.Body)
	}
}
