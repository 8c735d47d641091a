package redisproto

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cloakroom/cloakroom/store"
)

// DefaultMaxRecord is the largest data of a record, in bytes, unless the
// options say otherwise. It is as much as the codecs of cloakroom read.
const DefaultMaxRecord = 16 << 20

// Options are the settings of a [Store].
type Options struct {
	Name      string // of the package, for errors
	Prefix    string // before each key
	MaxRecord int    // in bytes; zero means DefaultMaxRecord
	Cachelib  bool   // as cachelib's RedisCache writes values
	Replicas  int    // that must have a change before it is acknowledged
}

// Store is a store on Redis by some client library. It has the methods of
// package store's interfaces.
type Store struct {
	d      Driver
	o      Options
	marker string // before each value
	closed atomic.Bool

	// conditional is whether the server's SET has IFEQ: 0 if nobody has tried.
	conditional atomic.Int32

	pingFrom atomic.Int32 // the place in pingPrefixes at which Ping begins
}

const (
	conditionalYes = 1
	conditionalNo  = 2
)

// New returns a store. It does not talk to the server.
func New(d Driver, o Options) (*Store, error) {
	if o.MaxRecord < 0 {
		return nil, fmt.Errorf("%s: MaxRecord is negative", o.Name)
	}
	if o.Replicas < 0 {
		return nil, fmt.Errorf("%s: Replicas is negative", o.Name)
	}
	if o.MaxRecord == 0 {
		o.MaxRecord = DefaultMaxRecord
	}
	s := &Store{d: d, o: o}
	if o.Cachelib {
		s.marker = "!" // it means a pickle there; without it stand numbers
	}
	return s, nil
}

// Load implements store.Store, in one round trip.
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	const op = "load"
	if err := s.begin(ctx, op, key); err != nil {
		return store.Record{}, err
	}
	found, err := s.find(ctx, s.o.Prefix+key)
	if err != nil {
		return store.Record{}, s.Fail(ctx, op, err)
	}
	return s.Record(found, time.Now())
}

func (s *Store) find(ctx context.Context, key string) (Found, error) {
	found, err := s.d.Find(ctx, findCommand(key))
	if s.unknownScript(err) {
		found, err = s.d.Find(ctx, Command{Words: find.byText, Key: key, Repeatable: true})
	}
	return found, err
}

func findCommand(key string) Command {
	return Command{Words: find.bySHA, Key: key, Repeatable: true}
}

// Record turns what a server had for a key at the time then into the answer
// of Load.
func (s *Store) Record(found Found, then time.Time) (store.Record, error) {
	if !found.Exists {
		return store.Record{}, s.errorf("load", store.ErrNotFound)
	}
	data, ok := strings.CutPrefix(text(found.Data), s.marker)
	if !ok {
		return store.Record{}, store.WithAdvice(s.errorf("load", errMarker), adviseMarker)
	}
	r := store.Record{Data: found.Data[len(found.Data)-len(data):]}
	if r.Data == nil {
		r.Data = []byte{}
	}
	if found.TTL >= 0 {
		// Not then.Add: a Duration ends after 292 years.
		r.Expires = time.UnixMilli(then.UnixMilli() + found.TTL)
	}
	return r, nil
}

// Save implements store.Store, in one round trip.
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	const op = "save"
	if err := s.begin(ctx, op, key); err != nil {
		return store.Record{}, err
	}
	if len(next.Data) > s.o.MaxRecord {
		return store.Record{}, store.WithAdvice(s.errorf(op, store.TooLarge(len(next.Data), s.o.MaxRecord)), adviseTooLarge)
	}
	now := time.Now()
	live := next.Live(now)
	var done int64
	var err error
	switch key := s.o.Prefix + key; {
	case live && prev.Exists():
		done, err = s.replace(ctx, key, s.value(prev), s.value(next), lifetime(next.Expires, now))
	case live:
		done, err = s.set(ctx, key, s.value(next), lifetime(next.Expires, now), "NX")
	case prev.Exists():
		done, err = s.run(ctx, remove, key, s.value(prev))
	default:
		done, err = s.d.Int(ctx, Command{Words: wordsExists, Key: key, Repeatable: true})
		done = 1 - done
	}
	switch {
	case err != nil:
		return store.Record{}, s.Fail(ctx, op, err)
	case done == 0:
		return store.Record{}, s.errorf(op, store.ErrConflict)
	case !live:
		return store.Record{}, nil
	}
	return store.Record{Data: next.Data, Expires: next.Expires}, nil
}

