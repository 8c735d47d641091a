package flask_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Manager.Cookie has the attributes of the cookie that an answer would have in
// Flask mode. The dates of two answers differ by a second now and then.
func TestCookieWithoutARequest(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"on a store":   {"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://127.0.0.1", "SESSION_PERMANENT": false},
		"permanent":    {"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://127.0.0.1", "SESSION_COOKIE_SAMESITE": "Strict"},
		"Flask's own":  {"SECRET_KEY": testSecret, "SESSION_COOKIE_DOMAIN": "example.com", "SESSION_COOKIE_SECURE": true, "SESSION_COOKIE_SAMESITE": "None"},
		"partitioned":  {"SECRET_KEY": testSecret, "SESSION_COOKIE_PARTITIONED": true, "SESSION_COOKIE_PATH": "/app"},
		"for scripts":  {"SECRET_KEY": testSecret, "SESSION_COOKIE_HTTPONLY": false},
		"null session": {"SESSION_TYPE": "null"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configured(t, values)
			var records store.Store
			if values["SESSION_TYPE"] == "redis" {
				records = memstore.New(memstore.Options{})
			}
			m, err := flask.New(records, cfg, quiet())
			if err != nil {
				t.Fatal(err)
			}
			check := func(what string, c *http.Cookie, line string) {
				t.Helper()
				if got, want := sortedAttributes(c.String()), sortedAttributes(line); got != want {
					t.Errorf("%s: %s, want %s", what, got, want)
				}
			}
			if values["SESSION_TYPE"] == "null" {
				if c := m.Cookie(nil); c == nil || c.Value != "" {
					t.Error("not the cookie that removes one")
				}
				return
			}
			resp := serve(m, "", func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Set("user", "ada") })
			s, err := m.Open(t.Context(), cloakroom.Ticket(cookieOf(resp)))
			if err != nil {
				t.Fatal(err)
			}
			if c := m.Cookie(s); c.Value != cookieOf(resp) {
				t.Error("not the ticket of the answer")
			}
			check("set", m.Cookie(s), resp.Header.Get("Set-Cookie"))
			resp = serve(m, cookieOf(resp), func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Clear() })
			check("removed", m.Cookie(nil), resp.Header.Get("Set-Cookie"))
		})
	}
}

// sortedAttributes returns what a line of Set-Cookie says, but for the ticket and the
// date.
func sortedAttributes(line string) string {
	_, rest, _ := strings.Cut(line, ";")
	var parts []string
	for part := range strings.SplitSeq(rest, ";") {
		part = strings.TrimSpace(part)
		if strings.HasPrefix(part, "Expires=") {
			part = "Expires"
		}
		parts = append(parts, part)
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}
