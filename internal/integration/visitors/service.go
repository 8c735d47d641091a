// Package visitors tries a store through the whole library: a service over
// HTTP whose sessions are in it, and visitors who use the service while the
// store's servers go away and come back.
package visitors

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
)

// A Service keeps sessions in a store and serves visitors by HTTP.
type Service struct {
	URL string
	log record
}

// record is what a service has logged.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

// Log returns what the service has logged since the last call.
func (s *Service) Log() string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	defer s.log.text.Reset()
	return s.log.text.String()
}

// Serve starts a service for one test. It does not close the store.
func Serve(t testing.TB, s store.Store) *Service {
	t.Helper()
	service := &Service{}
	sessions, err := cloakroom.New(s, cloakroom.Options{
		Insecure:     true,
		StoreTimeout: 2 * time.Second,
		MaxSize:      16 << 20, // the store's own limit is what counts here
		Logger:       slog.New(slog.NewTextHandler(&service.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("POST /logout", func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Destroy() })
	mux.HandleFunc("POST /write", write)
	mux.HandleFunc("POST /fill", fill)
	mux.HandleFunc("GET /read", read)
	server := httptest.NewServer(sessions.Handler(mux))
	t.Cleanup(server.Close)
	service.URL = server.URL
	return service
}

// What the service keeps in a session.
const (
	user  = cloakroom.Key[string]("user")
	steps = cloakroom.Key[int]("steps") // of all tabs together
	text  = cloakroom.Key[string]("text")
)

// number is the one that a tab of the visitor's browser has reached.
func number(r *http.Request) cloakroom.Key[int] {
	return cloakroom.Key[int]("tab " + r.FormValue("tab"))
}

func login(_ http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	s.Regenerate()
	user.Set(s, r.FormValue("user"))
}

func write(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	var n int
	if err := json.Unmarshal([]byte(r.FormValue("number")), &n); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	number(r).Set(s, n)
	steps.Update(s, func(n int) int { return n + 1 })
}

// fill puts a large value into the session.
func fill(_ http.ResponseWriter, r *http.Request) {
	n := map[string]int{"large": 500_000, "huge": 2 << 20}[r.FormValue("size")]
	text.Set(cloakroom.From(r), strings.Repeat("x", n))
}

// An answer is what the service says of a session.
type answer struct {
	User  string
	Tab   int
	Steps int
}

func read(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	var a answer
	a.User, _ = user.Get(s)
	a.Tab, _ = number(r).Get(s)
	a.Steps, _ = steps.Get(s)
	json.NewEncoder(w).Encode(a)
}

// errRefused says that the service answered 503.
var errRefused = errors.New("503")

// Visit sends one request with a ticket, which may be empty, and returns the
// status of the answer and the ticket that it sets.
func (s *Service) Visit(t testing.TB, method, pathAndQuery, ticket string) (status int, newTicket string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+pathAndQuery, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ticket != "" {
		r.Header.Set("Cookie", "session="+ticket)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, cookie := range resp.Cookies() {
		if cookie.Name == "session" {
			newTicket = cookie.Value
		}
	}
	return resp.StatusCode, newTicket
}
