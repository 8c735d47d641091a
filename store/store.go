// Package store defines what a session store is: the contract between
// cloakroom's engine and the place where its records live.
//
// It is all that the author of a store needs to import. The contract is
// written down in the comments of [Store] and its optional capabilities, and
// as a test suite in package storetest: a store is right when storetest says
// so.
package store

import (
	"context"
	"time"
)

// A Record is what a store holds for one session. The zero Record stands for
// "no record": Data is nil there, and never nil in a record that exists.
type Record struct {
	// Data is the session in its codec's bytes, opaque to the store. It may be
	// empty. Nobody ever changes the bytes behind Data: not the store after
	// Load or Save returned them, not the caller who has passed them to Save or
	// got them from Load. So memory can be shared.
	Data []byte

	// Expires is the moment from which the record is no longer live. The zero
	// time means that it never expires.
	Expires time.Time

	// Token is the store's own mark for this version of the record. Load and
	// Save set it; callers hand it back unchanged in prev. It is zero in stores
	// that compare Data instead.
	Token uint64
}

// Exists reports whether r is a record at all, that is, not the zero Record.
func (r Record) Exists() bool { return r.Data != nil }

// Live reports whether r exists and has not expired at the time now.
func (r Record) Live(now time.Time) bool {
	return r.Exists() && (r.Expires.IsZero() || now.Before(r.Expires))
}

// A Store keeps records by key. Its methods may be called by any number of
// goroutines, and the records may be shared with other processes.
//
// Rules for all methods:
//
//   - A key that [CheckKey] refuses is answered with its error, before
//     anything else happens. Two different keys never name the same record:
//     not by case, not by trailing space, not by truncation.
//   - A context that is already done when the call begins is answered with an
//     error that matches its cause, and nothing changes. A context that ends
//     while the call runs makes it return soon; whether a change took effect
//     is then unknown.
//   - A record that has expired does not exist, however long the store takes
//     to remove it. A store whose clock is coarse may keep a record up to its
//     precision longer than asked, never shorter.
//   - Errors name the operation and its cause, never a key or data, and match
//     the errors of this package with errors.Is. Where an operator can do
//     something about it, they carry [Advice].
//   - What a method has acknowledged is visible to every Load that begins
//     later, in this process and in others.
type Store interface {
	// Load returns the live record of key with its expiry and token, or
	// [ErrNotFound].
	Load(ctx context.Context, key string) (Record, error)

	// Save replaces prev by next in one atomic step, and only if the live
	// record of key is still prev; otherwise it changes nothing and answers
	// [ErrConflict]. The zero Record stands for no record: a zero prev creates,
	// a zero next deletes. A next that has already expired also deletes.
	// So a record that was deleted after it was loaded is never brought back.
	//
	// A record is still prev if nobody saved it in between: the same token, or
	// the same data in stores without tokens. Touch does not count as a change.
	//
	// Save returns next as it is now stored, with its token. A record that the
	// store cannot hold is answered with [ErrTooLarge].
	Save(ctx context.Context, key string, prev, next Record) (Record, error)

	// Touch moves the expiry of the live record of key on to expires and leaves
	// its data alone. It never shortens: if the record lives longer already,
	// Touch does nothing. It never revives: if no record is live it answers
	// [ErrNotFound]. The zero time means never.
	//
	// prev is the record as the caller knows it, for stores that can only touch
	// by rewriting. If the record has changed since, its expiry is moved all
	// the same, and its newer data stays.
	Touch(ctx context.Context, key string, prev Record, expires time.Time) error

	// Delete removes the record of key, whatever it holds. A missing record is
	// no error. Once Delete has returned, no Save with an earlier prev succeeds.
	Delete(ctx context.Context, key string) error
}
