package redisstore_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
)

// lanes is how many runs of the suite go on at the same time. Each mostly waits
// for records to expire, but must not wait for the others too long.
var lanes = make(chan struct{}, 3)

func lane(t *testing.T) {
	t.Parallel()
	lanes <- struct{}{}
	t.Cleanup(func() { <-lanes })
}

func TestConformance(t *testing.T) {
	t.Run("tcp", func(t *testing.T) {
		lane(t)
		p := testserver.Start(t, testserver.Redis())
		o := options()
		o.Stall = func(t *testing.T) func() { p.Pause(t); return func() { p.Resume(t) } }
		conform(t, urlOf(p), o)
	})
	t.Run("unix socket", func(t *testing.T) {
		lane(t)
		conform(t, "redis+unix://"+testserver.RedisSocket(single.Get(t))+"?db=3", options())
	})
	t.Run("cachelib", func(t *testing.T) {
		lane(t)
		conform(t, urlOf(single.Get(t))+"4?cachelib=true&prefix=flask_cache_", options())
	})
	t.Run("near cache", func(t *testing.T) {
		lane(t)
		conform(t, urlOf(single.Get(t))+"5?stale_for=1m", options())
	})
	t.Run("cluster", func(t *testing.T) {
		lane(t)
		c := testserver.StartRedisCluster(t)
		conform(t, "redis+cluster://"+c.Addrs(), options())
	})
	t.Run("sentinel", func(t *testing.T) {
		lane(t)
		s := testserver.StartRedisSentinel(t)
		conform(t, "redis+sentinel://"+s.Addrs()+"/mymaster", options())
	})
	t.Run("valkey", func(t *testing.T) {
		lane(t)
		p := testserver.Start(t, valkey(t))
		conform(t, urlOf(p), options())
	})
}
