package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// The optional capabilities of a store. Each is found by type assertion. A
// method that a store has but cannot serve in its present set-up answers
// [ErrUnsupported] with the reason.
//
//	capability   what for
//	BatchLoader  lists of a user's devices, sessions that are watched
//	BatchSaver   a session together with its user's record, in one round trip
//	Lister       admin tools, migration
//	Cleaner      stores whose server does not expire records by itself
//	Pinger       health checks
//	io.Closer    stores that own connections, files or timers

// A BatchLoader can load many records with fewer round trips than one for each.
// Callers use [LoadAll], which also serves stores that are none.
type BatchLoader interface {
	// LoadAll returns one record for each of keys, in their order: what Load
	// would return, expiry, token and marks of ended sessions included, and the
	// zero Record where none is live. Any key may stand there more than once.
	// Records of several keys need not be of one moment; each is at least as new
	// as what was acknowledged before the call began.
	//
	// There may be any number of keys, also none: the store divides them into
	// as many pieces as it needs. All records are in memory together. If
	// [CheckKey] refuses a key, that is the answer, before the store is asked
	// for any. An error, also because of one record that cannot be read, means
	// that nothing is known of any of them.
	LoadAll(ctx context.Context, keys []string) ([]Record, error)
}

// LoadAll returns one record for each of keys, as [BatchLoader] says, from any
// store: by one that is no BatchLoader, or that answers [ErrUnsupported], the
// records are loaded one after another.
func LoadAll(ctx context.Context, s Store, keys []string) ([]Record, error) {
	for _, key := range keys {
		if err := CheckKey(key); err != nil {
			return nil, fmt.Errorf("store: load all: %w", err)
		}
	}
	if b, ok := s.(BatchLoader); ok {
		records, err := b.LoadAll(ctx, keys)
		if !errors.Is(err, ErrUnsupported) {
			return records, err
		}
	}
	records := make([]Record, len(keys))
	for i, key := range keys {
		r, err := s.Load(ctx, key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err == nil {
			records[i] = r
		}
	}
	return records, nil
}

// A Change is one record that is to be saved: what Save(ctx, Key, Prev, Next)
// would do.
type Change struct {
	Key        string
	Prev, Next Record
}

// A BatchSaver can save several records at once, all of them or none.
//
// There is no function for stores that are none: to save one record after
// another is not the same, and callers have to know what they do in between.
type BatchSaver interface {
	// SaveAll does with each of changes what Save does, a zero and an expired
	// next included, and all of it in one atomic step: if the live record of
	// one key is not prev, it answers [ErrConflict], and if the store cannot
	// hold one next, [ErrTooLarge], and changes nothing. It returns the records
	// as they are now stored, with their tokens, in the order of changes, and
	// the zero Record for each that was deleted.
	//
	// Once it has been acknowledged, every Load and LoadAll that begins later
	// sees all of it. A reader at the same time may see some of the changes
	// before the others, but no failure makes that last. After an error that is
	// none of ErrConflict, ErrTooLarge, [ErrUnsupported] and [ErrKey], it is
	// unknown whether the changes took effect: all of them did, or none.
	//
	// What [CheckChanges] refuses is answered with its error, before anything
	// else happens. Changes are few, in general two or three; no changes do
	// nothing. ErrUnsupported means that nothing was saved, and that the caller
	// may save the records one after another.
	SaveAll(ctx context.Context, changes []Change) ([]Record, error)
}

// CheckChanges refuses changes of a [BatchSaver] with a key that [CheckKey]
// refuses, and two with the same key. Its error matches [ErrKey] and does not
// quote the key.
func CheckChanges(changes []Change) error {
	seen := make(map[string]bool, len(changes))
	for _, c := range changes {
		if err := CheckKey(c.Key); err != nil {
			return err
		}
		if seen[c.Key] {
			return fmt.Errorf("%w: two changes have the same one", ErrKey)
		}
		seen[c.Key] = true
	}
	return nil
}

// An Entry is one record together with its key, as a [Lister] yields it.
type Entry struct {
	Key    string
	Record Record
}

// A Lister can walk over all of its records.
type Lister interface {
	// List yields every live record whose key begins with prefix, marks of
	// ended sessions (see [ParseMark]) and users' records included, each at
	// least once if it was there from the beginning to the end of the walk, in
	// no particular order. It holds a bounded number of records in memory, does
	// not block other users of the store for long, and stops with the error
	// as the last element. The caller may change or delete records on the way.
	List(ctx context.Context, prefix string) iter.Seq2[Entry, error]
}

// A Cleaner removes expired records when asked, for stores whose server does
// not do it by itself. Expired records never count as existing; cleaning up
// is about space alone.
type Cleaner interface {
	// DeleteExpired removes at most limit records that have expired, and
	// returns how many it removed. If that is fewer than limit, none were left.
	// It may be called from many processes at once.
	DeleteExpired(ctx context.Context, limit int) (int, error)
}

// A Pinger can tell whether the store would answer.
type Pinger interface {
	// Ping returns nil if the store can be reached and used: if records can be
	// loaded and saved, by who runs the program, at present. The stores of this
	// project do that with a record of their own under a new key, which begins
	// with "cloakroom:ping:", and delete it again, so that a Ping costs as much
	// as a login, a request that changes its session, and a logout together. It
	// leaves nothing behind; what it could not delete expires after five
	// minutes. A List that runs at that moment may yield the record.
	Ping(ctx context.Context) error
}

// Close closes s if it is an io.Closer, and does nothing otherwise.
func Close(s Store) error {
	if c, ok := s.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Later returns the later of two expiries, where the zero time means never.
// It is what Touch needs in order not to shorten.
func Later(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if b.After(a) {
		return b
	}
	return a
}
