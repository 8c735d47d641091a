package edge_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// A failed save must not mix two answers: not their bodies, and none of the
// headers of the one that was dropped.
func TestFailedSaveDropsTheWholeAnswer(t *testing.T) {
	long := strings.Repeat("dropped", 1000)
	writes := map[string]func(http.ResponseWriter, *http.Request){
		"Write": func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				if n, err := w.Write([]byte(long)); n != len(long) || err != nil {
					t.Errorf("Write: %d, %v", n, err)
				}
			}
		},
		"WriteString": func(w http.ResponseWriter, _ *http.Request) {
			if n, err := io.WriteString(w, long); n != len(long) || err != nil {
				t.Errorf("WriteString: %d, %v", n, err)
			}
		},
		"ReadFrom": func(w http.ResponseWriter, _ *http.Request) {
			if _, err := w.(io.ReaderFrom).ReadFrom(endless{}); !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Errorf("ReadFrom: %v", err)
			}
		},
		"Flush": func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Errorf("Flush: %v", err)
			}
			io.WriteString(w, long)
		},
		"Redirect":        func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/next", http.StatusSeeOther) },
		"WriteHeader":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) },
		"nothing written": func(http.ResponseWriter, *http.Request) {},
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			s := sitetest.NewTLS(t, cloakroom.Options{})
			s.Outer = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Outer", "kept")
					w.Header().Set("Cache-Control", "public")
					w.Header().Add("Set-Cookie", "outer=1")
					next.ServeHTTP(w, r)
				})
			}
			s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: sitetest.ErrRefused})
			a := s.Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
				sitetest.SetUser(cloakroom.From(r))
				h := w.Header()
				h.Set("Content-Length", "21000")
				h.Set("Content-Type", "text/html")
				h.Set("ETag", `"x"`)
				h.Set("Location", "/elsewhere")
				h.Set("X-Outer", "changed")
				h.Add("Set-Cookie", "inner=1")
				h.Set("Cache-Control", "public, max-age=9")
				write(w, r)
				w.Header().Set("X-Late", "1")
			})
			if a.StatusCode != http.StatusServiceUnavailable || a.Body != sitetest.Page503 || a.Header.Get("Retry-After") == "" {
				t.Errorf("status %d, body %q, Retry-After %q", a.StatusCode, a.Body, a.Header.Get("Retry-After"))
			}
			for _, gone := range []string{"Location", "Etag", "X-Late"} {
				if v := a.Header.Get(gone); v != "" {
					t.Errorf("%s of the dropped answer: %q", gone, v)
				}
			}
			sitetest.Equal(t, "X-Outer", a.Header["X-Outer"], "kept")
			sitetest.Equal(t, "Set-Cookie", a.SetCookie, "outer=1")
			sitetest.Equal(t, "Cache-Control", a.Header["Cache-Control"], "no-store")
			sitetest.Equal(t, "Vary", a.Header["Vary"], "Cookie")
			sitetest.Equal(t, "events", s.Log.Events(), "Error")
			if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "connection refused") {
				t.Errorf("logged %q", lines)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestErrorHandler(t *testing.T) {
	var got error
	s := sitetest.NewTLS(t, cloakroom.Options{ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
		got = err
		if cloakroom.From(r).Err() == nil {
			t.Error("From(r).Err() is nil in the error handler")
		}
		w.Header().Set("Content-Type", "text/x-custom")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "custom page")
	}})
	s.BreakStore()
	a := s.Browser(t).Visit(sitetest.SetUser)
	if a.StatusCode != http.StatusTeapot || a.Body != "custom page" || a.Header.Get("Content-Type") != "text/x-custom" {
		t.Errorf("status %d, body %q, header %v", a.StatusCode, a.Body, a.Header)
	}
	if !errors.Is(got, cloakroom.ErrUnavailable) || !errors.Is(got, sitetest.ErrRefused) {
		t.Errorf("error: %v", got)
	}
}

// An ErrorHandler that forgets to answer must not turn a failure into a 200.
func TestErrorHandlerThatWritesNothing(t *testing.T) {
	called := false
	s := sitetest.New(t, cloakroom.Options{
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { called = true },
	})
	s.BreakStore()
	if a := s.Holder(t, sitetest.Dead).Visit(func(s *cloakroom.Session) { s.Get("user") }); !called || a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("ErrorHandler called: %v, got %v, want 503", called, a)
	}
}

// A session that the program makes too large is the program's fault (500, see
// internal/engine), one that the store has no room for the operator's. Trying
// again helps with neither.
func TestTooLargeForTheStoreIs503(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: store.TooLarge(200, 100)})
	a := s.Browser(t).Visit(sitetest.SetUser)
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "" || len(a.SetCookie) != 0 {
		t.Errorf("got %v, header %v, want 503 alone", a, a.Header)
	}
}

// The time may be up before the store is asked, which then cannot say why.
func TestTimeThatIsUpComesWithAdvice(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Known(t)
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Err: context.DeadlineExceeded})
	a := b.Visit(sitetest.SetUser)
	if a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", a.StatusCode)
	}
	if log := strings.Join(s.Log.Lines(), "\n"); !strings.Contains(log, "advice=") {
		t.Errorf("the log has no advice: %q", log)
	}
}

// A handler that goes on after a failure, a proxy for a slow download say, keeps
// the page from nobody.
func TestErrorPageDoesNotWaitForTheHandler(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	ticket := s.Known(t).Ticket()
	s.BreakStore()
	seen := make(chan struct{})
	srv := httptest.NewTLSServer(s.Manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Get("user")
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, "the first piece")
		<-seen
	})))
	defer srv.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", "__Host-session="+ticket)
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page := make([]byte, len(sitetest.Page503))
	if _, err := io.ReadFull(resp.Body, page); err != nil || string(page) != sitetest.Page503 || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %d %q, %v", resp.StatusCode, page, err)
	}
	close(seen)
}
