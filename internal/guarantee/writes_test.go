package guarantee_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
)

// Guarantee 4: the store has acknowledged the save when the first byte of the
// answer leaves, by whatever door, and the cookie is in the header.

const nothing = "nothing at all"

var doors = map[string]func(http.ResponseWriter, *http.Request){
	nothing:            func(http.ResponseWriter, *http.Request) {},
	"WriteHeader":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) },
	"NotModified":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
	"Write":            func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("text")) },
	"Write of nothing": func(w http.ResponseWriter, _ *http.Request) { w.Write(nil) },
	"WriteString":      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "text") },
	"ReadFrom":         func(w http.ResponseWriter, _ *http.Request) { w.(io.ReaderFrom).ReadFrom(strings.NewReader("text")) },
	"Copy":             func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, strings.NewReader("text")) },
	"Flush":            func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
	"FlushError":       func(w http.ResponseWriter, _ *http.Request) { http.NewResponseController(w).Flush() },
	"Redirect":         func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/next", http.StatusSeeOther) },
	"Write and more": func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		io.WriteString(w, "b")
	},
}

func TestReadYourWrites(t *testing.T) {
	listening := func(http2 bool) func(t *testing.T) *sitetest.Site {
		return func(t *testing.T) *sitetest.Site {
			s := sitetest.New(t, plain())
			s.Listen(t, http2)
			return s
		}
	}
	for name, open := range map[string]func(t *testing.T) *sitetest.Site{
		"memory": func(t *testing.T) *sitetest.Site { return sitetest.New(t, plain()) },
		"files": func(t *testing.T) *sitetest.Site {
			return sitetest.NewOn(t, sitetest.Files(t, t.TempDir(), filestore.Options{}), plain())
		},
		"HTTP/1.1": listening(false),
		"HTTP/2.0": listening(true),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			seen := watch(t, s)
			for door, leave := range doors {
				t.Run(door, func(t *testing.T) {
					testNewTicketIsIn(t, s, door, leave)
					b := s.Begin(t, map[string]any{"page": "old"})
					seen()
					a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
						cloakroom.From(r).Set("page", "new")
						leave(w, r)
					})
					left := seen()
					for _, got := range left {
						if got != "new" {
							t.Errorf("as a byte left, the store had %v, want new", got)
						}
					}
					if got := b.Values()["page"]; got != "new" || door != nothing && len(left) == 0 {
						t.Errorf("the store has %v after %d writes, want new after one", got, len(left))
					}
					if strings.HasPrefix(name, "HTTP/") && a.Proto != name {
						t.Errorf("the answer came by %s", a.Proto)
					}
				})
			}
		})
	}
}

// testNewTicketIsIn looks at the first visit of a new visitor.
func testNewTicketIsIn(t *testing.T, s *sitetest.Site, door string, leave func(http.ResponseWriter, *http.Request)) {
	s.Calls()
	b := s.Browser(t)
	a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		sitetest.SetUser(cloakroom.From(r))
		leave(w, r)
		if calls := s.Calls(); door == nothing {
			sitetest.Equal(t, "store calls before the end", calls)
		} else {
			sitetest.Equal(t, "store calls by the time it returns", calls, "Save")
		}
	})
	if len(a.SetCookie) != 1 || a.Header.Get("Vary") != "Cookie" {
		t.Errorf("Set-Cookie %q, Vary %q", a.SetCookie, a.Header.Get("Vary"))
	}
	b.OK(sitetest.Has(t, "the next visit", true))
}

// watch puts a connection under a site that looks into the store whenever
// something leaves. What it saw of the visitor's page since the last call is
// what seen returns.
func watch(t *testing.T, s *sitetest.Site) (seen func() []any) {
	var mu sync.Mutex
	var all []any
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := r.Cookie("__Host-session"); err == nil {
				w = watched{w, func() {
					page := s.Values(t, c.Value)["page"]
					mu.Lock()
					defer mu.Unlock()
					all = append(all, page)
				}}
			}
			next.ServeHTTP(w, r)
		})
	}
	return func() []any {
		mu.Lock()
		defer mu.Unlock()
		out := all
		all = nil
		return out
	}
}

// watched is a connection that tells when something leaves.
type watched struct {
	http.ResponseWriter
	leaving func()
}

func (w watched) WriteHeader(code int)        { w.leaving(); w.ResponseWriter.WriteHeader(code) }
func (w watched) Write(p []byte) (int, error) { w.leaving(); return w.ResponseWriter.Write(p) }
func (w watched) Flush()                      { w.leaving(); http.NewResponseController(w.ResponseWriter).Flush() }
func (w watched) ReadFrom(r io.Reader) (int64, error) {
	w.leaving()
	return io.Copy(w.ResponseWriter, r)
}

// A visitor who hangs up does not lose a write, and that is no error.
func TestHangingUpLosesNothing(t *testing.T) {
	sitetest.EachStore(t, func(t *testing.T, records store.Store) {
		testHangingUp(t, sitetest.NewOn(t, records, plain()))
	})
	t.Run("TLS", func(t *testing.T) { testHangingUp(t, sitetest.NewTLS(t, plain())) })
}

func testHangingUp(t *testing.T, s *sitetest.Site) {
	ctx, hangUp := context.WithCancel(t.Context())
	over := make(chan struct{})
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Test-Hang-Up") != "" {
				defer close(over)
			}
			next.ServeHTTP(w, r)
		})
	}
	b := s.Begin(t, map[string]any{"name": "ada"})
	s.Log.Events()
	r := b.Request("/").WithContext(ctx)
	r.Header.Set("Test-Hang-Up", "1")
	// Whether an error comes of it is chance: a TLS connection tells the server
	// that it is being closed a moment before it is.
	b.Send(r, func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Set("name", "eve")
		hangUp()
		<-r.Context().Done()
		io.WriteString(w, "never seen")
	})
	<-over
	sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Saved")
	sitetest.Equal(t, "log", s.Log.Lines())
	if got := b.Values()["name"]; got != "eve" {
		t.Errorf("the store has %v, want eve", got)
	}
}
