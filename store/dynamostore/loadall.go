package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/cloakroom/cloakroom/store"
)

const (
	// batchSize is for how many items DynamoDB lets a request ask.
	batchSize = 100
	// idleTries is how often LoadAll asks again after an answer without any of
	// the items that it has asked for, pausing ever longer: some seconds in all.
	idleTries = 8
)

// errHeldBack says that DynamoDB has not looked for the items that it was asked
// for, which it does when it throttles.
var errHeldBack = errors.New("the server answers for none of the items")

// LoadAll implements [store.BatchLoader]. It is one request for 100 records, and
// one more for each 16 MiB of them, and takes as many read units as that many
// calls of Load.
func (s *Store) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	const op = "load all"
	for _, key := range keys {
		if err := store.CheckKey(key); err != nil {
			return nil, fmt.Errorf("dynamostore: %s: %w", op, err)
		}
	}
	if err := s.begin(ctx, op); err != nil {
		return nil, err
	}
	records := make([]store.Record, 0, len(keys))
	found := make(map[string]store.Record, len(keys))
	// DynamoDB refuses a request that names a key twice.
	distinct := slices.Compact(slices.Sorted(slices.Values(keys)))
	for piece := range slices.Chunk(distinct, batchSize) {
		if err := s.batch(ctx, op, piece, found); err != nil {
			return nil, err
		}
	}
	for _, key := range keys {
		r := found[key]
		if !r.Live(time.Now()) {
			r = store.Record{}
		}
		records = append(records, r)
	}
	return records, nil
}

// batch puts the records of keys, live or not, into found.
func (s *Store) batch(ctx context.Context, op string, keys []string, found map[string]store.Record) error {
	left := make([]attributes, len(keys))
	for i, key := range keys {
		left[i] = byKey(key)
	}
	for idle := 0; len(left) > 0; {
		if err := s.begin(ctx, op); err != nil {
			return err
		}
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			*s.table: {Keys: left, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return s.fail(ctx, op, err)
		}
		for _, items := range out.Responses {
			for _, item := range items {
				e, err := s.layout.entry(item)
				if err != nil {
					return damaged(op, err)
				}
				found[e.Key] = e.Record
			}
		}
		before := len(left)
		left = nil
		for _, rest := range out.UnprocessedKeys {
			left = append(left, rest.Keys...)
		}
		if len(left) < before {
			idle = 0
			continue
		}
		if idle++; idle > idleTries {
			return store.WithAdvice(fmt.Errorf("dynamostore: %s: %w", op, errHeldBack), adviseThrottled)
		}
		if err := s.pause(ctx, op, idle); err != nil {
			return err
		}
	}
	return nil
}

// pause waits before the nth try.
func (s *Store) pause(ctx context.Context, op string, n int) error {
	longest := 20 * time.Millisecond << n
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return store.WithAdvice(s.begin(ctx, op), adviseThrottled)
	}
}
