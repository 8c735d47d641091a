package edge_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestDataComesBackWithTheNextRequest(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Known(t)
	b.OK(func(s *cloakroom.Session) {
		if got, ok := sitetest.User.Get(s); got != sitetest.Hush+"ada" || !ok {
			t.Errorf("Get: %q, %v", got, ok)
		}
		if s.IsNew() {
			t.Error("IsNew is true for a session that was saved")
		}
	})
	s.Browser(t).OK(func(s *cloakroom.Session) {
		if got, ok := sitetest.User.Get(s); ok || !s.IsNew() {
			t.Errorf("another visitor sees %q", got)
		}
	})
}

// Also for a middleware between the two: it has the session that the handler
// has, or a new visitor would get two.
func TestHandlerWrappedTwiceActsOnce(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	s.Outer = func(h http.Handler) http.Handler {
		return s.Manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cloakroom.From(r).Set("between", true)
			h.ServeHTTP(w, r)
		}))
	}
	b := s.Browser(t)
	a := b.OK(func(session *cloakroom.Session) {
		sitetest.SetUser(session)
		sitetest.Equal(t, "Keys", session.Keys(), "between", "user")
	})
	sitetest.Equal(t, "store calls", s.Calls(), "Save")
	if len(a.SetCookie) != 1 || len(a.Header["Vary"]) != 1 {
		t.Errorf("Set-Cookie %q, Vary %q", a.SetCookie, a.Header["Vary"])
	}
}

func TestPatternIsSeenAroundTheManager(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /item/{id}", func(http.ResponseWriter, *http.Request) {})
	r := httptest.NewRequest("GET", "/item/7", nil)
	s.Manager.Handler(mux).ServeHTTP(httptest.NewRecorder(), r)
	if r.Pattern != "GET /item/{id}" {
		t.Errorf("the pattern is %q", r.Pattern)
	}
}

func TestPanicSavesNothing(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Browser(t)
	if _, err := b.Send(b.Request("/"), func(w http.ResponseWriter, r *http.Request) {
		sitetest.SetUser(cloakroom.From(r))
		panic("on purpose")
	}); err == nil {
		t.Error("the panic did not end the connection")
	}
	sitetest.Equal(t, "store calls", s.Calls())
}

// A recover middleware within the Manager answers, and so the session is saved
// as with every answer.
func TestPanicThatWasRecoveredSaves(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	s.Inner = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					http.Error(w, "sorry", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	b := s.Browser(t)
	a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		sitetest.SetUser(cloakroom.From(r))
		panic("on purpose")
	})
	if a.StatusCode != http.StatusInternalServerError || len(a.SetCookie) != 1 {
		t.Errorf("answered with %d, Set-Cookie %q", a.StatusCode, a.SetCookie)
	}
	sitetest.Equal(t, "store calls", s.Calls(), "Save")
}

// A middleware within may recover from a panic in a function given to Update
// that runs again while the session is saved. What the handler wrote is not
// saved then, so it must not go out.
func TestPanicWhileSavingDropsTheAnswer(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.Inner = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					io.WriteString(w, "recovered")
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	const n = cloakroom.Key[int]("n")
	b := s.Begin(t, map[string]any{"n": 1})
	a := b.Visit(func(session *cloakroom.Session) {
		runs := 0
		n.Update(session, func(i int) int {
			if runs++; runs > 1 {
				panic("not again")
			}
			return i + 1
		})
		other := s.Open(t, b.Ticket()) // another request is faster
		n.Set(other, 7)
		s.Commit(t, other)
	})
	if a.StatusCode != http.StatusInternalServerError || strings.Contains(a.Body, "done") || strings.Contains(a.Body, "recovered") {
		t.Errorf("got %v, want 500", a)
	}
	if got := b.Values()["n"]; got != int64(7) {
		t.Errorf("the session has %v, want 7", got)
	}
	if a.Header.Get("Vary") != "Cookie" {
		t.Errorf("Vary is %q on the error page", a.Header.Get("Vary"))
	}
}

func TestPreloadKeepsTheHandlerFromRunning(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	s.Inner = s.Manager.Preload
	b := s.Known(t)
	ran := false
	runs := func(*cloakroom.Session) { ran = true }
	a := b.Visit(runs)
	if !ran || !a.OK() || a.Header.Get("Vary") != "Cookie" {
		t.Errorf("ran %v, got %v, Vary %q", ran, a, a.Header.Get("Vary"))
	}
	s.BreakStore()
	ran = false
	if a = b.Visit(runs); ran || a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without a store: ran %v, status %d", ran, a.StatusCode)
	}
}
