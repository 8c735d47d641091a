package testserver

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// A RedisCluster is a cluster of three masters with a replica each.
type RedisCluster struct {
	Masters  [3]*Process
	Replicas [3]*Process
}

const redisSlots = 16384

// StartRedisCluster starts a cluster for one test and waits until it is whole.
func StartRedisCluster(t testing.TB) *RedisCluster {
	t.Helper()
	c := &RedisCluster{}
	var nodes []*Process
	var buses []string
	for i := range 6 {
		bus := strconv.Itoa(FreePort())
		p := Start(t, Redis("cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-port "+bus,
			"cluster-node-timeout 2000", "cluster-require-full-coverage yes"))
		if i > 0 {
			p.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		}
		nodes, buses = append(nodes, p), append(buses, bus)
	}
	meet(t, nodes, buses)
	copy(c.Masters[:], nodes[:3])
	copy(c.Replicas[:], nodes[3:])
	for i, m := range c.Masters {
		m.Do(t, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*redisSlots/3), strconv.Itoa((i+1)*redisSlots/3-1))
	}
	for i, r := range c.Replicas {
		id := c.Masters[i].Do(t, "CLUSTER", "MYID")
		r.Await(t, id, "CLUSTER", "NODES")
		r.Do(t, "CLUSTER", "REPLICATE", id)
	}
	for i := range c.Masters {
		c.Replicas[i].Await(t, "master_link_status:up", "INFO", "replication")
	}
	for _, n := range nodes {
		n.Await(t, "cluster_state:ok", "CLUSTER", "INFO")
	}
	for _, m := range c.Masters {
		// Each node must know what the others are before a client asks it.
		for _, n := range nodes {
			n.Await(t, "slave "+m.Do(t, "CLUSTER", "MYID"), "CLUSTER", "NODES")
		}
	}
	return c
}

// meet lets the first node know all others, and these each other. One that is
// busy forgets that it was asked to.
func meet(t testing.TB, nodes []*Process, buses []string) {
	t.Helper()
	known := "cluster_known_nodes:" + strconv.Itoa(len(nodes))
	round := 0
	eventually(t, func() error {
		var err error
		for i, p := range nodes {
			if !strings.Contains(p.Do(t, "CLUSTER", "INFO"), known) {
				err = errors.New("a node does not know all others")
				if i > 0 && round%200 == 0 {
					nodes[0].Do(t, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(p.Port), buses[i])
				}
			}
		}
		round++
		return err
	})
}

// Addrs returns the addresses of all nodes.
func (c *RedisCluster) Addrs() string {
	var addrs []string
	for _, p := range append(c.Masters[:], c.Replicas[:]...) {
		addrs = append(addrs, p.Addr())
	}
	return strings.Join(addrs, ",")
}

// MoveSlot moves a slot and its records from one master to another.
func (c *RedisCluster) MoveSlot(t testing.TB, slot int, from, to *Process) {
	t.Helper()
	number, fromID, toID := strconv.Itoa(slot), from.Do(t, "CLUSTER", "MYID"), to.Do(t, "CLUSTER", "MYID")
	to.Do(t, "CLUSTER", "SETSLOT", number, "IMPORTING", fromID)
	from.Do(t, "CLUSTER", "SETSLOT", number, "MIGRATING", toID)
	for {
		keys := from.Do(t, "CLUSTER", "GETKEYSINSLOT", number, "1")
		if keys == "" {
			break
		}
		from.Do(t, "MIGRATE", "127.0.0.1", strconv.Itoa(to.Port), keys, "0", "5000")
	}
	for _, m := range []*Process{to, from, c.Masters[0], c.Masters[1], c.Masters[2]} {
		m.Do(t, "CLUSTER", "SETSLOT", number, "NODE", toID)
	}
}
