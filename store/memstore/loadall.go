package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// LoadAll implements [store.BatchLoader]. The data is shared.
func (s *Store) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	const op = "load all"
	for _, key := range keys {
		if err := store.CheckKey(key); err != nil {
			return nil, fmt.Errorf("memstore: %s: %w", op, err)
		}
	}
	if err := s.ready(ctx, op); err != nil {
		return nil, err
	}
	records := make([]store.Record, len(keys))
	for i, key := range keys {
		sh, hash := s.shard(key)
		if r := sh.load(hash, key); r.Live(time.Now()) {
			records[i] = r
		}
	}
	// What Close has removed on the way must not count as absent.
	if err := s.ready(ctx, op); err != nil {
		return nil, err
	}
	return records, nil
}
