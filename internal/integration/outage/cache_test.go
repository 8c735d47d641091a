package outage_test

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/integration/visitors"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store/cachestore"
)

// Caches may answer reads from memory while the server is away, within the
// bound that they were given; changes must be refused.
func TestServerBehindACacheIsKilled(t *testing.T) {
	durable := testserver.Redis("appendonly yes", "appendfsync always")
	killed := func(t *testing.T, p *testserver.Process, s *visitors.Service) {
		c := visitors.Enter(t, s)
		c.GoesOn(t)
		for range 3 {
			p.Kill(t)
			c.Refused(t)
			p.Restart(t)
			c.GoesOn(t)
		}
		c.Leave(t)
		advised(t, s)
	}
	t.Run("cachestore", func(t *testing.T) {
		lane(t)
		p := testserver.Start(t, durable)
		cached, err := cachestore.New(open(t, "redis://"+p.Addr()), cachestore.Options{StaleFor: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer cached.Close()
		killed(t, p, visitors.Serve(t, cached))
	})
	t.Run("client-side caching", func(t *testing.T) {
		lane(t)
		p := testserver.Start(t, durable)
		killed(t, p, visitors.Serve(t, open(t, "redis://"+p.Addr()+"?stale_for=1h")))
	})
}
