// Package frameworks_test puts sessions around and into routers that have
// response writers, error handlers and recoveries of their own.
package frameworks_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// The application is the same in all frameworks: these handlers stand behind
// its paths, beside /pay, which fails and leaves the answer to the framework's
// error handler, and that to refused.
var paths = map[string]http.HandlerFunc{
	"/login": func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		s.Regenerate()
		s.Set("user", "ada")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	},
	"/": func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		fmt.Fprintln(w, s.Keys(), s.Flashes())
	},
	"/context": func(w http.ResponseWriter, r *http.Request) {
		s, ok := cloakroom.FromContext(r.Context())
		fmt.Fprintln(w, ok && s == cloakroom.From(r))
	},
	"/logout": func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Destroy()
		w.WriteHeader(http.StatusNoContent)
	},
	"/panic": func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Set("panicked", true)
		panic("on purpose")
	},
	"/events": func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			s.Set("streamed", i)
			fmt.Fprintf(w, "data: %d\n\n", i)
			http.NewResponseController(w).Flush()
		}
	},
	"/file": func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Set("downloaded", true)
		http.ServeFile(w, r, "frameworks_test.go")
	},
	"/first-use-after-a-write": func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "head, ")
		http.NewResponseController(w).Flush()
		cloakroom.From(r).Set("late", true)
		io.WriteString(w, "tail")
	},
}

var errPay = errors.New("card refused")

func refused(w http.ResponseWriter, r *http.Request, err error) {
	cloakroom.From(r).Flash("error", err.Error())
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// The applications, by where the sessions are.
var applications = map[string]func(*cloakroom.Manager) http.Handler{
	"around gin":             ginAround,
	"around echo":            echoAround,
	"within echo's recovery": echoWithin,
	"around chi":             chiAround,
	"within chi's recovery":  chiWithin,
}

type site struct {
	store  *cloakroomtest.Faulty
	server *httptest.Server
	log    strings.Builder
}

func newSite(t *testing.T, application func(*cloakroom.Manager) http.Handler) *site {
	mem := memstore.New(memstore.Options{})
	t.Cleanup(func() { mem.Close() })
	s := &site{store: cloakroomtest.NewFaulty(mem)}
	m, err := cloakroom.New(s.store, cloakroom.Options{
		Transport: []cloakroom.Transport{cloakroom.TransportCookie, cloakroom.TransportBearer},
		Logger:    slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewUnstartedServer(application(m))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

func TestSessionsWithFrameworks(t *testing.T) {
	for name, application := range applications {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, application)
			b := cloakroomtest.NewBrowserOn(s.server)
			home := func(after, want string) {
				t.Helper()
				if got := b.Get("/").Body; got != want+"\n" {
					t.Errorf("after %s: %q, want %q", after, got, want)
				}
			}
			if got, want := b.Get("/login").Body, "[user] []\n"; got != want {
				t.Errorf("the page after the login: %q, want %q", got, want)
			}
			if got := b.Get("/context").Body; got != "true\n" {
				t.Errorf("the session of the request's context: %q", got)
			}
			if got, want := b.Get("/pay").Body, "[user] [{error card refused}]\n"; got != want {
				t.Errorf("the page after an error handler: %q, want %q", got, want)
			}
			if a := b.Get("/panic"); a.StatusCode != http.StatusInternalServerError {
				t.Errorf("a panic: status %d", a.StatusCode)
			}
			home("a panic that the framework has answered", "[user panicked] []")
			if got, want := b.Get("/events").Body, "data: 0\n\ndata: 1\n\ndata: 2\n\n"; got != want {
				t.Errorf("a stream: %q, want %q", got, want)
			}
			home("a stream", "[user panicked streamed] []")
			if a := b.Get("/file"); !strings.HasPrefix(a.Body, "// Package frameworks_test") {
				t.Errorf("a file: status %d, %d bytes", a.StatusCode, len(a.Body))
			}
			home("a file", "[user panicked streamed downloaded] []")
			if s.log.Len() != 0 {
				t.Errorf("logged %s", &s.log)
			}
			if got := b.Get("/first-use-after-a-write").Body; got != "head, tail" {
				t.Errorf("a page that uses the session late: %q", got)
			}
			home("a late change", "[user panicked streamed downloaded late] []")
			if a := b.Get("/logout"); a.StatusCode != http.StatusNoContent || len(b.Cookies("/")) != 0 {
				t.Errorf("a logout: status %d, %d cookies are left", a.StatusCode, len(b.Cookies("/")))
			}
			home("a logout", "[] []")
		})
	}
}

// A program without cookies, which sends its ticket in a header.
func TestTicketsInHeadersWithFrameworks(t *testing.T) {
	for name, application := range applications {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, application)
			b := cloakroomtest.NewBrowserOn(s.server)
			b.NoRedirects = true
			ticket := ""
			call := func(path string) *cloakroomtest.Response {
				r := httptest.NewRequest("GET", path, nil)
				r.Header.Set("Authorization", "Bearer "+ticket)
				a := b.Do(r)
				if lines := a.Header["Session-Ticket"]; len(lines) > 0 {
					ticket = lines[0]
				}
				return a
			}
			call("/login")
			if got, want := call("/").Body, "[user] []\n"; ticket == "" || got != want {
				t.Errorf("after the login: a ticket %t, %q, want %q", ticket != "", got, want)
			}
			call("/logout")
			if got, want := call("/").Body, "[] []\n"; ticket != "" || got != want {
				t.Errorf("after the logout: no ticket %t, %q, want %q", ticket == "", got, want)
			}
			if n := len(b.Cookies("/")); n != 0 {
				t.Errorf("%d cookies", n)
			}
		})
	}
}

func TestFrameworksWithoutAStore(t *testing.T) {
	for name, application := range applications {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, application)
			b := cloakroomtest.NewBrowserOn(s.server)
			b.Get("/login")
			s.store.Inject(cloakroomtest.Fault{Err: errors.New("connection refused")})
			for _, path := range []string{"/login", "/", "/logout", "/pay", "/panic", "/events", "/file"} {
				a := b.Get(path)
				if a.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(a.Body, "The service cannot reach its session store") ||
					a.Header.Get("Location")+a.Header.Get("Content-Encoding")+a.Header.Get("Etag") != "" || strings.Count(a.Body, "\n") != 1 {
					t.Errorf("%s: status %d, header %v, %q", path, a.StatusCode, a.Header, a.Body)
				}
			}
			resp, err := b.Client().Get(s.server.URL + "/first-use-after-a-write")
			if err == nil {
				var body []byte
				body, err = io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(body) != "head, " {
					t.Errorf("a page that uses the session late: %q", body)
				}
			}
			if err == nil {
				t.Error("a page that uses the session late is cut off, and looks whole")
			}
			s.store.Heal()
			if got, want := b.Get("/").Body, "[user] []\n"; got != want {
				t.Errorf("when the store is back: %q, want %q", got, want)
			}
		})
	}
}
