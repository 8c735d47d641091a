package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// Epochs let the sealed cookies of a user be revoked, which are listed nowhere. Each
// user has one, at random, in a small store; a login seals it into the cookie, and a
// cookie opens only while the two are equal. A revocation replaces it. It is never a
// time, since clocks differ. A missing one means revoked.

const (
	// EpochPrefix comes after the prefix of all keys in the key of a user's epoch.
	EpochPrefix = "epoch:"

	epochBytes = 16

	// epochAgain is how old an epoch may be that does not fit, unless the cookie is
	// of a login just now, perhaps in another process.
	epochAgain = time.Second

	maxEpochs = 1 << 16 // that are remembered
)

// epochs remembers what it has read for Engine.WatchInterval.
type epochs struct {
	store store.Store
	mu    sync.Mutex
	known map[string]*userEpoch // by store key
}

type userEpoch struct {
	mu    sync.Mutex
	value string // empty if there is none
	read  time.Time
}

func (e *Engine) epochKey(user string) string {
	sum := sha256.Sum256([]byte("cloakroom epoch\x00" + e.CookieName + "\x00" + user))
	return e.KeyPrefix + EpochPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// of returns what is remembered of a key.
func (es *epochs) of(key string) *userEpoch {
	es.mu.Lock()
	defer es.mu.Unlock()
	x := es.known[key]
	if x == nil {
		if es.known == nil || len(es.known) >= maxEpochs {
			es.known = map[string]*userEpoch{}
		}
		x = new(userEpoch)
		es.known[key] = x
	}
	return x
}

// load reads the epoch of a key.
func (es *epochs) load(ctx context.Context, key string) (string, store.Record, error) {
	rec, err := es.store.Load(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return "", store.Record{}, nil
	}
	if err != nil {
		return "", rec, unavailable("load the user's epoch", err)
	}
	return string(rec.Data), rec, nil
}

// revoked reports whether the login in a sealed cookie has been revoked, as far as
// this process has to know by now.
func (e *Engine) revoked(ctx context.Context, m *ledger.Meta) (bool, error) {
	if e.epochs.store == nil || m.User() == "" {
		return false, nil
	}
	key := e.epochKey(m.Login.User)
	x := e.epochs.of(key)
	x.mu.Lock()
	defer x.mu.Unlock()
	age := time.Since(x.read)
	// Of a login since the epoch was read, by other clocks perhaps, it is read again.
	again := age >= epochAgain || time.UnixMilli(m.Login.At).After(x.read.Add(-time.Minute))
	if x.read.IsZero() || age >= e.WatchInterval || x.value != m.Login.Epoch && again {
		call := newCallContext(ctx, e.StoreTimeout, true)
		defer call.close()
		value, _, err := e.epochs.load(call, key)
		if err != nil {
			return false, err
		}
		x.value, x.read = value, time.Now()
	}
	return x.value == "" || x.value != m.Login.Epoch, nil
}

// note remembers the epoch of a key.
func (es *epochs) note(key, value string) {
	x := es.of(key)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.value, x.read = value, time.Now()
}

// changeEpoch saves what change makes of a user's epoch and its expiry, which is "" if
// there is none.
func (e *Engine) changeEpoch(ctx context.Context, user string, change func(old string, expires time.Time) (string, time.Time)) (string, error) {
	key := e.epochKey(user)
	queue := turn{e: e}
	defer queue.pass()
	for tries := int32(1); ; tries++ {
		old, rec, err := e.epochs.load(ctx, key)
		if err != nil {
			return "", err
		}
		next, expires := change(old, rec.Expires)
		if next != "" && (next != old || !expires.Equal(rec.Expires)) {
			_, err = e.epochs.store.Save(ctx, key, rec, store.Record{Data: []byte(next), Expires: expires})
		}
		switch {
		case err == nil:
			e.epochs.note(key, next)
			return next, nil
		case !errors.Is(err, store.ErrConflict):
			return "", saveError(err)
		}
		if err := queue.wait(ctx, key); err != nil {
			return "", outOfTurns(tries, err)
		}
	}
}

func newEpoch() string {
	var raw [epochBytes]byte
	rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// enter sees to it that a session which is about to be sealed has its user's epoch,
// and that this lives as long as the session.
func (c *commit) enter(ctx context.Context) error {
	e := c.e
	login := c.draft.Login(c.version.Meta)
	if e.epochs.store == nil || login.User == "" || !c.draft.LogsIn() && !e.outlasts(c.limited(&c.version), c.now) {
		return nil
	}
	b := ledger.Base{Created: c.version.Created, Meta: c.meta(&c.version, c.now)}
	if c.draft.LogsIn() {
		b.Created = 0
	}
	until := e.listedUntil(&b, c.now)
	value, err := e.changeEpoch(ctx, login.User, func(old string, expires time.Time) (string, time.Time) {
		switch {
		case old != "":
			return old, store.Later(expires, until)
		case c.draft.LogsIn():
			return newEpoch(), until
		default:
			return "", until // it has been revoked
		}
	})
	if err != nil {
		return err
	}
	c.listed = until.UnixMilli()
	if c.draft.LogsIn() {
		c.epoch = value
	}
	return nil
}

// revokeSealed ends the sealed sessions of a user.
func (e *Engine) revokeSealed(ctx context.Context, user string, except []string) error {
	if e.epochs.store == nil {
		return store.WithAdvice(fmt.Errorf("cloakroom: revoke: %w: there are no Options.Revocations, and sessions that are sealed in their cookies are not listed anywhere", store.ErrUnsupported),
			"Set Options.Revocations, or keep sessions on the server with "+e.Rules.AdviceServer+".")
	}
	if len(except) > 0 {
		return store.WithAdvice(fmt.Errorf("cloakroom: revoke: %w: sessions that are sealed in their cookies are not told apart", store.ErrUnsupported),
			"Revoke all, and call Session.Login in the same request for the session that is to go on.")
	}
	call := newCallContext(ctx, e.StoreTimeout, false)
	defer call.close()
	_, err := e.changeEpoch(call, user, func(old string, expires time.Time) (string, time.Time) {
		if old == "" {
			return "", expires // there is nothing to revoke
		}
		return newEpoch(), expires
	})
	if err == nil {
		e.watches.revoked(user)
	}
	return err
}
