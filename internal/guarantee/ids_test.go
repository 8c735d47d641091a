package guarantee_test

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// Guarantee 3: an ID that the store does not know is never used for a new
// session.
func TestNoIDIsAdopted(t *testing.T) {
	const lifetime = time.Hour
	used := func(use func(*cloakroom.Session)) func(*testing.T, *sitetest.Site) string {
		return func(t *testing.T, s *sitetest.Site) string {
			b := s.Begin(t, map[string]any{"name": "ada"})
			ticket := b.Ticket()
			b.OK(use)
			time.Sleep(time.Minute) // what comes now was not in flight then
			return ticket
		}
	}
	for _, c := range []struct {
		name  string
		make  func(t *testing.T, s *sitetest.Site) (ticket string)
		calls string
	}{
		{"never given out", func(*testing.T, *sitetest.Site) string { return strings.Repeat("A", 43) }, "Load Save"},
		{"destroyed", used((*cloakroom.Session).Destroy), "Load Save"},
		{"regenerated", used((*cloakroom.Session).Regenerate), "Load Save"},
		{"expired", used(func(*cloakroom.Session) { time.Sleep(lifetime) }), "Load Save"},
		{"malformed", func(*testing.T, *sitetest.Site) string { return "../../etc/passwd" }, "Save"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sitetest.EachStoreHere(t, func(records store.Store) {
					o := plain()
					o.IdleTimeout, o.Lifetime = lifetime, lifetime
					s := sitetest.NewOn(t, records, o)
					ticket := c.make(t, s)
					s.Calls()
					s.Log.Events()
					b := s.Holder(t, ticket)
					a := b.OK(sitetest.Set("name", "eve"))
					sitetest.Equal(t, "store calls", s.Calls(), strings.Fields(c.calls)...)
					sitetest.Equal(t, "events", s.Log.Events(), "Rejected", "Created")
					if len(a.SetCookie) != 1 || b.Ticket() == ticket || strings.Contains(a.SetCookie[0], ticket) {
						t.Errorf("Set-Cookie %q, want a new ticket", a.SetCookie)
					}
					if values := s.Values(t, ticket); values != nil {
						t.Errorf("the ticket opens a session with %d values now, want none", len(values))
					}
					if values := b.Values(); !maps.Equal(values, map[string]any{"name": "eve"}) {
						t.Errorf("the new session has %d values, want the one that was set", len(values))
					}
				})
			})
		})
	}
}
