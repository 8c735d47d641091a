package redisstore_test

import (
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/contend"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redistest"
)

func TestConformance(t *testing.T) {
	t.Run("tcp", func(t *testing.T) {
		redistest.Lane(t)
		p := testserver.Start(t, testserver.Redis())
		o := redistest.Suite()
		o.Stall = func(t *testing.T) func() { p.Pause(t); return func() { p.Resume(t) } }
		conform(t, urlOf(p), o)
	})
	t.Run("unix socket", func(t *testing.T) {
		redistest.Lane(t)
		conform(t, "redis+unix://"+testserver.RedisSocket(single.Get(t))+"?db=3", redistest.Suite())
	})
	t.Run("cachelib", func(t *testing.T) {
		redistest.Lane(t)
		conform(t, urlOf(single.Get(t))+"4?cachelib=true&prefix=flask_cache_", redistest.Suite())
	})
	t.Run("near cache", func(t *testing.T) {
		redistest.Lane(t)
		rawURL := urlOf(single.Get(t)) + "5?stale_for=1m"
		conform(t, rawURL, redistest.Suite())
		contend.Run(t, open(t, rawURL), rawURL)
	})
	t.Run("cluster", func(t *testing.T) {
		redistest.Lane(t)
		c := testserver.StartRedisCluster(t)
		rawURL := "redis+cluster://" + c.Addrs()
		conform(t, rawURL, redistest.Suite())
		contend.Run(t, open(t, rawURL), rawURL)
		s, err := redisstore.New(client(t, rueidis.ClientOption{
			InitAddress:    strings.Split(c.Addrs(), ","),
			SendToReplicas: func(cmd rueidis.Completed) bool { return cmd.IsReadOnly() },
		}), redisstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		redistest.ReadsComeFromMasters(t, s, c)
		redistest.ClusterWithoutNodes(t, open(t, rawURL), c)
	})
	t.Run("sentinel", func(t *testing.T) {
		redistest.Lane(t)
		s := testserver.StartRedisSentinel(t)
		rawURL := "redis+sentinel://" + s.Addrs() + "/mymaster"
		conform(t, rawURL, redistest.Suite())
		contend.Run(t, open(t, rawURL), rawURL)
	})
	t.Run("valkey", func(t *testing.T) {
		redistest.Lane(t)
		p := testserver.Start(t, testserver.Valkey())
		conform(t, urlOf(p), redistest.Suite())
	})
}
