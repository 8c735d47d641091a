// Package outage_test lets visitors use a service while the servers that its
// sessions are in are killed, replaced and moved.
package outage_test

import (
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/dynamostore"
	"github.com/cloakroom/cloakroom/store/memcachedstore"
	"github.com/cloakroom/cloakroom/store/mongostore"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// lanes is how many of the tests go on at the same time.
var lanes = make(chan struct{}, 3)

// lane makes t run in parallel with others, but not with too many.
func lane(t *testing.T) {
	t.Parallel()
	lanes <- struct{}{}
	t.Cleanup(func() { <-lanes })
}

// try opens a store by its URL.
func try(t *testing.T, rawURL string) (store.Store, error) {
	t.Helper()
	openers := redisstore.Openers().With(memcachedstore.Openers(), mongostore.Openers(), dynamostore.Openers(), sqlstore.Openers())
	return openers.Open(t.Context(), rawURL)
}

// open does the same for a test that needs it.
func open(t *testing.T, rawURL string) store.Store {
	t.Helper()
	s, err := try(t, rawURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(s) })
	return s
}

// A library is a client library for Redis. Its functions open a store on one
// server, on Sentinels, and on a cluster; so many replicas must have a change.
type library struct {
	name     string
	single   func(t *testing.T, p *testserver.Process) store.Store
	sentinel func(t *testing.T, s *testserver.RedisSentinel, replicas string) store.Store
	cluster  func(t *testing.T, c *testserver.RedisCluster, replicas string) store.Store
}

var libraries = []library{
	{
		name:   "rueidis",
		single: func(t *testing.T, p *testserver.Process) store.Store { return open(t, "redis://"+p.Addr()) },
		sentinel: func(t *testing.T, s *testserver.RedisSentinel, replicas string) store.Store {
			return open(t, "redis+sentinel://"+s.Addrs()+"/mymaster?replicas="+replicas)
		},
		cluster: func(t *testing.T, c *testserver.RedisCluster, replicas string) store.Store {
			return open(t, "redis+cluster://"+c.Addrs()+"?replicas="+replicas)
		},
	},
	{
		name:   "go-redis",
		single: func(t *testing.T, p *testserver.Process) store.Store { return universal(t, p.Addr(), "", "0") },
		sentinel: func(t *testing.T, s *testserver.RedisSentinel, replicas string) store.Store {
			return universal(t, s.Addrs(), "mymaster", replicas)
		},
		cluster: func(t *testing.T, c *testserver.RedisCluster, replicas string) store.Store {
			return universal(t, c.Addrs(), "", replicas)
		},
	},
}

// universal opens a store on a client as most programs of go-redis hold it.
func universal(t *testing.T, addrs, master, replicas string) store.Store {
	t.Helper()
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: strings.Split(addrs, ","), MasterName: master})
	t.Cleanup(func() { client.Close() })
	var o goredisstore.Options
	if replicas == "1" {
		o.Replicas = 1
	}
	s, err := goredisstore.New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
