package redistest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// ClusterWithoutNodes checks how a walk over a cluster, and a load of many
// records, get on without some of its nodes.
func ClusterWithoutNodes(t *testing.T, s store.Store, c *testserver.RedisCluster) {
	t.Helper()
	const n = 50
	for i := range n {
		key := fmt.Sprintf("list:%d", i)
		if _, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte(key)}); err != nil {
			t.Fatal(err)
		}
	}
	list := func() (count int, last error) {
		for _, err := range s.(store.Lister).List(t.Context(), "list:") {
			if last = err; err == nil {
				count++
			}
		}
		return count, last
	}
	if got, err := list(); got != n || err != nil {
		t.Errorf("List yields %d records, %v, want each of %d once: a replica is no further server", got, err, n)
	}
	loadAllFails := clusterLoadAll(t, s, c)
	c.Replicas[0].Kill(t)
	if got, err := list(); got < n || err != nil {
		t.Errorf("List without a replica yields %d records, %v, want %d", got, err, n)
	}
	c.Replicas[1].Kill(t)
	c.Masters[1].Kill(t)
	if got, err := list(); err == nil {
		t.Errorf("List without a master yields %d records and no error", got)
	}
	loadAllFails()
}

// ReadsComeFromMasters checks that no replica is asked for a session, whose
// client may send it reads: it does not know yet what its master has
// acknowledged.
func ReadsComeFromMasters(t *testing.T, s store.Store, c *testserver.RedisCluster) {
	t.Helper()
	for i := range 60 {
		key := fmt.Sprintf("read:%d", i)
		if _, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte(key)}); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Load(t.Context(), key); err != nil || string(r.Data) != key {
			t.Fatalf("Load = %q, %v, want what was just saved", r.Data, err)
		}
		if r, err := store.LoadAll(t.Context(), s, []string{key, "read:0"}); err != nil || string(r[0].Data) != key {
			t.Fatalf("LoadAll = %q, %v, want what was just saved", r, err)
		}
	}
	for _, p := range c.Replicas {
		if stats := p.Do(t, "INFO", "commandstats"); strings.Contains(stats, "cmdstat_eval") {
			t.Errorf("a replica was asked:\n%s", stats)
		}
	}
}
