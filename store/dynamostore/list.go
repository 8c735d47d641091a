package dynamostore

import (
	"context"
	"iter"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/cloakroom/cloakroom/store"
)

// List implements [store.Lister]. It scans the whole table, whatever the
// prefix, and holds one page of at most 1 MiB. Items that are none of this
// store's are passed over.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	const op = "list"
	return func(yield func(store.Entry, error) bool) {
		in := &dynamodb.ScanInput{
			TableName:                 s.table,
			ConsistentRead:            aws.Bool(true),
			FilterExpression:          aws.String(isLive),
			ExpressionAttributeNames:  map[string]string{"#e": attrExpires},
			ExpressionAttributeValues: attributes{":now": moment(time.Now())},
		}
		if prefix != "" {
			in.FilterExpression = aws.String("begins_with(#k, :p) AND " + isLive)
			in.ExpressionAttributeNames["#k"], in.ExpressionAttributeValues[":p"] = attrKey, text(prefix)
		}
		for {
			if err := s.begin(ctx, op); err != nil {
				yield(store.Entry{}, err)
				return
			}
			if !utf8.ValidString(prefix) {
				return // no key has it, and the server would refuse it
			}
			out, err := s.client.Scan(ctx, in)
			if err != nil {
				yield(store.Entry{}, s.fail(ctx, op, err))
				return
			}
			if !s.page(ctx, out.Items, prefix, yield) {
				return
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
				return
			}
		}
	}
}

// page yields records, and reports whether the walk goes on.
func (s *Store) page(ctx context.Context, items []attributes, prefix string, yield func(store.Entry, error) bool) bool {
	for _, item := range items {
		e, err := s.layout.entry(item)
		if err != nil || store.CheckKey(e.Key) != nil || !strings.HasPrefix(e.Key, prefix) || !e.Record.Live(time.Now()) {
			continue
		}
		if err := s.begin(ctx, "list"); err != nil {
			yield(store.Entry{}, err)
			return false
		}
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// DeleteExpired implements [store.Cleaner]. A table with time to live
// ([Store.EnsureTable]) removes expired items by itself, for nothing; this is
// for others, such as those that Flask-Session 0.8.0 has created. It scans the
// table, and goes on at the next call where it stopped at its limit.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int, error) {
	const op = "delete expired"
	if err := s.begin(ctx, op); err != nil {
		return 0, err
	}
	s.mu.Lock()
	at := s.cleaned
	s.mu.Unlock()
	removed, fromStart := 0, len(at) == 0
	for removed < limit {
		now := time.Now()
		keys, next, err := s.expired(ctx, now, at)
		if err != nil {
			return removed, s.fail(ctx, op, err)
		}
		all := len(keys) <= limit-removed
		if !all {
			keys = keys[:limit-removed]
		}
		n, err := s.removeExpired(ctx, now, keys)
		removed += n
		if err != nil {
			return removed, s.fail(ctx, op, err)
		}
		if !all {
			continue // the same page again, if others have removed some of it
		}
		if at = next; len(at) > 0 {
			continue
		}
		if fromStart {
			break
		}
		fromStart = true
	}
	s.mu.Lock()
	s.cleaned = at
	s.mu.Unlock()
	return removed, nil
}

// expired returns the keys of expired items among the next page of the table,
// and where to go on, nil at its end.
func (s *Store) expired(ctx context.Context, now time.Time, at attributes) (keys []attributes, next attributes, err error) {
	out, err := s.client.Scan(ctx, &dynamodb.ScanInput{
		TableName:                 s.table,
		ExclusiveStartKey:         at,
		ConsistentRead:            aws.Bool(true),
		FilterExpression:          aws.String(isExpired),
		ProjectionExpression:      aws.String("#k"),
		ExpressionAttributeNames:  map[string]string{"#k": attrKey, "#e": attrExpires},
		ExpressionAttributeValues: attributes{":now": moment(now)},
	})
	if err != nil {
		return nil, nil, err
	}
	return out.Items, out.LastEvaluatedKey, nil
}

// removers is how many requests delete expired items at a time.
const removers = 8

// removeExpired deletes items, but for those that have been saved anew, and
// returns how many it has deleted.
func (s *Store) removeExpired(ctx context.Context, now time.Time, keys []attributes) (removed int, err error) {
	ctx, cancel := context.WithCancel(ctx) // the others need not fail each by itself
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	todo := make(chan attributes)
	for range min(removers, len(keys)) {
		wg.Go(func() {
			for key := range todo {
				done, e := s.removeIfExpired(ctx, now, key)
				mu.Lock()
				if done {
					removed++
				}
				if err == nil && e != nil {
					err = e
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	for _, key := range keys {
		todo <- key
	}
	close(todo)
	wg.Wait()
	return removed, err
}

func (s *Store) removeIfExpired(ctx context.Context, now time.Time, key attributes) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: s.table, Key: key,
		ConditionExpression:       aws.String(isExpired),
		ExpressionAttributeNames:  map[string]string{"#e": attrExpires},
		ExpressionAttributeValues: attributes{":now": moment(now)},
	})
	if isConditionFailed(err) {
		return false, nil
	}
	return err == nil, err
}
