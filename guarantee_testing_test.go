package cloakroom_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// The tests of the guarantees, guarantee_*_test.go, drive a Manager through
// its Handler: a reply is what the visitor sees, and the store tells what
// happened behind.

const guaranteeCookie = "__Host-session"

// storeKeyOf returns the name of a ticket's record under plainOptions.
func storeKeyOf(ticket string) string { return cloakroom.DefaultKeyPrefix + ticket }

// plainOptions are Options under which a test knows the name of each record
// and what was logged.
func plainOptions(log *logText) cloakroom.Options {
	o := cloakroom.Options{PlainIDs: true, Logger: slog.New(slog.DiscardHandler)}
	if log != nil {
		o.Logger = slog.New(slog.NewTextHandler(log, nil))
	}
	return o
}

// logText collects a log.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func manage(t testing.TB, s store.Store, o cloakroom.Options) *cloakroom.Manager {
	t.Helper()
	m, err := cloakroom.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openMemory(t testing.TB) store.Store {
	s := memstore.New(memstore.Options{})
	t.Cleanup(func() { s.Close() })
	return s
}

func openFiles(t testing.TB, dir string, o filestore.Options) store.Store {
	t.Helper()
	s, err := filestore.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// eachStore runs f with the stores of the root module.
func eachStore(t *testing.T, f func(t *testing.T, s store.Store)) {
	t.Run("memory", func(t *testing.T) { f(t, openMemory(t)) })
	t.Run("files", func(t *testing.T) { f(t, openFiles(t, t.TempDir(), filestore.Options{})) })
}

// eachStoreHere is eachStore for synctest's bubbles, which have no subtests.
// There the stores must be made and closed inside.
func eachStoreHere(t *testing.T, f func(s store.Store)) {
	memory := memstore.New(memstore.Options{})
	defer memory.Close()
	f(memory)
	files, err := filestore.New(t.TempDir(), filestore.Options{SweepInterval: -1, Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	f(files)
}

// A reply is an answer as the visitor's browser understands it.
type reply struct {
	code    int
	body    string
	header  http.Header
	ticket  string // of a new session cookie; empty if none was set
	removed bool   // the session cookie was removed
}

// after returns the ticket that a visitor holds who held old before the reply.
func (r reply) after(old string) string {
	switch {
	case r.ticket != "":
		return r.ticket
	case r.removed:
		return ""
	}
	return old
}

func (r reply) String() string { return fmt.Sprintf("%d %q", r.code, r.body) }

// a page is what a test's handler does with the session; what it returns is
// the answer's body.
type page func(s *cloakroom.Session) string

// visit asks for a page with a ticket, which may be empty.
func visit(m *cloakroom.Manager, ticket string, p page) reply {
	return visitContext(context.Background(), m, ticket, p)
}

func visitContext(ctx context.Context, m *cloakroom.Manager, ticket string, p page) reply {
	return visitHandler(ctx, m, ticket, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, p(cloakroom.From(r)))
	})
}

func visitHandler(ctx context.Context, m *cloakroom.Manager, ticket string, h http.HandlerFunc) reply {
	rec := httptest.NewRecorder()
	m.Handler(h).ServeHTTP(rec, requestWith(ctx, ticket))
	return replyOf(rec)
}

func requestWith(ctx context.Context, ticket string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, "GET", "https://example.com/", nil)
	if ticket != "" {
		r.AddCookie(&http.Cookie{Name: guaranteeCookie, Value: ticket})
	}
	return r
}

func replyOf(rec *httptest.ResponseRecorder) reply {
	res := rec.Result()
	out := reply{code: res.StatusCode, body: rec.Body.String(), header: res.Header}
	for _, c := range res.Cookies() { // of several the browser keeps the last
		if c.Name == guaranteeCookie {
			out.ticket, out.removed = c.Value, c.MaxAge < 0
		}
	}
	return out
}

// begin opens a session with values and returns its ticket.
func begin(t testing.TB, m *cloakroom.Manager, values map[string]any) string {
	t.Helper()
	r := visit(m, "", func(s *cloakroom.Session) string {
		for name, v := range values {
			s.Set(name, v)
		}
		return "begun"
	})
	if r.code != http.StatusOK || r.ticket == "" {
		t.Fatalf("got %v and ticket %t, want a new session", r, r.ticket != "")
	}
	return r.ticket
}

// contents returns the values of the session that a ticket opens, nil if it
// opens none.
func contents(t testing.TB, m *cloakroom.Manager, ticket string) map[string]any {
	t.Helper()
	s, err := m.Open(t.Context(), cloakroom.Ticket(ticket))
	if err != nil {
		t.Fatal(err)
	}
	if s.IsNew() {
		return nil
	}
	return maps.Collect(s.All())
}

// set is a page that sets one value.
func set(name string, v any) page {
	return func(s *cloakroom.Session) string {
		s.Set(name, v)
		return "set"
	}
}

// read is a page that reads one value.
func read(name string) page {
	return func(s *cloakroom.Session) string { return fmt.Sprint(s.Get(name)) }
}

func logout(s *cloakroom.Session) string {
	s.Destroy()
	return "gone"
}

func regenerate(s *cloakroom.Session) string {
	s.Regenerate()
	return "moved"
}

const visits = cloakroom.Key[int]("visits")

// count is a page that adds one to a counter.
func count(s *cloakroom.Session) string {
	visits.Update(s, func(n int) int { return n + 1 })
	return "counted"
}

// countDropped is a Hooks.Conflict that counts the changes that were dropped
// because the session had ended.
func countDropped(n *int) func(context.Context, cloakroom.Event) {
	return func(_ context.Context, e cloakroom.Event) {
		if errors.Is(e.Err, cloakroom.ErrNotFound) {
			*n++
		}
	}
}
