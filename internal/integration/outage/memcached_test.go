package outage_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/integration/visitors"
	"github.com/cloakroom/cloakroom/internal/testserver"
)

// Memcached forgets, but it never says that a session is gone while it is
// itself: no other server takes over.
func TestMemcachedIsKilled(t *testing.T) {
	lane(t)
	var servers []*testserver.Process
	var addrs []string
	for range 3 {
		p := testserver.Start(t, testserver.Memcached())
		servers, addrs = append(servers, p), append(addrs, p.Addr())
	}
	s := visitors.Serve(t, open(t, "memcached://"+strings.Join(addrs, ",")))
	c := visitors.Enter(t, s)
	c.GoesOn(t)
	c.Forgets()
	for _, p := range servers {
		p.Kill(t)
		c.SomeRefused(t)
		p.Restart(t)
		c.GoesOn(t)
	}
	for _, p := range servers {
		p.Kill(t)
	}
	c.Away()
	c.Refused(t)
	c.Back()
	for _, p := range servers {
		p.Restart(t)
	}
	c.GoesOn(t)
	c.Leave(t)
	advised(t, s)
}
