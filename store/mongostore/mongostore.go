package mongostore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/cloakroom/cloakroom/internal/probe"
	"github.com/cloakroom/cloakroom/store"
)

// Options set up a [Store]. The zero value is right for most programs.
type Options struct {
	// Flask keeps documents as Flask-Session 0.3 to 0.8 does, so that Python
	// processes share them. Otherwise documents have a version of their own,
	// which makes saves smaller and notices a record that was deleted and
	// created again with the same bytes. The two layouts do not read each
	// other's documents.
	Flask bool

	// WriteConcern is what a write waits for before it counts as done. Nil
	// means a majority of the replica set, so that a failover loses nothing.
	// One that waits for nothing is refused by New.
	WriteConcern *writeconcern.WriteConcern
}

// A Store keeps records as documents of one collection. It may be used by any
// number of goroutines and processes at the same time.
type Store struct {
	coll   *mongo.Collection
	layout layout
	client *mongo.Client // nil if it belongs to the caller
	closed atomic.Bool
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.BatchLoader = (*Store)(nil)
	_ store.Lister      = (*Store)(nil)
	_ store.Cleaner     = (*Store)(nil)
	_ store.Pinger      = (*Store)(nil)
)

// New returns a store that keeps its records in coll, which need not exist
// yet. It does not ask the server anything; see [Store.Ping] and
// [Store.EnsureIndexes].
//
// The store reads from the primary, whatever the read preference of coll is,
// and with its read concern. Its client stays the caller's: Close does not
// disconnect it.
func New(coll *mongo.Collection, o Options) (*Store, error) {
	if coll == nil {
		return nil, errors.New("mongostore: new: the collection is nil")
	}
	wc := o.WriteConcern
	if wc == nil {
		wc = writeconcern.Majority()
	}
	if !wc.Acknowledged() {
		return nil, errors.New("mongostore: new: the write concern waits for nothing, so that no save would be certain")
	}
	coll = coll.Clone(options.Collection().SetWriteConcern(wc).SetReadPreference(readpref.Primary()))
	return &Store{coll: coll, layout: layoutOf(o.Flask)}, nil
}

// begin answers a call that must not begin: because of its context, or because
// the store is closed.
func (s *Store) begin(ctx context.Context, op string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("mongostore: %s: %w", op, context.Cause(ctx))
	}
	if s.closed.Load() {
		return closedError(op)
	}
	return nil
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	const op = "load"
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	if err := s.begin(ctx, op); err != nil {
		return store.Record{}, err
	}
	raw, err := s.coll.FindOne(ctx, s.layout.byKey(key)).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return store.Record{}, notFound(op)
	}
	if err != nil {
		return store.Record{}, s.fail(ctx, op, err)
	}
	e, err := s.layout.entry(raw)
	if err != nil {
		return store.Record{}, damaged(op, err)
	}
	if e.Key != key {
		return store.Record{}, collated(op)
	}
	if !e.Record.Live(time.Now()) {
		return store.Record{}, notFound(op)
	}
	return e.Record, nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.begin(ctx, op); err != nil {
		return err
	}
	var err error
	if s.layout.uniqueKey {
		_, err = s.coll.DeleteOne(ctx, s.layout.byKey(key))
	} else {
		// Two Python processes can create two documents of one session.
		_, err = s.coll.DeleteMany(ctx, s.layout.byKey(key))
	}
	return s.fail(ctx, op, err)
}

// Ping implements [store.Pinger]. It saves, loads, touches and deletes a record
// of its own, in five commands, so that it also tells whether the user may. A
// record that it could not delete expires after five minutes.
func (s *Store) Ping(ctx context.Context) error {
	return probe.Ping(ctx, "mongostore", s, probe.Key(), time.Now())
}

// closeTimeout is how long Close waits for calls that are under way.
const closeTimeout = 5 * time.Second

// Close makes all later calls answer [store.ErrClosed]. It disconnects the
// client of a store that was opened by [Open].
func (s *Store) Close() error {
	if s.closed.Swap(true) || s.client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := s.client.Disconnect(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("mongostore: close: %w", err)
	}
	return nil
}
