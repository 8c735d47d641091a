package guarantee_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// Guarantee 5: a request whose handler never asks for the session costs
// nothing. And those that do ask cost no more than they must.
func TestStoreCallsOfARequest(t *testing.T) {
	for _, c := range []struct {
		name string
		use  func(*cloakroom.Session)
		want string // store calls
	}{
		{"session not used", func(*cloakroom.Session) {}, ""},
		{"asked what costs nothing", func(s *cloakroom.Session) {
			if s.Err() != nil || s.Modified() {
				t.Error("an untouched session has an error or changes")
			}
		}, ""},
		{"one value read", func(s *cloakroom.Session) { s.Get("name") }, "Load"},
		{"names counted", func(s *cloakroom.Session) { s.Len(); s.Len() }, "Load"},
		{"one value set", sitetest.Set("name", "eve"), "Load Save"},
		{"absent value deleted", func(s *cloakroom.Session) { s.Delete("nothing") }, "Load"},
		{"logout", (*cloakroom.Session).Destroy, "Load Save"},
		{"regenerate", (*cloakroom.Session).Regenerate, "Load Save Save Save"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sitetest.EachStore(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, plain())
				b := s.Begin(t, map[string]any{"name": "ada"})
				s.Calls()
				s.Log.Events()
				a := b.OK(c.use)
				sitetest.Equal(t, "store calls", s.Calls(), strings.Fields(c.want)...)
				if c.want != "" {
					sitetest.Equal(t, "Vary", a.Header["Vary"], "Cookie")
					return
				}
				sitetest.Equal(t, "events", s.Log.Events())
				for _, name := range []string{"Set-Cookie", "Vary", "Cache-Control"} {
					if got, ok := a.Header[name]; ok {
						t.Errorf("%s: %q, want none", name, got)
					}
				}
			})
		})
	}
}

// And so it is served when the store is down.
func TestUntouchedRequestDoesNotCareAboutTheStore(t *testing.T) {
	s := sitetest.NewTLS(t, plain())
	b := s.Begin(t, map[string]any{"name": "ada"})
	s.BreakStore()
	b.OK(func(*cloakroom.Session) {})
}
