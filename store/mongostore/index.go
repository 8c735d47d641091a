package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/cloakroom/cloakroom/store"
)

// EnsureIndexes makes the indexes that the collection should have, and does
// nothing where they are there: one on the expiry that makes the server remove
// expired documents by itself, the same that Flask-Session 0.8 makes; and in
// Flask's layout a unique one on the key, without which the server reads the
// whole collection for each session, and Python processes can create a session
// twice.
//
// Where the server cannot remove documents by itself the error matches
// [store.ErrUnsupported], and all else is done: expired documents are not
// returned all the same, but stay until [Store.DeleteExpired] is called.
func (s *Store) EnsureIndexes(ctx context.Context) error {
	const op = "ensure indexes"
	if err := s.begin(ctx, op); err != nil {
		return err
	}
	if !s.layout.uniqueKey {
		err := s.ensureIndex(ctx, s.layout.key, options.Index().SetUnique(true))
		if mongo.IsDuplicateKeyError(err) {
			return duplicates(op)
		}
		if err != nil {
			return s.fail(ctx, op, err)
		}
	}
	err := s.ensureIndex(ctx, fieldExpires, options.Index().SetExpireAfterSeconds(0))
	if hasCode(err, codeNotImplemented, codeCommandNotSupported, codeCommandNotFound) {
		return store.WithAdvice(
			fmt.Errorf("mongostore: %s: %w: the server cannot remove documents by itself (%s)", op, store.ErrUnsupported, redact(err)),
			adviseCleanup)
	}
	return s.fail(ctx, op, err)
}

func (s *Store) ensureIndex(ctx context.Context, field string, o *options.IndexOptionsBuilder) error {
	_, err := s.coll.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: field, Value: 1}}, Options: o})
	return err
}
