// Package probe finds out whether a store does what sessions need of it, by
// doing it. It is the Ping of the stores.
package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Prefix begins the keys of the records that Ping makes.
const Prefix = "cloakroom:ping:"

// Life is how long a record of a Ping lives that could not delete it. The
// database's clock may decide when it has expired, so it is long enough for a
// clock that is wrong by minutes.
const Life = 5 * time.Minute

// Key returns a new key for one Ping. No other Ping has it, in any process, so
// that two at once do not meet.
func Key() string { return Prefix + rand.Text() }

// Ping creates the record of key in s, loads, replaces and touches it, and
// deletes it again. The key must be a new one, see [Key], and now is the time
// by the clock of s. The error of a step
// becomes one of the package name's operation ping. If the step comes after the
// record was created, Ping still tries to delete it.
func Ping(ctx context.Context, name string, s store.Store, key string, now time.Time) error {
	expires := now.Add(Life)
	created, err := s.Save(ctx, key, store.Record{}, store.Record{Data: []byte("ping"), Expires: expires})
	if err != nil {
		return Failed(name, err)
	}
	err = use(ctx, s, key, created, expires)
	if err != nil && ctx.Err() == nil {
		_ = s.Delete(ctx, key) // else it goes with its expiry
	}
	if err == nil {
		err = s.Delete(ctx, key)
	}
	if err != nil {
		return Failed(name, err)
	}
	return nil
}

// use does with a record what sessions do between their beginning and end.
func use(ctx context.Context, s store.Store, key string, created store.Record, expires time.Time) error {
	read, err := s.Load(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return store.WithAdvice(errors.New("load: the record that was just saved is not there"),
			"Compare the clocks of this machine and of the store's server, and see that reads do not go to a replica.")
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(read.Data, created.Data) {
		return errors.New("load: the record is not the one that was just saved")
	}
	replaced, err := s.Save(ctx, key, read, store.Record{Data: []byte("pong"), Expires: expires})
	if err != nil {
		return err
	}
	return s.Touch(ctx, key, replaced, expires.Add(time.Minute))
}

// Failed makes the error of a step of a Ping one of the Ping itself, with the
// name of the package once.
func Failed(name string, err error) error { return &stepError{name, err} }

// stepError is such an error: "redisstore: ping: save: …".
type stepError struct {
	name string
	err  error
}

func (e *stepError) Error() string {
	return e.name + ": ping: " + strings.TrimPrefix(e.err.Error(), e.name+": ")
}

func (e *stepError) Unwrap() error { return e.err }