// replace is Save for a record that exists and goes on existing.
func (s *Store) replace(ctx context.Context, key, prev, next, ttl string) (int64, error) {
	if known := s.conditional.Load(); known != conditionalNo {
		done, err := s.set(ctx, key, next, ttl, "IFEQ", prev)
		if err == nil {
			s.conditional.Store(conditionalYes)
			return done, nil
		}
		if message, ok := s.d.ServerError(err); !ok || !unspecific(message) {
			return 0, err
		}
		// An older server. Where it was something else, the script says what.
		s.conditional.Store(conditionalNo)
	}
	return s.run(ctx, replace, key, prev, next, ttl)
}

// set sends SET with a condition.
func (s *Store) set(ctx context.Context, key, value, ttl string, condition ...string) (int64, error) {
	args := make([]string, 0, 5)
	args = append(args, value)
	args = append(args, condition...)
	if ttl != "" {
		args = append(args, "PX", ttl)
	}
	return s.change(ctx, Command{Words: wordsSet, Key: key, Args: args})
}

// run runs a script.
func (s *Store) run(ctx context.Context, sc *script, key string, args ...string) (int64, error) {
	done, err := s.change(ctx, Command{Words: sc.bySHA, Key: key, Args: args})
	if s.unknownScript(err) {
		done, err = s.change(ctx, Command{Words: sc.byText, Key: key, Args: args})
	}
	return done, err
}

// change runs a command that may change something.
func (s *Store) change(ctx context.Context, c Command) (int64, error) {
	c.Replicas = s.o.Replicas
	return s.d.Int(ctx, c)
}

// unknownScript reports whether the server lacks a script, which it forgets
// when it restarts. It has then done nothing.
func (s *Store) unknownScript(err error) bool {
	if err == nil {
		return false
	}
	message, ok := s.d.ServerError(err)
	return ok && strings.HasPrefix(message, "NOSCRIPT ")
}

// Touch implements store.Store, in one round trip.
func (s *Store) Touch(ctx context.Context, key string, _ store.Record, expires time.Time) error {
	const op = "touch"
	if err := s.begin(ctx, op, key); err != nil {
		return err
	}
	done, err := s.run(ctx, touch, s.o.Prefix+key, lifetime(expires, time.Now()))
	if err != nil {
		return s.Fail(ctx, op, err)
	}
	if done == 0 {
		return s.errorf(op, store.ErrNotFound)
	}
	return nil
}

// Delete implements store.Store, in one round trip.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := s.begin(ctx, op, key); err != nil {
		return err
	}
	_, err := s.change(ctx, Command{Words: wordsDel, Key: s.o.Prefix + key, Repeatable: true})
	return s.Fail(ctx, op, err)
}

// Close makes all later calls answer store.ErrClosed. It reports whether it is
// the first call.
func (s *Store) Close() bool { return s.closed.CompareAndSwap(false, true) }

// begin is what each method with a key begins with.
func (s *Store) begin(ctx context.Context, op, key string) error {
	if err := store.CheckKey(key); err != nil {
		return s.errorf(op, err)
	}
	return s.Ready(ctx, op)
}

// Ready returns an error if the store is closed or ctx is done.
func (s *Store) Ready(ctx context.Context, op string) error {
	if s.closed.Load() {
		return s.errorf(op, store.ErrClosed)
	}
	if ctx.Err() != nil {
		return s.ended(ctx, op)
	}
	return nil
}

// ended is the error for a context that is done.
func (s *Store) ended(ctx context.Context, op string) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return s.errorf(op, err)
}

func (s *Store) errorf(op string, err error) error {
	return fmt.Errorf("%s: %s: %w", s.o.Name, op, err)
}

// value is the data of r as the server keeps it.
func (s *Store) value(r store.Record) string {
	if s.marker == "" {
		return text(r.Data)
	}
	return s.marker + text(r.Data)
}

// text is b without a copy. Nobody changes the bytes behind a record's data.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// lifetime is how many milliseconds are left until expires, rounded up, or
// empty for ever. It is sent instead of the moment itself, so that a record
// lives as long as asked whatever the server's clock says.
func lifetime(expires, now time.Time) string {
	if expires.IsZero() {
		return ""
	}
	// One more, because servers before 7.0 count from when they began to handle
	// a batch of commands.
	ms := expires.Add(time.Millisecond-1).UnixMilli() - now.UnixMilli() + 1
	return strconv.FormatInt(ms, 10)
}
