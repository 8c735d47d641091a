// Package redisstore keeps sessions in Redis or Valkey, on one server, behind
// Sentinel, or in a cluster, by a client of rueidis. Programs that hold a
// client of go-redis use package goredisstore below it instead.
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"localhost:6379"}})
//	sessions, err := redisstore.New(client, redisstore.Options{})
//
// or, from configuration, [Open].
//
// A record is a plain string under the session's key, with a time to live, and
// nothing else, which is what Flask-Session writes, too. Each method takes one
// round trip. Save compares the record's bytes with what was read inside the
// server: by SET with IFEQ where the server knows it (Valkey 8.1, Redis 8.4),
// else by a script. All servers from Redis 4 on will do.
//
// The server must not evict sessions: set maxmemory-policy to noeviction. The
// volatile policies evict just them, as they have a time to live. What it has
// acknowledged survives its crash with appendfsync always; with appendfsync everysec the
// last second may be lost. A replica that takes over from its master lacks what
// had not reached it, logouts included: see [Options.Replicas].
package redisstore

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/redis/rueidis"

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
	// [DefaultMaxRecord]. It keeps one visitor from sending the server what it
	// answers by closing the connection that others use, too: stay below its
	// proto-max-bulk-len.
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

	// StaleFor, if not zero, keeps records that were read in the memory of this
	// process, so that reading them again takes no round trip. The server says
	// when one of them changes; until it has said so, and for StaleFor at most,
	// a record that another process changed, or deleted at a logout, may be
	// read as it was. What this store itself has changed is read from the
	// server for StaleFor, so that it always sees its own changes: use one store
	// for the whole process. It needs RESP3 (Redis 7, Valkey) and a client whose
	// cache is not disabled. Zero is the safe choice.
	StaleFor time.Duration
}

// Store is a store on Redis. It is a [store.BatchLoader], a [store.Lister] and a
// [store.Pinger]; the server removes expired records by itself. Its methods may
// be called concurrently.
type Store struct {
	core   *redisproto.Store
	client rueidis.Client
	near   *near // nil without StaleFor
	owned  bool
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.BatchLoader = (*Store)(nil)
	_ store.Lister      = (*Store)(nil)
	_ store.Pinger      = (*Store)(nil)
)

// New returns a store that uses client, which stays the caller's to close.
// The client may be of any kind: for a single server, Sentinel, or a cluster.
// New does not talk to the server; Ping does.
//
// Set AlwaysPipelining in the client's options, as Open does: otherwise rueidis
// closes a connection when the time of a call on it is over, and what others
// have sent on it fails. With StaleFor, the client must not send reads to
// replicas, which may lag behind.
func New(client rueidis.Client, o Options) (*Store, error) {
	if client == nil {
		return nil, errors.New("redisstore: the client is nil")
	}
	if o.StaleFor < 0 {
		return nil, errors.New("redisstore: StaleFor is negative")
	}
	core, err := newCore(client, o)
	if err != nil {
		return nil, err
	}
	s := &Store{core: core, client: client}
	if o.StaleFor > 0 {
		s.near = newNear(client, o.Prefix, o.StaleFor)
	}
	return s, nil
}

func newCore(client rueidis.Client, o Options) (*redisproto.Store, error) {
	return redisproto.New(&driver{client}, redisproto.Options{
		Name: "redisstore", Prefix: o.Prefix, MaxRecord: o.MaxRecord, Cachelib: o.Cachelib, Replicas: o.Replicas})
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	if s.near != nil && store.CheckKey(key) == nil && s.core.Ready(ctx, "load") == nil {
		if found, then, ok := s.near.find(ctx, key); ok {
			return s.core.Record(found, then)
		}
	}
	return s.core.Load(ctx, key)
}

// LoadAll implements [store.BatchLoader]. It asks for 256 records in one round
// trip, of a cluster in one to each master, and always the server, whatever
// StaleFor is.
func (s *Store) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	return s.core.LoadAll(ctx, keys)
}

// Save implements [store.Store].
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	defer s.near.change(key)
	return s.core.Save(ctx, key, prev, next)
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	defer s.near.change(key)
	return s.core.Touch(ctx, key, prev, expires)
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	defer s.near.change(key)
	return s.core.Delete(ctx, key)
}

// List implements [store.Lister]. It uses SCAN, on each master of a cluster in
// turn. In a cluster that moves slots meanwhile, records that move may be
// missed.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return s.core.List(ctx, prefix)
}

// Ping implements [store.Pinger]. It saves, loads, touches and deletes a record
// of its own, in five round trips. So a replica, a server that takes no changes
// at present, and a user who lacks a right, is an error, too, and so is a server
// that cannot do what StaleFor needs. Of a cluster it asks one master, by chance
// another one each time. A record that it could not delete expires after five
// minutes.
//
// The record's key is cloakroom:ping: and some letters, behind the prefix, or
// behind the prefix and session: where the user may not touch the former. Of a
// user who may touch neither, Ping only finds out whether the commands are
// allowed.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.core.Ping(ctx); err != nil || s.near == nil {
		return err
	}
	return s.core.Fail(ctx, "ping", s.near.check(ctx))
}

// Close ends the store: every later call answers [store.ErrClosed]. It closes
// the client only if [Open] made it.
func (s *Store) Close() error {
	if s.core.Close() && s.owned {
		s.client.Close()
	}
	return nil
}
