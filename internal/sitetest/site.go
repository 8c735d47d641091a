// Package sitetest is what the tests of sessions in this module share: a site
// with sessions, its visitors, and a journal that lets no secret pass.
package sitetest

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
)

// A Site is an application under test: a Manager and, behind it, one handler
// for each request, which the test gives with the request.
type Site struct {
	Manager *cloakroom.Manager
	Store   *cloakroomtest.Faulty // nil if the sessions live in their cookies
	Log     *Journal              // nil if the Options have a Logger

	// URL is where visitors go.
	URL string

	// Outer and Inner, if set, are middlewares around the Manager and within it.
	Outer, Inner func(http.Handler) http.Handler

	server *httptest.Server // nil for a site in process

	mu    sync.Mutex
	count int
	steps map[string]http.HandlerFunc
}

// New returns a Site with its sessions in memory. It has no network, so that
// it works within bubbles of testing/synctest.
func New(t testing.TB, opts cloakroom.Options) *Site {
	t.Helper()
	return NewOn(t, Memory(t), opts)
}

// NewTLS is New on a server.
func NewTLS(t testing.TB, opts cloakroom.Options) *Site {
	t.Helper()
	s := New(t, opts)
	s.Listen(t, false)
	return s
}

// NewOn is New with its sessions in a store, which may be a Faulty.
func NewOn(t testing.TB, records store.Store, opts cloakroom.Options) *Site {
	t.Helper()
	s := prepare(t, &opts)
	faulty, ok := records.(*cloakroomtest.Faulty)
	if !ok {
		faulty = cloakroomtest.NewFaulty(records)
	}
	s.Store = faulty
	if s.Log != nil {
		s.Log.stores = append(s.Log.stores, faulty)
	}
	m, err := cloakroom.New(faulty, opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Manager = m
	return s
}

// CookieKey is the key of NewSealed.
var CookieKey = []byte("a key of 32 bytes, for tests only")

// NewSealed is New with each session in its cookie, under CookieKey unless
// there are others.
func NewSealed(t testing.TB, opts cloakroom.Options, keys ...[]byte) *Site {
	t.Helper()
	if len(keys) == 0 {
		keys = [][]byte{CookieKey}
	}
	s := prepare(t, &opts)
	m, err := cloakroom.NewCookie(keys, opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Manager = m
	return s
}

func prepare(t testing.TB, opts *cloakroom.Options) *Site {
	s := &Site{URL: "https://www.example.com", steps: map[string]http.HandlerFunc{}}
	if opts.Logger == nil {
		s.Log = NewJournal(t)
		opts.Logger = s.Log.Logger()
		s.Log.listen(&opts.Hooks)
	}
	return s
}

// Listen puts the site on a server with TLS. Browsers made from then on use it.
func (s *Site) Listen(t testing.TB, http2 bool) {
	s.server = httptest.NewUnstartedServer(s)
	s.server.EnableHTTP2 = http2
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // handlers that panic on purpose
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	s.URL = s.server.URL
}

func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := http.Handler(http.HandlerFunc(s.dispatch))
	if s.Inner != nil {
		h = s.Inner(h)
	}
	if h = s.Manager.Handler(h); s.Outer != nil {
		h = s.Outer(h)
	}
	h.ServeHTTP(w, r)
}

const stepHeader = "Test-Step"

func (s *Site) dispatch(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	step := s.steps[r.Header.Get(stepHeader)]
	s.mu.Unlock()
	step(w, r)
}

// step gives the handler for r to the server, until done is called.
func (s *Site) step(r *http.Request, h http.HandlerFunc) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	name := strconv.Itoa(s.count)
	s.steps[name] = h
	r.Header.Set(stepHeader, name)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.steps, name)
	}
}

// Calls returns which operations the store was asked for since the last call.
func (s *Site) Calls() []string {
	var ops []string
	for _, call := range s.Store.Calls() {
		ops = append(ops, string(call.Op))
		for key := range strings.FieldsSeq(call.Key) { // a LoadAll or SaveAll has several
			s.secret(key)
		}
	}
	s.Store.ForgetCalls()
	return ops
}

// Records returns the sessions that the store holds.
func (s *Site) Records(t testing.TB) map[string]store.Record {
	t.Helper()
	all := s.all(t)
	maps.DeleteFunc(all, func(key string, r store.Record) bool {
		_, mark := store.ParseMark(r.Data)
		return mark || cloakroom.IsUserKey(key)
	})
	return all
}

// Users returns the users' records that the store holds.
func (s *Site) Users(t testing.TB) map[string]store.Record {
	t.Helper()
	all := s.all(t)
	maps.DeleteFunc(all, func(key string, _ store.Record) bool { return !cloakroom.IsUserKey(key) })
	return all
}

// Marks returns the kinds of the marks that the store holds.
func (s *Site) Marks(t testing.TB) map[string]store.MarkKind {
	t.Helper()
	marks := map[string]store.MarkKind{}
	for key, r := range s.all(t) {
		if m, ok := store.ParseMark(r.Data); ok {
			marks[key] = m.Kind
		}
	}
	return marks
}

func (s *Site) all(t testing.TB) map[string]store.Record {
	t.Helper()
	all := map[string]store.Record{}
	for e, err := range s.Store.Unwrap().(store.Lister).List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all[e.Key] = e.Record
	}
	return all
}

// Plant puts a record into the store, as another program would.
func (s *Site) Plant(t testing.TB, key string, r store.Record) {
	t.Helper()
	if _, err := s.Store.Unwrap().Save(t.Context(), key, store.Record{}, r); err != nil {
		t.Fatal(err)
	}
}

// ErrRefused is the error of a store that BreakStore has broken.
var ErrRefused = errors.New("connection refused")

// BreakStore makes every call of the store fail.
func (s *Site) BreakStore() { s.Store.Inject(cloakroomtest.Fault{Err: ErrRefused}) }

// Open returns the session of a ticket.
func (s *Site) Open(t testing.TB, ticket string) *cloakroom.Session {
	t.Helper()
	s.secret(ticket)
	session, err := s.Manager.Open(t.Context(), cloakroom.Ticket(ticket))
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// Commit saves a session that Open returned.
func (s *Site) Commit(t testing.TB, session *cloakroom.Session) (ticket string) {
	t.Helper()
	saved, err := s.Manager.Commit(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	s.secret(string(saved))
	return string(saved)
}

func (s *Site) secret(text string) {
	if s.Log != nil {
		s.Log.Secret(text)
	}
}
