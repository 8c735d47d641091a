package redistest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// LoadAll checks how many records are loaded from a server that has forgotten
// the scripts, and from one that has something else under a key.
func LoadAll(t *testing.T, s store.Store, p *testserver.Process) {
	t.Helper()
	keys := make([]string, 600)
	for i := range keys {
		keys[i] = fmt.Sprintf("loadall:%d", i)
		if i%2 == 0 {
			save(t, s, keys[i])
		}
	}
	p.Do(t, "SCRIPT", "FLUSH")
	m := testserver.MonitorRedis(t, p)
	all(t, s, keys)
	count := map[string]int{}
	for _, command := range m.Stop(t) {
		count[command]++
	}
	// Once for all of the first 256 keys; then the server knows it again.
	if count["EVALSHA"] != len(keys) || count["EVAL"] != 256 {
		t.Errorf("LoadAll sends %v, want %d EVALSHA and 256 EVAL", count, len(keys))
	}
	p.Do(t, "LPUSH", keys[1], "an element")
	_, err := s.Load(t.Context(), keys[1])
	if records, all := store.LoadAll(t.Context(), s, keys[:3]); err == nil || store.Advice(all) != store.Advice(err) {
		t.Errorf("LoadAll = %v, %v, want an error with the advice of Load's: %v", records, all, err)
	}
}

// save saves a record whose data is its key.
func save(t *testing.T, s store.Store, key string) {
	t.Helper()
	if _, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte(key)}); err != nil {
		t.Fatal(err)
	}
}

// all checks that every other record is there.
func all(t *testing.T, s store.Store, keys []string) {
	t.Helper()
	records, err := s.(store.BatchLoader).LoadAll(t.Context(), keys)
	if err != nil {
		t.Fatalf("LoadAll = %v, want no error", err)
	}
	for i, r := range records {
		if want := keys[i]; i%2 == 0 && string(r.Data) != want || i%2 == 1 && r.Exists() {
			t.Errorf("record %d is %q, want each other one", i, r.Data)
		}
	}
}

// clusterLoadAll checks that many records of a cluster come from all of its
// masters, and none while one of them is away.
func clusterLoadAll(t *testing.T, s store.Store, c *testserver.RedisCluster) (away func()) {
	t.Helper()
	keys := make([]string, 300)
	for i := range keys {
		keys[i] = fmt.Sprintf("loadall:%d", i)
		if i%2 == 0 {
			save(t, s, keys[i])
		}
	}
	c.Masters[0].Do(t, "SCRIPT", "FLUSH")
	all(t, s, keys)
	return func() {
		t.Helper()
		if records, err := store.LoadAll(t.Context(), s, keys); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("LoadAll without a master = %d records, %v, want an error", len(records), err)
		}
	}
}
