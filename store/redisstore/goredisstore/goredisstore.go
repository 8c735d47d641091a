// Package goredisstore keeps sessions in Redis or Valkey through the go-redis
// client that a program already holds: for one server, behind Sentinel, in a
// cluster, or a Ring.
//
//	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"localhost:6379"}})
//	sessions, err := goredisstore.New(client, goredisstore.Options{})
//
// It keeps the same records as package redisstore, so that both may be used at
// the same time, and what that package says about servers, durability and
// failover holds here, too. A program that has no client of go-redis takes
// redisstore: that one opens URLs and can keep records near.
package goredisstore

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redisproto"
)

// DefaultMaxRecord is the largest data of a record, in bytes, unless the
// options say otherwise. It is as much as the codecs of cloakroom read.
const DefaultMaxRecord = redisproto.DefaultMaxRecord

// Options are the settings of a [Store]. The zero value is right for most.
type Options struct {
	// Prefix is put before each key, in front of the prefix that the sessions'
	// manager puts there itself, where several programs share a server.
	Prefix string

	// MaxRecord is the largest data of one record, in bytes. Zero means
	// [DefaultMaxRecord]. Stay below the server's proto-max-bulk-len.
	MaxRecord int

	// Cachelib keeps records as cachelib's RedisCache does: with a "!" before
	// the value. Flask-Session uses it if its SESSION_TYPE is cachelib.
	Cachelib bool

	// Replicas is how many replicas must have received a change before it is
	// acknowledged. Zero means that the master alone is enough; what it has not
	// yet passed on is then lost when a replica takes over, be it planned. With
	// as many as there are replicas nothing is, but a change fails while one of
	// them is away. It costs the way to the replicas and back for each change. In a
	// cluster, changes of records that are just being moved fail.
	Replicas int
}

// Store is a store on Redis. It is a [store.BatchLoader], a [store.Lister] and a
// [store.Pinger]; the server removes expired records by itself. Its methods may
// be called concurrently.
type Store struct{ core *redisproto.Store }

var (
	_ store.Store       = (*Store)(nil)
	_ store.BatchLoader = (*Store)(nil)
	_ store.Lister      = (*Store)(nil)
	_ store.Pinger      = (*Store)(nil)
)

// New returns a store that uses client, which stays the caller's to close. New
// does not talk to the server; Ping does.
//
// The client's own retries apply to reads. A Save is never sent twice, whatever
// MaxRetries says: it would meet its own change and take it for another's.
// Calls end with their context, also if the client's ContextTimeoutEnabled is
// false. A client that reads from replicas (ReadOnly, RouteByLatency,
// RouteRandomly) still reads sessions from masters.
//
// A Ring gives the keys of a server that is down to the others. This store does
// not go along: while one is down, all calls are errors, once the Ring has
// noticed. The list of a Ring's servers must stay as it was made, and its hooks
// do not see the store's commands; those of its servers' clients do.
func New(client redis.UniversalClient, o Options) (*Store, error) {
	if client == nil {
		return nil, errors.New("goredisstore: the client is nil")
	}
	core, err := redisproto.New(&driver{client}, redisproto.Options{
		Name: "goredisstore", Prefix: o.Prefix, MaxRecord: o.MaxRecord, Cachelib: o.Cachelib, Replicas: o.Replicas})
	if err != nil {
		return nil, err
	}
	return &Store{core}, nil
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	return s.core.Load(ctx, key)
}

// LoadAll implements [store.BatchLoader]. It asks for 256 records in one round
// trip, of a cluster or a Ring in one to each server.
func (s *Store) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	return s.core.LoadAll(ctx, keys)
}

// Save implements [store.Store].
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	return s.core.Save(ctx, key, prev, next)
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	return s.core.Touch(ctx, key, prev, expires)
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error { return s.core.Delete(ctx, key) }

// List implements [store.Lister]. It uses SCAN, on each master of a cluster or
// shard of a Ring in turn. In a cluster that moves slots meanwhile, records
// that move may be missed.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return s.core.List(ctx, prefix)
}

// Ping implements [store.Pinger]. It saves, loads, touches and deletes a record
// of its own, in five round trips. So a replica, a server that takes no changes
// at present, and a user who lacks a right, is an error, too. Of a cluster or a
// Ring it asks one server, by chance another one each time. A record that it
// could not delete expires after five minutes.
//
// The record's key is cloakroom:ping: and some letters, behind the prefix, or
// behind the prefix and session: where the user may not touch the former. Of a
// user who may touch neither, Ping only finds out whether the commands are
// allowed.
func (s *Store) Ping(ctx context.Context) error { return s.core.Ping(ctx) }

// Close ends the store: every later call answers [store.ErrClosed]. The client
// stays open.
func (s *Store) Close() error {
	s.core.Close()
	return nil
}
