package redisstore_test

import (
	"testing"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Run("tcp", func(t *testing.T) {
		p := testserver.Start(t, testserver.Redis())
		o := options()
		o.Stall = func(t *testing.T) func() { p.Pause(t); return func() { p.Resume(t) } }
		conform(t, urlOf(p), o)
	})
	t.Run("unix socket", func(t *testing.T) {
		conform(t, "redis+unix://"+testserver.RedisSocket(single.Get(t))+"?db=3", options())
	})
	t.Run("cachelib", func(t *testing.T) {
		conform(t, urlOf(single.Get(t))+"4?cachelib=true&prefix=flask_cache_", options())
	})
	t.Run("near cache", func(t *testing.T) {
		conform(t, urlOf(single.Get(t))+"5?stale_for=1m", options())
	})
	t.Run("a client of the program's own", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			s, err := redisstore.New(client(t, rueidis.ClientOption{InitAddress: []string{single.Get(t).Addr()}}), redisstore.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}, options())
	})
	t.Run("cluster", func(t *testing.T) {
		c := testserver.StartRedisCluster(t)
		conform(t, "redis+cluster://"+c.Addrs(), options())
	})
	t.Run("sentinel", func(t *testing.T) {
		s := testserver.StartRedisSentinel(t)
		conform(t, "redis+sentinel://"+s.Addrs()+"/mymaster", options())
	})
	t.Run("valkey", func(t *testing.T) {
		p := testserver.Start(t, valkey(t))
		conform(t, urlOf(p), options())
	})
}
