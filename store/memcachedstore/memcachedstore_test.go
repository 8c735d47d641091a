package memcachedstore

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// suite is what storetest may expect of Memcached with its default settings.
func suite() storetest.Options {
	return storetest.Options{
		RealTime:     true,
		Precision:    8 * time.Second,
		MaxRecord:    defaultMaxItem - overhead - store.MaxKey,
		TooLarge:     defaultMaxItem,
		ComparesData: true,
		Require:      []storetest.Capability{storetest.BatchLoader, storetest.Lister, storetest.Pinger, storetest.Closer},
	}
}

func TestConformanceOnOneServer(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Memcached())
	o := suite()
	o.Stall = func(t *testing.T) func() {
		p.Pause(t)
		return func() { p.Resume(t) }
	}
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, Options{}, p.Addr()) }, o)
}

func TestConformanceOnThreeServers(t *testing.T) {
	t.Parallel()
	servers := []string{one.Get(t).Addr(), two.Get(t).Addr(), three.Get(t).Addr()}
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, Options{}, servers...) }, suite())
}
