// Package ledger is what a session is and what a change of one is.
//
// A [Base] is a session as it was last read or written: its values in the
// bytes of a codec. A [Draft] is what one request wants to change. It is a list
// of changes, not a copy of the session: [Draft.Apply] gives the session that
// comes of a base and a draft, and [Draft.Rebase] prepares the draft for a base
// that somebody else has saved meanwhile.
//
// All of it is pure: no clock, no store, no lock, no context. The caller
// serialises the use of a Draft.
package ledger

import "github.com/cloakroom/cloakroom/codec"

// Names in a record that belong to cloakroom. The first two are Flask's, the
// others are ours in native mode alone.
const (
	NamePermanent = "_permanent" // bool: the cookie outlives the browser
	NameFlashes   = "_flashes"   // list of [category, message]
	NameCreated   = "_created"   // Unix time in seconds from which the lifetime counts
	NameMeta      = "_cloakroom" // dictionary, see Meta
)

// A Style is how sessions are written down.
type Style struct {
	// Codec is that of new records. Others keep theirs, see [Style.CodecOf].
	Codec codec.Codec

	// Created makes _created one of our names, which new records have; otherwise
	// it is a value like any other. Aging writes it into records that lack it.
	Created, Aging bool

	// Meta, if it is not nil, makes _cloakroom one of our names, and is what
	// most sessions have there.
	Meta *Meta

	// Permanent is what a new session is, unless the request says otherwise.
	Permanent bool

	// Permanence says how _permanent is written.
	Permanence Permanence

	// EmptyEnds ends a session in which a change has left nothing. Otherwise it
	// keeps its record, so that a request in flight can still add to it.
	EmptyEnds bool

	// Flash returns a flash message as it stands in the record.
	Flash func(category, message string) any

	// MaxFlashes and MaxFlashBytes bound the flash messages that no page shows,
	// in their number and in the bytes that they take, about. Where a request
	// adds one too many the oldest go, a tenth of the bound at once; by
	// their bytes only those of earlier requests. Zero is no bound.
	MaxFlashes, MaxFlashBytes int
}

// A Permanence is a way to write _permanent.
type Permanence uint8

const (
	// PermanentIfTrue writes it only when it is true, before the values.
	PermanentIfTrue Permanence = iota
	// PermanentAsSet writes it where and as it was set, as Flask-Session does.
	PermanentAsSet
	// PermanentAsValue does the same, and it counts as a value: it alone makes
	// a session, and Clear removes it. It is so in Flask's own cookie.
	PermanentAsValue
)

// CodecOf returns the codec in which changes of b are written: that of its
// record, which another program may share that reads no other one.
func (st *Style) CodecOf(b *Base) codec.Codec {
	if b.Exists() {
		return b.Codec
	}
	return st.Codec
}

// Reserved reports whether name is one of those that cloakroom keeps things of
// its own under.
func (st *Style) Reserved(name string) bool {
	return len(name) > 0 && name[0] == '_' &&
		(name == NamePermanent || name == NameFlashes || name == NameCreated && st.Created || name == NameMeta && st.Meta != nil)
}

// PairFlash is the Style.Flash of most formats: a list of two.
func PairFlash(category, message string) any { return []any{category, message} }
