package goredisstore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/internal/contend"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redistest"
)

// single serves all tests that leave the server as it was.
var single = testserver.Shared{Server: testserver.Redis()}

func TestMain(m *testing.M) {
	contend.Child(func(_ context.Context, text string) (store.Store, error) { // addresses/master
		addrs, master, _ := strings.Cut(text, "/")
		o := universal(addrs)
		o.MasterName = master
		return goredisstore.New(redis.NewUniversalClient(o), goredisstore.Options{})
	})
	testserver.Main(m, &single)
}

// open opens a store on a client, which it closes after the test.
func open(t *testing.T, client redis.UniversalClient, o goredisstore.Options) *goredisstore.Store {
	t.Helper()
	t.Cleanup(func() { client.Close() })
	s, err := goredisstore.New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func onServer(t *testing.T, p *testserver.Process, db int) *goredisstore.Store {
	return open(t, redis.NewClient(&redis.Options{Addr: p.Addr(), DB: db}), goredisstore.Options{})
}

func universal(addrs string) *redis.UniversalOptions {
	return &redis.UniversalOptions{Addrs: strings.Split(addrs, ",")}
}

// opener opens stores as most programs do.
var opener = redistest.Opener{
	Single: func(t *testing.T, p *testserver.Process, replicas int) store.Store {
		return open(t, redis.NewUniversalClient(universal(p.Addr())), goredisstore.Options{Replicas: replicas})
	},
	Sentinel: func(t *testing.T, s *testserver.RedisSentinel, replicas int) store.Store {
		o := universal(s.Addrs())
		o.MasterName = "mymaster"
		return open(t, redis.NewUniversalClient(o), goredisstore.Options{Replicas: replicas})
	},
	Cluster: func(t *testing.T, c *testserver.RedisCluster, replicas int) store.Store {
		return open(t, redis.NewUniversalClient(universal(c.Addrs())), goredisstore.Options{Replicas: replicas})
	},
}
