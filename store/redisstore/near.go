package redisstore

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/store/redisstore/internal/redisproto"
)

// near is the cache that the client keeps with the help of the server, and the
// guard that makes this store see its own changes. The client learns of a
// change on another connection than the one that made it, at some later time,
// so each key is read from the server from the end of a change until all that
// was cached before it has become too old.
type near struct {
	client   rueidis.Client
	prefix   string
	staleFor time.Duration

	seed maphash.Seed
	mu   sync.Mutex
	// Hashes of the keys that were changed since turned, and in the time of
	// staleFor before that: two generations instead of a timer for each.
	recent, older map[uint64]struct{}
	turned        time.Time
}

func newNear(client rueidis.Client, prefix string, staleFor time.Duration) *near {
	return &near{client: client, prefix: prefix, staleFor: staleFor, seed: maphash.MakeSeed(), turned: time.Now()}
}

// find returns what is cached, or was now read into the cache, for a key, and
// the time at which its time to live counts. It returns false if the server is
// to be asked.
func (n *near) find(ctx context.Context, key string) (redisproto.Found, time.Time, bool) {
	none := redisproto.Found{}
	if n.changed(key) {
		return none, time.Time{}, false
	}
	begin := time.Now()
	w := redisproto.FindWords
	// The lifetime in the cache is ours alone: the record's own is in the answer.
	cmd := n.client.B().EvalshaRo().Sha1(w[1]).Numkeys(1).Key(n.prefix + key).Cache().ToStaticTTL()
	r, err := redisproto.Await(ctx, func() (rueidis.RedisResult, error) { return n.client.DoCache(ctx, cmd, n.staleFor), nil })
	if err != nil {
		return none, time.Time{}, false
	}
	f, err := found(r)
	if err != nil {
		return none, time.Time{}, false // asking the server itself tells why
	}
	// A lookup that another reader began long ago may just have ended.
	until := time.UnixMilli(r.CachePXAT())
	if !r.IsCacheHit() {
		return f, time.Now(), true
	}
	if !until.After(begin) {
		return none, time.Time{}, false
	}
	then := until.Add(-n.staleFor)
	if f.Exists && f.TTL >= 0 && begin.UnixMilli() >= then.UnixMilli()+f.TTL {
		return none, time.Time{}, false // it has expired meanwhile, or is about to
	}
	return f, then, true
}

// check asks the server for what find asks it. Without it a server that lacks
// the command, or denies it, would have every read sent twice, for nothing.
func (n *near) check(ctx context.Context) error {
	w := redisproto.FindWords
	_, err := redisproto.Await(ctx, func() (redisproto.Found, error) {
		return found(n.client.Do(ctx, n.client.B().EvalshaRo().Sha1(w[1]).Numkeys(1).Key(n.prefix+"cloakroom:ping").Build()))
	})
	if e, ok := rueidis.IsRedisErr(err); ok && (e.IsNoScript() || redisproto.DeniesKey(e.Error())) {
		return nil // it is known, and the script comes with the first read
	}
	return err
}

// changed reports whether this store has lately changed a key.
func (n *near) changed(key string) bool {
	h := maphash.String(n.seed, key)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turn(time.Now())
	_, ok := n.recent[h]
	if !ok {
		_, ok = n.older[h]
	}
	return ok
}

// change notes that a change of key has ended, before its caller is told. It
// does nothing without a near cache.
func (n *near) change(key string) {
	if n == nil {
		return
	}
	h := maphash.String(n.seed, key)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turn(time.Now())
	if n.recent == nil {
		n.recent = map[uint64]struct{}{}
	}
	n.recent[h] = struct{}{}
}

// turn lets changes be forgotten that ended longer ago than staleFor.
func (n *near) turn(now time.Time) {
	switch age := now.Sub(n.turned); {
	case age < n.staleFor:
		return
	case age < 2*n.staleFor:
		n.older, n.recent = n.recent, nil
	default:
		n.older, n.recent = nil, nil
	}
	n.turned = now
}
