package redistest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/contend"
	"github.com/cloakroom/cloakroom/internal/testserver"
)

func keys(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("session:%d", i))
	}
	return all
}

// Outages kills, moves and replaces servers while they are used.
func Outages(t *testing.T, o Opener) {
	t.Run("kill -9", func(t *testing.T) {
		Lane(t)
		p := testserver.Start(t, testserver.Redis("appendonly yes", "appendfsync always"))
		contend.UnderLoad(t, o.Single(t, p, 0), keys(4), func(w *contend.Writers) {
			for range 3 {
				p.Kill(t)
				w.FailFor(t, 20)
				p.Restart(t)
				w.GoOn(t)
			}
		})
	})
	t.Run("the master is killed", func(t *testing.T) {
		Lane(t)
		s := testserver.StartRedisSentinel(t)
		contend.UnderLoad(t, o.Sentinel(t, s, 1), keys(4), func(w *contend.Writers) {
			s.Servers[0].Kill(t)
			s.AwaitMaster(t, s.Servers[1])
			// With no replica left nothing is acknowledged until one is back.
			s.Servers[0].Restart(t)
			// The Sentinels would do that, too, but much later.
			s.Servers[0].Do(t, "REPLICAOF", "127.0.0.1", strconv.Itoa(s.Servers[1].Port))
		})
	})
	t.Run("the master is changed", func(t *testing.T) {
		Lane(t)
		s := testserver.StartRedisSentinel(t)
		contend.UnderLoad(t, o.Sentinel(t, s, 1), keys(4), func(w *contend.Writers) {
			s.Sentinels[0].Do(t, "SENTINEL", "FAILOVER", "mymaster")
			s.AwaitMaster(t, s.Servers[1])
		})
	})
	t.Run("slots move", func(t *testing.T) {
		Lane(t)
		c := testserver.StartRedisCluster(t)
		all := keys(12)
		contend.UnderLoad(t, o.Cluster(t, c, 0), all, func(w *contend.Writers) {
			for _, key := range all {
				moveSlotOf(t, c, key)
			}
		})
	})
	t.Run("a master of the cluster is killed", func(t *testing.T) {
		Lane(t)
		c := testserver.StartRedisCluster(t)
		all := keys(6)
		contend.UnderLoad(t, o.Cluster(t, c, 1), all, func(w *contend.Writers) {
			c.Masters[1].Kill(t)
			w.FailFor(t, 5)
			c.Replicas[1].Await(t, "role:master", "INFO", "replication")
			c.Masters[1].Restart(t)
		})
	})
}

// moveSlotOf moves the slot of a key to the next master.
func moveSlotOf(t *testing.T, c *testserver.RedisCluster, key string) {
	t.Helper()
	var slot int
	if _, err := fmt.Sscan(c.Masters[0].Do(t, "CLUSTER", "KEYSLOT", key), &slot); err != nil {
		t.Fatal(err)
	}
	for i, m := range c.Masters {
		if answer, err := testserver.RedisDo(t.Context(), "tcp", m.Addr(), "EXISTS", key); err == nil {
			if answer != "1" {
				t.Fatalf("the slot's master holds %s records, want 1", answer)
			}
			c.MoveSlot(t, slot, m, c.Masters[(i+1)%3])
			return
		} else if !strings.HasPrefix(err.Error(), "MOVED") {
			t.Fatal(err)
		}
	}
}
