package edge_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// benchmark runs one handler on a session of five values and a list of size bytes.
func benchmark(b *testing.B, size int, handle func(*cloakroom.Session)) {
	store := memstore.New(memstore.Options{})
	defer store.Close()
	m, err := cloakroom.New(store, cloakroom.Options{Insecure: true})
	if err != nil {
		b.Fatal(err)
	}
	s, _ := m.Open(b.Context(), "")
	sitetest.User.Set(s, "ada")
	for i := range 4 {
		s.Set("value"+strconv.Itoa(i), "some text "+strconv.Itoa(i))
	}
	if size > 0 {
		items := make([]string, size/50)
		for i := range items {
			items[i] = strings.Repeat("x", 48)
		}
		s.Set("items", items)
	}
	ticket, err := m.Commit(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "session="+string(ticket))
	h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handle(cloakroom.From(r)) }))
	w := nowhere{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

func BenchmarkUntouched(b *testing.B) { benchmark(b, 0, func(*cloakroom.Session) {}) }

func BenchmarkRead(b *testing.B) {
	for _, size := range []int{0, 10_000, 100_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			benchmark(b, size, func(s *cloakroom.Session) { sitetest.User.Get(s) })
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{0, 10_000, 100_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			benchmark(b, size, func(s *cloakroom.Session) { sitetest.User.Set(s, "grace") })
		})
	}
}
