package goredisstore_test

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/internal/contend"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redistest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Run("single", func(t *testing.T) {
		redistest.Lane(t)
		p := testserver.Start(t, testserver.Redis())
		o := redistest.Suite()
		o.Stall = func(t *testing.T) func() { p.Pause(t); return func() { p.Resume(t) } }
		storetest.Run(t, func(t *testing.T) store.Store { return opener.Single(t, p, 0) }, o)
	})
	t.Run("unix socket", func(t *testing.T) {
		redistest.Lane(t)
		socket := testserver.RedisSocket(single.Get(t))
		storetest.Run(t, func(t *testing.T) store.Store {
			return open(t, redis.NewClient(&redis.Options{Network: "unix", Addr: socket, DB: 1}),
				goredisstore.Options{Prefix: "flask_cache_", Cachelib: true})
		}, redistest.Suite())
	})
	t.Run("sentinel", func(t *testing.T) {
		redistest.Lane(t)
		s := testserver.StartRedisSentinel(t)
		storetest.Run(t, func(t *testing.T) store.Store { return opener.Sentinel(t, s, 0) }, redistest.Suite())
		contend.Run(t, opener.Sentinel(t, s, 0), s.Addrs()+"/mymaster")
	})
	t.Run("cluster", func(t *testing.T) {
		redistest.Lane(t)
		c := testserver.StartRedisCluster(t)
		storetest.Run(t, func(t *testing.T) store.Store { return opener.Cluster(t, c, 0) }, redistest.Suite())
		contend.Run(t, opener.Cluster(t, c, 0), c.Addrs())
		for _, o := range []redis.UniversalOptions{{ReadOnly: true}, {RouteByLatency: true}, {RouteRandomly: true}} {
			o.Addrs = universal(c.Addrs()).Addrs
			redistest.ReadsComeFromMasters(t, open(t, redis.NewUniversalClient(&o), goredisstore.Options{Prefix: fmt.Sprint(o.ReadOnly, o.RouteByLatency)}), c)
		}
		redistest.ClusterWithoutNodes(t, opener.Cluster(t, c, 0), c)
	})
	t.Run("valkey", func(t *testing.T) {
		redistest.Lane(t)
		p := testserver.Start(t, testserver.Valkey())
		storetest.Run(t, func(t *testing.T) store.Store { return opener.Single(t, p, 0) }, redistest.Suite())
	})
	t.Run("ring", func(t *testing.T) {
		redistest.Lane(t)
		a, b := testserver.Start(t, testserver.Redis()), testserver.Start(t, testserver.Redis())
		storetest.Run(t, func(t *testing.T) store.Store {
			return open(t, redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": a.Addr(), "b": b.Addr()}}), goredisstore.Options{})
		}, redistest.Suite())
	})
}
