package cloakroom_test

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
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

const page503 = "The service cannot reach its session store just now. Please try again in a few seconds.\n"

// A failed save must not mix two answers: not their bodies, and none of the
// headers of the one that was dropped.
func TestFailedSaveDropsTheWholeAnswer(t *testing.T) {
	long := strings.Repeat("dropped", 1000)
	writes := map[string]func(http.ResponseWriter, *http.Request){
		"Write": func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				if n, err := w.Write([]byte(long)); n != 0 || !errors.Is(err, cloakroom.ErrUnavailable) {
					t.Errorf("Write: %d, %v", n, err)
				}
			}
		},
		"WriteString": func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.WriteString(w, long); !errors.Is(err, cloakroom.ErrUnavailable) {
				t.Errorf("WriteString: %v", err)
			}
		},
		"ReadFrom": func(w http.ResponseWriter, _ *http.Request) {
			if _, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader(long)); !errors.Is(err, cloakroom.ErrUnavailable) {
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
			s := newSite(t, cloakroom.Options{})
			s.outer = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Outer", "kept")
					w.Header().Set("Cache-Control", "public")
					w.Header().Add("Set-Cookie", "outer=1")
					next.ServeHTTP(w, r)
				})
			}
			s.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: errRefused})
			a := s.browser(t).get("/", func(w http.ResponseWriter, r *http.Request) {
				setUser(cloakroom.From(r))
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
			if a.StatusCode != http.StatusServiceUnavailable || a.body != page503 || a.Header.Get("Retry-After") == "" {
				t.Errorf("status %d, body %q, Retry-After %q", a.StatusCode, a.body, a.Header.Get("Retry-After"))
			}
			for _, gone := range []string{"Location", "Etag", "X-Late"} {
				if v := a.Header.Get(gone); v != "" {
					t.Errorf("%s of the dropped answer: %q", gone, v)
				}
			}
			want(t, "X-Outer", a.Header["X-Outer"], "kept")
			want(t, "Set-Cookie", a.cookies, "outer=1")
			want(t, "Cache-Control", a.Header["Cache-Control"], "no-store")
			want(t, "Vary", a.Header["Vary"], "Cookie")
			want(t, "events", s.log.events(), "Error")
			if lines := s.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "connection refused") {
				t.Errorf("logged %q", lines)
			}
		})
	}
}

func TestFailedLoadIsNeverAnAnonymousVisitor(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.breakStore()
	a := b.visit(func(s *cloakroom.Session) {
		if _, ok := user.Get(s); ok || s.Get("user") != nil || s.Len() != 0 || s.Keys() != nil || s.Flashes() != nil {
			t.Error("a session that could not be loaded has values")
		}
		if s.IsNew() || s.Permanent() || !s.Expires().IsZero() || s.Handle() != "" {
			t.Error("a session that could not be loaded claims to be known")
		}
		s.Set("x", 1)
		s.Flash("a", "b")
		s.SetPermanent(true)
		s.Delete("user")
		s.Clear()
		s.Regenerate()
		s.Destroy()
		cloakroom.Key[int]("n").Update(s, func(n int) int { t.Error("Update ran"); return n })
		if s.Modified() {
			t.Error("a session that could not be loaded has taken a change")
		}
		if !errors.Is(s.Err(), cloakroom.ErrUnavailable) || !errors.Is(s.Err(), errRefused) {
			t.Errorf("Err: %v", s.Err())
		}
	})
	if a.StatusCode != http.StatusServiceUnavailable || a.body != page503 || len(a.cookies) != 0 {
		t.Errorf("status %d, body %q, Set-Cookie %q", a.StatusCode, a.body, a.cookies)
	}
	want(t, "events", s.log.events(), "Created", "Error")
	s.fault.Heal()
	b.ok(func(s *cloakroom.Session) {
		if _, ok := user.Get(s); !ok {
			t.Error("the session is not back when the store is")
		}
	})
}

func TestUntouchedRequestDoesNotCareAboutTheStore(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.breakStore()
	b.ok(func(*cloakroom.Session) {})
}

