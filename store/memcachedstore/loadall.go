package memcachedstore

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/cloakroom/cloakroom/store"
)

// LoadAll implements [store.BatchLoader]. It asks all servers at once, each for
// 32 records in one round trip, on one connection at a time.
func (s *Store) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	const op = "load all"
	for _, key := range keys {
		if err := store.CheckKey(key); err != nil {
			return nil, fmt.Errorf("memcachedstore: %s: %w", op, err)
		}
	}
	if err := s.ready(ctx); err != nil {
		return nil, fmt.Errorf("memcachedstore: %s: %w", op, err)
	}
	places := make(map[string][]int, len(keys)) // of each key
	shares := make([][]string, len(s.servers))  // the keys of each server
	for i, key := range keys {
		if places[key] == nil {
			n := s.locate(key)
			shares[n] = append(shares[n], key)
		}
		places[key] = append(places[key], i)
	}
	records := make([]store.Record, len(keys))
	errs := make([]error, len(s.servers))
	var wg sync.WaitGroup
	for n, share := range shares {
		wg.Go(func() {
			errs[n] = s.share(ctx, s.servers[n], share, func(e store.Entry) {
				for _, i := range places[e.Key] {
					records[i] = e.Record
				}
			})
		})
	}
	wg.Wait()
	for n, err := range errs {
		if err != nil {
			return nil, s.servers[n].fail(op, err)
		}
	}
	return records, nil
}

// share calls found for the records that one server has of keys.
func (s *Store) share(ctx context.Context, srv *server, keys []string, found func(store.Entry)) error {
	for piece := range slices.Chunk(keys, batchSize) {
		if err := s.ready(ctx); err != nil {
			return err
		}
		entries, err := s.entries(ctx, srv, piece)
		if err != nil {
			return err
		}
		for _, e := range entries {
			found(e)
		}
	}
	return nil
}
