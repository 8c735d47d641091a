package cloakroom

import (
	"context"
)

// A KeyCount says how many live records of a store are sealed with which key:
// those of sessions, of users, and of IDs that a renewal has replaced. What
// Options.Revocations of another Manager holds there is never sealed, and not
// counted. Keys are named by their position in Options.RecordKeys alone.
type KeyCount struct {
	// Keys has a number for each of Options.RecordKeys, in their order. The
	// first key seals; another one can be dropped when its number is zero and no
	// process seals with it any more.
	Keys []int
	// Unknown are sealed with a key that is not listed.
	Unknown int
	// Unsealed are not sealed.
	Unsealed int
	// Marks are what is left for some minutes under the store keys of sessions that
	// have ended, or moved by a login or Regenerate. They are in none of the other
	// numbers.
	Marks int
}

// CountKeys walks through the records below Options.KeyPrefix and counts them by
// the keys that sealed them, to know when a key can be dropped. It goes by the
// key ID that a record claims and opens none. Every record is read from the store
// and few are in memory at a time, so that a walk through a large store takes
// long: it ends with ctx, not after Options.StoreTimeout.
//
// A record that is written during the walk may be missed, or be counted under
// its former key, or twice. The error matches ErrUnsupported if the store cannot
// list its records, or if the sessions are in their cookies; otherwise it is the
// store's, or that of ctx. There are no numbers with an error.
func (m *Manager) CountKeys(ctx context.Context) (KeyCount, error) {
	n, err := m.engine.CountKeys(ctx)
	return KeyCount(n), err
}
