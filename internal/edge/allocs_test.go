package edge_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// nowhere is a response writer that allocates nothing.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header { return w.header }

func (w nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (w nowhere) WriteHeader(int) {}

// allocs returns how many allocations a request with the cookie takes more
// through the Manager than without.
func allocs(t *testing.T, m *cloakroom.Manager, cookie string, handle http.HandlerFunc) float64 {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := nowhere{http.Header{}}
	h := m.Handler(handle)
	return testing.AllocsPerRun(200, func() {
		clear(w.header)
		h.ServeHTTP(w, r)
	})
}

// The figures are exact: one that has become better is to be written down too.
func TestAllocations(t *testing.T) {
	m, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// begin returns the cookie of a session that a user has logged in to, or nobody.
	begin := func(user string) string {
		s, err := m.Open(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			s.Login(user)
		}
		for _, name := range []string{"a", "b", "user", "d", "e"} {
			s.Set(name, "value of "+name)
		}
		ticket, err := m.Commit(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return "__Host-session=" + string(ticket)
	}
	body := []byte("text")
	nobody, ada := begin(""), begin("ada")
	read := func(w http.ResponseWriter, r *http.Request) {
		if _, ok := sitetest.User.Get(cloakroom.From(r)); !ok {
			t.Error("there is no value")
		}
		w.Write(body)
	}
	for name, c := range map[string]struct {
		cookie string
		handle http.HandlerFunc
		want   float64
	}{
		"a handler that does not touch the session": {nobody, func(w http.ResponseWriter, r *http.Request) {
			w.Write(body)
		}, 2},
		"reading one string of five":          {nobody, read, 7},
		"the same where a user has logged in": {ada, read, 10},
	} {
		if got := allocs(t, m, c.cookie, c.handle); got != c.want {
			t.Errorf("%s: %v allocations, want %v", name, got, c.want)
		}
	}
}
