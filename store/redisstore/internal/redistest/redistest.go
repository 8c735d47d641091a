// Package redistest has the tests that the stores on Redis share, for whatever
// client library they use.
package redistest

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redisproto"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// Suite are the options for storetest.
func Suite() storetest.Options {
	return storetest.Options{
		RealTime: true,
		// A millisecond, but that the way to the server counts, too, and that
		// machines for tests are slow.
		Precision:    time.Second,
		ComparesData: true,
		TooLarge:     redisproto.DefaultMaxRecord + 1,
		Require:      []storetest.Capability{storetest.BatchLoader, storetest.Lister, storetest.Pinger, storetest.Closer},
	}
}

// An Opener opens a store for a test: on one server, behind Sentinels, or in a
// cluster. At least so many replicas must have each change.
type Opener struct {
	Single   func(t *testing.T, p *testserver.Process, replicas int) store.Store
	Sentinel func(t *testing.T, s *testserver.RedisSentinel, replicas int) store.Store
	Cluster  func(t *testing.T, c *testserver.RedisCluster, replicas int) store.Store
}

// lanes is how many runs of the suite go on at the same time. Each mostly waits
// for records to expire, but must not wait for the others too long.
var lanes = make(chan struct{}, 5)

// Lane makes t run in parallel with others, but not with too many.
func Lane(t *testing.T) {
	t.Parallel()
	lanes <- struct{}{}
	t.Cleanup(func() { <-lanes })
}
