//go:build unix

package testserver

import (
	"strings"
	"testing"
)

func TestRedisServers(t *testing.T) {
	t.Run("single", func(t *testing.T) {
		p := Start(t, Redis("appendonly yes", "appendfsync always"))
		p.Do(t, "SET", "k", "v")
		p.Kill(t)
		p.Restart(t)
		if got := p.Do(t, "GET", "k"); got != "v" {
			t.Errorf("after kill -9 it holds %q, want v", got)
		}
	})
	t.Run("cluster", func(t *testing.T) {
		c := StartRedisCluster(t)
		const slot = 12182 // of "foo", as in the cluster tutorial
		if got := c.Masters[2].Do(t, "CLUSTER", "KEYSLOT", "foo"); got != "12182" {
			t.Fatalf("slot %s, want %d", got, slot)
		}
		c.Masters[2].Do(t, "SET", "foo", "bar")
		c.MoveSlot(t, slot, c.Masters[2], c.Masters[0])
		if got := c.Masters[0].Do(t, "GET", "foo"); got != "bar" {
			t.Errorf("the new master holds %q, want bar", got)
		}
	})
	t.Run("sentinel", func(t *testing.T) {
		s := StartRedisSentinel(t)
		s.Servers[0].Kill(t)
		s.AwaitMaster(t, s.Servers[1])
		if got := s.Servers[1].Do(t, "SET", "k", "v"); !strings.HasPrefix(got, "OK") {
			t.Errorf("SET = %q, want OK", got)
		}
	})
}
