package store

import (
	"encoding/binary"
	"time"
)

// A Mark is what a session that has ended leaves under its key, instead of a
// record: so that a request in flight learns what has become of it. It is the
// one thing about Data that a store or a tool may look at. Most marks live for
// minutes. If it is evicted earlier the session does not come back, but a request
// in flight may begin another one. The bytes are
//
//	0xC1 "crm" 1 | kind (1 byte) | at (8 bytes, Unix milliseconds) | payload
//
// No codec and no seal begins like that.
type Mark struct {
	Kind MarkKind
	// At is when the session ended.
	At time.Time
	// Payload is where it went on, or what is left to do. It is sealed where
	// records are.
	Payload []byte
}

// A MarkKind says why a session has ended.
type MarkKind byte

const (
	// MarkEnded: by a logout or a revocation.
	MarkEnded MarkKind = 'E'
	// MarkMoved: by a login or another regeneration, under a new ID.
	MarkMoved MarkKind = 'M'
	// MarkRenewed: the session goes on under a new ID, to which the old ticket leads
	// for a while. It may live as long as the session.
	MarkRenewed MarkKind = 'R'
)

// MarkHead is how many bytes of a mark stand before its payload.
const MarkHead = len(markMagic) + 9

const markMagic = "\xc1crm\x01"

// ParseMark reports whether data, of a record that Load or List returned, is a
// mark, and which. The kind may be one that a later release has added.
func ParseMark(data []byte) (Mark, bool) {
	if len(data) < MarkHead || string(data[:len(markMagic)]) != markMagic {
		return Mark{}, false
	}
	return Mark{
		Kind:    MarkKind(data[len(markMagic)]),
		At:      time.UnixMilli(int64(binary.BigEndian.Uint64(data[len(markMagic)+1:]))),
		Payload: data[MarkHead:],
	}, true
}

// Append appends the bytes of m to dst.
func (m Mark) Append(dst []byte) []byte {
	dst = append(append(dst, markMagic...), byte(m.Kind))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.At.UnixMilli()))
	return append(dst, m.Payload...)
}
