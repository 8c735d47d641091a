package redistest

import (
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// ClusterList checks how a walk over a cluster gets on without some of its
// nodes.
func ClusterList(t *testing.T, s store.Store, c *testserver.RedisCluster) {
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
	c.Replicas[0].Kill(t)
	if got, err := list(); got < n || err != nil {
		t.Errorf("List without a replica yields %d records, %v, want %d", got, err, n)
	}
	c.Replicas[1].Kill(t)
	c.Masters[1].Kill(t)
	if got, err := list(); err == nil {
		t.Errorf("List without a master yields %d records and no error", got)
	}
}
