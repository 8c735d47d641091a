package ledger

import (
	"math"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/codec"
)

// Meta is what a record says about its session's life, under NameMeta. The same
// Meta may belong to many sessions: it never changes.
type Meta struct {
	Idle time.Duration // what the expiry was computed with; negative if there was no such limit
	Life time.Duration // the lifetime in force when it was written, likewise; for tools
	Sent int64         // when the cookie last went out, in Unix milliseconds; 0 where that does not matter
	Prev []Prev        // records that this one has taken the place of, and that may have no mark yet

	codec  codec.Codec
	raw    []byte        // the whole of it in codec; nil until it is written
	others []codec.Field // entries that a later release has added, in codec
}

// A Prev is a record whose place another one takes, and the kind of mark that
// it gets.
type Prev struct {
	Kind byte
	Key  string // store key
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
func (m *Meta) Next(usual *Meta, sent int64, prev []Prev) *Meta {
	if sent == 0 && len(prev) == 0 && (m == nil || len(m.others) == 0) {
		return usual
	}
	next := &Meta{Idle: usual.Idle, Life: usual.Life, Sent: sent, Prev: prev}
	if m != nil {
		next.codec, next.others = m.codec, m.others
	}
	return next
}

// readMeta returns the Meta that a record's field holds, or nil if it is
// somebody else's. Nothing is allocated for a usual one.
func readMeta(usual *Meta, c codec.Codec, raw []byte) *Meta {
	if usual.raw != nil && c == usual.codec && string(raw) == string(usual.raw) {
		return usual
	}
	fields, err := c.Split(nil, raw)
	if err != nil {
		return nil
	}
	m := &Meta{codec: c, raw: raw}
	for i := range fields {
		f := &fields[i]
		switch string(f.Name) {
		case metaIdle:
			m.Idle = readMillis(c, f.Raw)
		case metaLife:
			m.Life = readMillis(c, f.Raw)
		case metaSent:
			m.Sent, _ = codec.Int64(c, f.Raw)
		case metaPrev:
			m.Prev = readPrev(c, f.Raw)
		default:
			m.others = append(m.others, *f)
		}
	}
	return m
}

func readMillis(c codec.Codec, raw []byte) time.Duration {
	ms, err := codec.Int64(c, raw)
	if err != nil || ms > maxMillis {
		return 0
	}
	if ms < 0 {
		return -1
	}
	return time.Duration(ms) * time.Millisecond
}

const maxMillis = math.MaxInt64 / int64(time.Millisecond)

func readPrev(c codec.Codec, raw []byte) []Prev {
	var list [][]string
	if c.Unmarshal(raw, &list) != nil {
		return nil
	}
	var prev []Prev
	for _, p := range list[:min(len(list), maxPrev)] {
		if len(p) == 2 && len(p[0]) == 1 {
			prev = append(prev, Prev{p[0][0], p[1]})
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
	fields := make([]codec.Field, 0, 4+len(m.others))
	add := func(name string, v any) error {
		raw, err := c.Marshal(nil, v)
		fields = append(fields, codec.Field{Name: []byte(name), Raw: raw})
		return err
	}
	err := add(metaIdle, millis(m.Idle))
	if err == nil {
		err = add(metaLife, millis(m.Life))
	}
	if err == nil && m.Sent != 0 {
		err = add(metaSent, m.Sent)
	}
	if err == nil && len(m.Prev) > 0 {
		list := make([][]string, len(m.Prev))
		for i, p := range m.Prev {
			list[i] = []string{string(rune(p.Kind)), p.Key}
		}
		err = add(metaPrev, list)
	}
	if err != nil {
		return nil, err
	}
	others := m.others
	if len(others) > 0 && m.codec != c {
		if others, err = convertFields(c, m.codec, others); err != nil {
			return nil, err
		}
	}
	return c.Join(nil, slices.Concat(fields, others))
}
