package redisstore_test

import (
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/internal/contend"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redistest"
)

func TestWritersContend(t *testing.T) {
	rawURL := urlOf(single.Get(t)) + "1"
	contend.Run(t, open(t, rawURL), rawURL)
}

func TestOutages(t *testing.T) {
	query := func(replicas int) string { return fmt.Sprintf("?replicas=%d&dial_timeout=500ms", replicas) }
	redistest.Outages(t, redistest.Opener{
		Single: func(t *testing.T, p *testserver.Process, replicas int) store.Store {
			return open(t, urlOf(p)+query(replicas))
		},
		Sentinel: func(t *testing.T, s *testserver.RedisSentinel, replicas int) store.Store {
			return open(t, "redis+sentinel://"+s.Addrs()+"/mymaster"+query(replicas))
		},
		Cluster: func(t *testing.T, c *testserver.RedisCluster, replicas int) store.Store {
			return open(t, "redis+cluster://"+c.Addrs()+"/"+query(replicas))
		},
	})
}
