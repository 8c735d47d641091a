package cachestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// LoadAll implements [store.BatchLoader]. Records that are in memory come from
// there, and the rest from the store behind, by [store.LoadAll]: at once, or one
// after another where it cannot do better. They are kept as those of Load are.
func (s *Store) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	const op = "load all"
	for _, key := range keys {
		if err := store.CheckKey(key); err != nil {
			return nil, fmt.Errorf("cachestore: %s: %w", op, err)
		}
	}
	if err := s.ready(ctx, op); err != nil {
		return nil, err
	}
	records := make([]store.Record, len(keys))
	var own, others batch
	now := time.Now()
	for i, key := range keys {
		if r, ok := s.cached(key, now); ok {
			s.hits.Add(1)
			records[i] = r
			continue
		}
		s.misses.Add(1)
		if f, first := s.join(key, now); first {
			own.add(i, key, f)
		} else {
			others.add(i, key, f)
		}
	}
	// First, since others may wait for these loads as this call does for theirs.
	if err := s.flyAll(ctx, &own); err != nil {
		return nil, err
	}
	for n, f := range own.flights {
		records[own.places[n]] = f.rec
	}
	for n, f := range others.flights {
		r, err := s.wait(ctx, others.keys[n], f)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		records[others.places[n]] = r
	}
	return records, nil
}

// batch is the loads of some of the keys.
type batch struct {
	places  []int // among all keys
	keys    []string
	flights []*flight
}

func (b *batch) add(place int, key string, f *flight) {
	b.places, b.keys, b.flights = append(b.places, place), append(b.keys, key), append(b.flights, f)
}

// flyAll makes the loads of b, which the caller has to make, in one call.
func (s *Store) flyAll(ctx context.Context, b *batch) error {
	if len(b.keys) == 0 {
		return nil
	}
	// An error is no answer for those who wait: it may be because of another
	// record. They ask for theirs.
	defer func() {
		for n, key := range b.keys {
			s.land(key, b.flights[n])
		}
	}()
	records, err := store.LoadAll(ctx, s.inner, b.keys)
	if err != nil {
		return err
	}
	for n, f := range b.flights {
		f.abandoned = false
		if f.rec = records[n]; !f.rec.Exists() {
			f.err = errAbsent
		}
	}
	return nil
}

// errAbsent is what those learn who wait for a record that LoadAll has not
// found.
var errAbsent = fmt.Errorf("cachestore: load: %w", store.ErrNotFound)
