package ledger

import (
	"math"
	"time"

	"github.com/cloakroom/cloakroom/codec"
)

// Meta is what a record says about its session's life, under NameMeta. The same
// Meta may belong to many sessions: it never changes.
type Meta struct {
	Idle time.Duration // what the expiry was computed with; negative if there was no such limit
	Life time.Duration // the lifetime in force when the cookie was last sent, likewise
	Sent int64         // when the cookie last went out, in Unix milliseconds; 0 where that does not matter
	Prev []Prev        // records that this one has taken the place of, and that may have no mark yet

	codec  codec.Codec
	raw    []byte         // the whole of it in codec; nil until it is written
	others map[string]any // entries that a later release has added
}

// A Prev is a record whose place another one takes, and the kind of mark that
// it gets.
type Prev struct {
	Kind   byte
	Key    string // store key
	Copied string // digest of the data that this record was made of; empty if it has changed since
	Made   string // digest of what it was made, which tells of changes by programs that leave Copied alone
}

// Names of the entries. Durations and times are in milliseconds.
const (
	metaIdle = "idle"
	metaLife = "life"
	metaSent = "sent"
	metaPrev = "prev"
)

// maxPrev is how many predecessors are read of a record that somebody may have
// written on purpose.
const maxPrev = 4

// NewMeta returns the Meta of most sessions. It is encoded in c, or, if c
// cannot do that, each time that it is written.
func NewMeta(c codec.Codec, idle, life time.Duration) *Meta {
	m := &Meta{Idle: wholeMillis(idle), Life: wholeMillis(life)}
	if raw, err := m.encode(c); err == nil {
		m.codec, m.raw = c, raw
	}
	return m
}

// wholeMillis returns d as it is read back.
func wholeMillis(d time.Duration) time.Duration {
	if d < 0 {
		return -1
	}
	return d.Truncate(time.Millisecond)
}

// Next returns the Meta that a session with m has when it is written anew; m may
// be nil. It is usual, unless there is more to say.
func (m *Meta) Next(usual *Meta, life time.Duration, sent int64, prev []Prev) *Meta {
	if life == usual.Life && sent == 0 && len(prev) == 0 && (m == nil || len(m.others) == 0) {
		return usual
	}
	next := &Meta{Idle: usual.Idle, Life: life, Sent: sent, Prev: prev}
	if m != nil {
		next.others = m.others
	}
	return next
}

// WithPrev returns m with other predecessors, and nothing else changed.
func (m *Meta) WithPrev(usual *Meta, prev []Prev) *Meta {
	if len(prev) == 0 && m.Idle == usual.Idle && m.Life == usual.Life && m.Sent == 0 && len(m.others) == 0 {
		return usual
	}
	next := *m
	next.Prev, next.codec, next.raw = prev, nil, nil
	return &next
}

// readMeta returns the Meta that a record's field holds, or nil if it is
// somebody else's. Nothing is allocated for a usual one.
func readMeta(usual *Meta, c codec.Codec, raw []byte) *Meta {
	if usual.raw != nil && c == usual.codec && string(raw) == string(usual.raw) {
		return usual
	}
	var entries map[string]any
	if c.Unmarshal(raw, &entries) != nil || entries == nil {
		return nil
	}
	m := &Meta{
		Idle:  duration(entries[metaIdle]),
		Life:  duration(entries[metaLife]),
		Sent:  integer(entries[metaSent]),
		Prev:  readPrev(entries[metaPrev]),
		codec: c,
		raw:   raw,
	}
	for _, own := range []string{metaIdle, metaLife, metaSent, metaPrev} {
		delete(entries, own)
	}
	if len(entries) > 0 {
		m.others = entries
	}
	return m
}

func integer(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case uint64:
		return int64(min(v, math.MaxInt64))
	case float64: // of a codec that knows no integers
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	}
	return 0
}

func duration(v any) time.Duration {
	ms := integer(v)
	switch {
	case ms < 0:
		return -1
	case ms > math.MaxInt64/int64(time.Millisecond):
		return 0
	default:
		return time.Duration(ms) * time.Millisecond
	}
}

func readPrev(v any) (prev []Prev) {
	list, _ := v.([]any)
	for _, p := range list[:min(len(list), maxPrev)] {
		if entry, _ := p.([]any); len(entry) >= 4 {
			kind, _ := entry[0].(string)
			key, _ := entry[1].(string)
			copied, _ := entry[2].(string)
			made, _ := entry[3].(string)
			if len(kind) == 1 && key != "" {
				prev = append(prev, Prev{kind[0], key, copied, made})
			}
		}
	}
	return prev
}

func millis(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Milliseconds()
}

// encode returns the bytes of m in c.
func (m *Meta) encode(c codec.Codec) ([]byte, error) {
	if m.raw != nil && m.codec == c {
		return m.raw, nil
	}
	entries := map[string]any{metaIdle: millis(m.Idle), metaLife: millis(m.Life)}
	if m.Sent != 0 {
		entries[metaSent] = m.Sent
	}
	if len(m.Prev) > 0 {
		list := make([]any, len(m.Prev))
		for i, p := range m.Prev {
			list[i] = []any{string(rune(p.Kind)), p.Key, p.Copied, p.Made}
		}
		entries[metaPrev] = list
	}
	for name, v := range m.others {
		entries[name] = v
	}
	return c.Marshal(nil, entries)
}
