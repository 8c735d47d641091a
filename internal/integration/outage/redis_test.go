package outage_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/integration/visitors"
	"github.com/cloakroom/cloakroom/internal/testserver"
)

// advised checks that the service has logged what its operator can do.
func advised(t *testing.T, s *visitors.Service) {
	t.Helper()
	adviceIn(t, s.Log())
}

func adviceIn(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=ERROR") && !strings.Contains(line, "advice=") {
			t.Errorf("logged without advice: %s", line)
		}
	}
}

// killed kills a server three times under load.
func killed(t *testing.T, p *testserver.Process, s *visitors.Service, c *visitors.Crowd) {
	t.Helper()
	c.GoesOn(t)
	for range 3 {
		p.Kill(t)
		c.Away()
		c.Refused(t)
		c.Back()
		p.Restart(t)
		c.GoesOn(t)
	}
	c.Leave(t)
	advised(t, s)
}

func TestRedisIsKilled(t *testing.T) {
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			lane(t)
			p := testserver.Start(t, testserver.Redis("appendonly yes", "appendfsync always"))
			s := visitors.Serve(t, l.single(t, p))
			killed(t, p, s, visitors.Enter(t, s))
		})
	}
}

func TestSentinelFailsOver(t *testing.T) {
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			lane(t)
			servers := testserver.StartRedisSentinel(t)
			old, next := servers.Servers[0], servers.Servers[1]
			s := visitors.Serve(t, l.sentinel(t, servers, "1"))
			c := visitors.Enter(t, s)
			c.GoesOn(t)
			old.Kill(t)
			c.Refused(t)
			servers.AwaitMaster(t, next)
			old.Restart(t)
			// The Sentinels would do that, too, but much later.
			old.Do(t, "REPLICAOF", "127.0.0.1", strconv.Itoa(next.Port))
			c.GoesOn(t)
			c.Leave(t)
			advised(t, s)
		})
	}
}

func TestClusterMovesSlots(t *testing.T) {
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			lane(t)
			servers := testserver.StartRedisCluster(t)
			s := visitors.Serve(t, l.cluster(t, servers, "0"))
			c := visitors.Enter(t, s)
			c.GoesOn(t)
			for i, m := range servers.Masters {
				for _, key := range strings.Fields(m.Do(t, "KEYS", "*")) {
					slot, err := strconv.Atoi(m.Do(t, "CLUSTER", "KEYSLOT", key))
					if err != nil {
						t.Fatal(err)
					}
					servers.MoveSlot(t, slot, m, servers.Masters[(i+1)%3])
				}
				c.GoesOn(t)
			}
			c.Leave(t)
			advised(t, s)
		})
	}
}

func TestMasterOfAClusterIsKilled(t *testing.T) {
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			lane(t)
			servers := testserver.StartRedisCluster(t)
			s := visitors.Serve(t, l.cluster(t, servers, "1"))
			c := visitors.Enter(t, s)
			c.GoesOn(t)
			servers.Masters[1].Kill(t)
			servers.Replicas[1].Await(t, "role:master", "INFO", "replication")
			servers.Masters[1].Restart(t)
			c.GoesOn(t)
			c.Leave(t)
			advised(t, s)
		})
	}
}
