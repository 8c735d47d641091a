package mongostore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/cloakroom/cloakroom/store"
)

// batchSize is for how many records LoadAll asks at once, of which the server
// sends no more than 16 MiB at a time.
const batchSize = 1000

// LoadAll implements [store.BatchLoader]. It asks for 1,000 records by one
// command, and once more for each 16 MiB of them.
func (s *Store) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	const op = "load all"
	for _, key := range keys {
		if err := store.CheckKey(key); err != nil {
			return nil, fmt.Errorf("mongostore: %s: %w", op, err)
		}
	}
	if err := s.begin(ctx, op); err != nil {
		return nil, err
	}
	records := make([]store.Record, 0, len(keys))
	for piece := range slices.Chunk(keys, batchSize) {
		if err := s.begin(ctx, op); err != nil {
			return nil, err
		}
		found, err := s.batch(ctx, op, piece)
		if err != nil {
			return nil, err
		}
		for _, key := range piece {
			r := found[key]
			if !r.Live(time.Now()) {
				r = store.Record{}
			}
			records = append(records, r)
		}
	}
	return records, nil
}

// batch returns the records of keys, live or not, by key.
func (s *Store) batch(ctx context.Context, op string, keys []string) (map[string]store.Record, error) {
	found := make(map[string]store.Record, len(keys))
	for _, key := range keys {
		found[key] = store.Record{}
	}
	cursor, err := s.coll.Find(ctx, bson.D{{Key: s.layout.key, Value: bson.D{{Key: "$in", Value: keys}}}},
		options.Find().SetBatchSize(batchSize))
	if err != nil {
		return nil, s.fail(ctx, op, err)
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	for cursor.Next(ctx) {
		e, err := s.layout.entry(cursor.Current)
		if err != nil {
			return nil, damaged(op, err)
		}
		r, wanted := found[e.Key]
		if !wanted {
			return nil, collated(op)
		}
		if r.Exists() {
			continue // in Flask's layout a key may have several, of which the first one counts
		}
		e.Record.Data = append([]byte{}, e.Record.Data...) // not all that came with it
		found[e.Key] = e.Record
	}
	if err := cursor.Err(); err != nil {
		return nil, s.fail(ctx, op, err)
	}
	return found, nil
}
