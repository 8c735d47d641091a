package engine_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cloakroom/cloakroom"
)

// dead is a ticket that opens nothing.
const dead = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// visit makes one request with a header Cookie. It returns the status and the
// lines of Set-Cookie.
func visit(m *cloakroom.Manager, cookies string, use func(*cloakroom.Session)) (int, []string) {
	return serve(m, cookies, func(_ http.ResponseWriter, r *http.Request) { use(cloakroom.From(r)) })
}

// visitLate is visit whose handler writes before it uses the session.
func visitLate(m *cloakroom.Manager, cookies string, use func(*cloakroom.Session)) (int, []string) {
	return serve(m, cookies, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "text")
		use(cloakroom.From(r))
	})
}

func serve(m *cloakroom.Manager, cookies string, h http.HandlerFunc) (int, []string) {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.Header.Set("Cookie", cookies)
	w := httptest.NewRecorder()
	m.Handler(h).ServeHTTP(w, r)
	return w.Code, w.Header()["Set-Cookie"]
}

// namesBehind returns the names of the values that a request sees.
func namesBehind(t *testing.T, m *cloakroom.Manager, cookies string) (names []string) {
	t.Helper()
	if code, _ := visit(m, cookies, func(s *cloakroom.Session) { names = s.Keys() }); code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
	return names
}
