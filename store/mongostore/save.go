package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/cloakroom/cloakroom/store"
)

// The largest records in bytes. MongoDB's limit is 16 MiB for a document, and
// for the condition and the change of one save together, of which the former
// holds the old bytes in Flask's layout.
const (
	MaxSize      = 16<<20 - 2<<10
	MaxFlaskSize = MaxSize / 2
)

// Save implements [store.Store].
//
// A save that replaces or deletes is one command. So is one that creates,
// unless an expired document is in the way in Flask's layout.
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	const op = "save"
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	if err := s.fits(prev, next); err != nil {
		return store.Record{}, fmt.Errorf("mongostore: %s: %w", op, err)
	}
	if err := s.begin(ctx, op); err != nil {
		return store.Record{}, err
	}
	now := time.Now()
	if !next.Live(now) {
		return store.Record{}, s.drop(ctx, key, prev, now)
	}
	fields, stored := s.layout.fields(next)
	var done bool
	var err error
	switch {
	case prev.Exists():
		done, err = s.replace(ctx, key, prev, fields, now)
	case s.layout.uniqueKey:
		done, err = s.create(ctx, key, fields, now)
	default:
		done, err = s.createOrTake(ctx, key, fields, now)
	}
	if err != nil {
		return store.Record{}, s.fail(ctx, op, err)
	}
	if !done {
		return store.Record{}, conflict()
	}
	return stored, nil
}

// fits refuses what the server would: a document that is too large, and a
// command that is.
func (s *Store) fits(prev, next store.Record) error {
	if len(next.Data) > s.layout.max {
		return store.TooLarge(len(next.Data), s.layout.max)
	}
	if s.layout.versioned {
		return nil
	}
	// A Python process may have written more than half of the limit.
	if left := MaxSize - len(prev.Data); len(next.Data) > left {
		return store.TooLarge(len(next.Data), max(left, 0))
	}
	return nil
}

func (s *Store) replace(ctx context.Context, key string, prev store.Record, fields bson.D, now time.Time) (bool, error) {
	res, err := s.coll.UpdateOne(ctx, s.layout.isPrev(key, prev, now), set(fields))
	return err == nil && res.MatchedCount > 0, err
}

// create inserts a document, or replaces an expired one. If the document is
// live the filter does not match, and the insertion that follows in the same
// command fails because the key is there.
func (s *Store) create(ctx context.Context, key string, fields bson.D, now time.Time) (bool, error) {
	_, err := s.coll.UpdateOne(ctx, s.layout.isExpired(key, now), set(fields), options.UpdateOne().SetUpsert(true))
	if mongo.IsDuplicateKeyError(err) {
		return false, nil
	}
	return err == nil, err
}

// createOrTake is create for documents whose key may have no unique index. It
// inserts only where there is no document with the key, live or not; an
// expired one is then replaced by a second command.
func (s *Store) createOrTake(ctx context.Context, key string, fields bson.D, now time.Time) (bool, error) {
	insert := append(bson.D{{Key: fieldID, Value: objectID(key)}}, fields...)
	// Again if the server removes the expired document between the two.
	for range 3 {
		res, err := s.coll.UpdateOne(ctx, s.layout.byKey(key), bson.D{{Key: "$setOnInsert", Value: insert}},
			options.UpdateOne().SetUpsert(true))
		if mongo.IsDuplicateKeyError(err) {
			return false, nil
		}
		if err != nil || res.UpsertedCount > 0 {
			return err == nil, err
		}
		res, err = s.coll.UpdateOne(ctx, s.layout.isExpired(key, now), set(fields))
		if err != nil || res.MatchedCount > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

func set(fields bson.D) bson.D { return bson.D{{Key: "$set", Value: fields}} }

// drop deletes the record if it is still prev. A zero prev stands for none,
// which only has to be so.
func (s *Store) drop(ctx context.Context, key string, prev store.Record, now time.Time) error {
	const op = "save"
	if !prev.Exists() {
		_, err := s.Load(ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return conflict()
	}
	res, err := s.coll.DeleteOne(ctx, s.layout.isPrev(key, prev, now))
	if err != nil {
		return s.fail(ctx, op, err)
	}
	if res.DeletedCount == 0 {
		return conflict()
	}
	return nil
}

// Touch implements [store.Store]. It is one command, unless there is nothing
// to do.
func (s *Store) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	const op = "touch"
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.begin(ctx, op); err != nil {
		return err
	}
	// Only dates: $max takes a null for earlier than any.
	finite := bson.E{Key: fieldExpires, Value: bson.D{{Key: "$gt", Value: bson.NewDateTimeFromTime(time.Now())}}}
	res, err := s.coll.UpdateOne(ctx, append(s.layout.byKey(key), finite),
		bson.D{{Key: "$max", Value: bson.D{{Key: fieldExpires, Value: toDate(expires)}}}})
	if err != nil {
		return s.fail(ctx, op, err)
	}
	if res.MatchedCount > 0 {
		return nil
	}
	r, err := s.Load(ctx, key)
	if err != nil {
		return err
	}
	if r.Expires.IsZero() {
		return nil
	}
	// It has been created since.
	return notFound(op)
}