func TestErrorHandler(t *testing.T) {
	var got error
	s := newSite(t, cloakroom.Options{ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
		got = err
		if cloakroom.From(r).Err() == nil {
			t.Error("From(r).Err() is nil in the error handler")
		}
		w.Header().Set("Content-Type", "text/x-custom")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "custom page")
	}})
	s.breakStore()
	a := s.browser(t).visit(setUser)
	if a.StatusCode != http.StatusTeapot || a.body != "custom page" || a.Header.Get("Content-Type") != "text/x-custom" {
		t.Errorf("status %d, body %q, header %v", a.StatusCode, a.body, a.Header)
	}
	if !errors.Is(got, cloakroom.ErrUnavailable) || !errors.Is(got, errRefused) {
		t.Errorf("error: %v", got)
	}
}

func TestProgrammersErrorIs500(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	a := s.browser(t).visit(func(s *cloakroom.Session) { s.Set("f", func() {}) })
	if a.StatusCode != http.StatusInternalServerError || a.Header.Get("Retry-After") != "" || a.body != "Internal Server Error\n" {
		t.Errorf("status %d, body %q, Retry-After %q", a.StatusCode, a.body, a.Header.Get("Retry-After"))
	}
	want(t, "events", s.log.events(), "Error")
	want(t, "store calls", s.store.since())
}

// A session that the program makes too large is the program's fault, one that
// the store has no room for the operator's. Trying again helps with neither.
func TestTooLargeForTheStoreIs503(t *testing.T) {
	s := newSite(t, cloakroom.Options{MaxSize: 100})
	a := s.browser(t).visit(func(s *cloakroom.Session) { s.Set("x", strings.Repeat("x", 200)) })
	if a.StatusCode != http.StatusInternalServerError {
		t.Errorf("beyond MaxSize: status %d, want 500", a.StatusCode)
	}
	faulty := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: store.TooLarge(200, 100)})
	m, err := cloakroom.New(faulty, cloakroom.Options{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		setUser(cloakroom.From(r))
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "" || len(w.Result().Cookies()) != 0 {
		t.Errorf("beyond the store's limit: status %d, header %v, want 503 alone", w.Code, w.Header())
	}
}

// The time may be up before the store is asked, which then cannot say why.
func TestTimeThatIsUpComesWithAdvice(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Err: context.DeadlineExceeded})
	a := b.visit(setUser)
	if a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", a.StatusCode)
	}
	if log := strings.Join(s.log.lines(), "\n"); !strings.Contains(log, "advice=") {
		t.Errorf("the log has no advice: %q", log)
	}
}

// The visitor is gone when the session is saved: the write is not lost, and
// that they hung up is no error.
func TestVisitorWhoHangsUpKeepsTheWrite(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.log.events()
	ctx, hangUp := context.WithCancel(t.Context())
	over := make(chan struct{})
	s.outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Test-Hang-Up") != "" {
				defer close(over)
			}
			next.ServeHTTP(w, r)
		})
	}
	r := b.request("/").WithContext(ctx)
	r.Header.Set("Test-Hang-Up", "1")
	// Whether an error comes of it is chance: a TLS connection tells the server
	// that it is being closed a moment before it is.
	b.send(r, func(w http.ResponseWriter, r *http.Request) {
		session := cloakroom.From(r)
		session.Set("after", true)
		hangUp()
		<-r.Context().Done()
		io.WriteString(w, "done")
	})
	<-over
	want(t, "events", s.log.events(), "Loaded", "Saved")
	want(t, "log", s.log.lines())
	b.ok(func(s *cloakroom.Session) {
		if !s.Has("after") {
			t.Error("the write was lost")
		}
	})
}

// A load that the visitor's leaving has interrupted fails the request, which
// nobody sees, and nobody is told.
func TestLoadForAVisitorWhoIsGone(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.log.events()
	ctx, hangUp := context.WithCancel(t.Context())
	b.send(b.request("/").WithContext(ctx), func(w http.ResponseWriter, r *http.Request) {
		hangUp()
		session := cloakroom.From(r)
		session.Set("after", true)
		if !errors.Is(session.Err(), context.Canceled) {
			t.Errorf("Err: %v", session.Err())
		}
	})
	want(t, "events", s.log.events())
	want(t, "log", s.log.lines())
}
