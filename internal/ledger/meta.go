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
	Idle    time.Duration // what the expiry was computed with; negative if there was no such limit
	Life    time.Duration // the lifetime in force when the cookie was last sent, likewise
	Sent    int64         // when the cookie last went out, in Unix milliseconds; 0 where that does not matter
	Renewed int64         // when the ID was last renewed, likewise; 0 if it has not been
	Prev    []Prev        // records that this one has taken the place of, and that may have no mark yet
	Parting bool          // the session began with what followed a logout, and waits for a login to be permanent
	Own     Own
	Login   Login // zero if nobody has logged in

	codec  codec.Codec
	raw    []byte        // the whole of it in codec; nil until it is written
	others []codec.Field // entries that a later release has added, in codec
}

// Own is what the application has chosen for one session; zero means what holds
// for all, negative that there is no such limit.
type Own struct {
	Idle, Life time.Duration
}

// A Login is whose session it is, since when, and where. Times are in Unix
// milliseconds.
type Login struct {
	User   string
	At     int64
	Begun  int64  // when the visitor's session began, if that was before
	Device string // as the user would recognise it
	Listed int64  // until when the user's record is sure to stay; 0 if for ever
	Epoch  string // of a sealed cookie: what has to be the user's still
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
	metaIdle    = "idle"
	metaLife    = "life"
	metaSent    = "sent"
	metaRenewed = "renewed"
	metaPrev    = "prev"
	metaParting = "parting"
	metaOwn     = "own" // a list of two, as of Own; 0 where it is not set
	metaUser    = "user"
	metaLogin   = "login"
	metaBegun   = "begun"
	metaDevice  = "device"
	metaListed  = "listed"
	metaEpoch   = "epoch"
)

// MaxPrev is how many predecessors a record may have. No more are read, since
// somebody may have written it on purpose.
const MaxPrev = 4

// NewMeta returns the Meta of most sessions. It is encoded in c, or, if c
// cannot do that, each time that it is written.
func NewMeta(c codec.Codec, idle, life time.Duration) *Meta {
	m := &Meta{Idle: WholeMillis(idle), Life: WholeMillis(life)}
	if raw, err := m.encode(c); err == nil {
		m.codec, m.raw = c, raw
	}
	return m
}

// WholeMillis returns d as it is read back.
func WholeMillis(d time.Duration) time.Duration {
	if d < 0 {
		return -1
	}
	return d.Truncate(time.Millisecond)
}

// Copy returns a Meta to be changed, which is empty for a nil m.
func (m *Meta) Copy() Meta {
	if m == nil {
		return Meta{}
	}
	c := *m
	c.raw = nil
	if c.others == nil {
		c.codec = nil
	}
	return c
}

// Or returns usual if m says nothing else, and m otherwise.
func (m *Meta) Or(usual *Meta) *Meta {
	if m.Idle == usual.Idle && m.Life == usual.Life && m.Sent == 0 && m.Renewed == 0 && len(m.Prev) == 0 &&
		!m.Parting && m.Own == (Own{}) && m.Login == (Login{}) && len(m.others) == 0 {
		return usual
	}
	return m
}

// WithPrev returns m with other predecessors, and nothing else changed.
func (m *Meta) WithPrev(usual *Meta, prev []Prev) *Meta {
	next := m.Copy()
	next.Prev = prev
	return next.Or(usual)
}

// User returns whose session it is, or "". m may be nil.
func (m *Meta) User() string {
	if m == nil {
		return ""
	}
	return m.Login.User
}

// begins reports whether the session's age begins to count anew with m: there was
// a login since before.
func (m *Meta) begins(before *Meta) bool {
	return m != nil && m.Login.User != "" && (before == nil || before.Login.At != m.Login.At)
}

// readMeta returns the Meta that a record's field holds, or nil if it is
// somebody else's. Nothing is allocated for a usual one.
func readMeta(usual *Meta, c codec.Codec, raw []byte) *Meta {
	if usual.raw != nil && c == usual.codec && string(raw) == string(usual.raw) {
		return usual
	}
	entries, err := splitMap(c, raw)
	if err != nil {
		return nil
	}
	m := &Meta{codec: c, raw: raw}
	for i := range entries {
		if f := &entries[i]; !m.read(f) {
			m.others = append(m.others, *f)
		}
	}
	if m.Login.User == "" {
		m.Login = Login{}
	}
	return m
}

// read takes up one entry and reports whether it is one that it knows.
func (m *Meta) read(f *codec.Field) bool {
	switch string(f.Name) {
	case metaIdle:
		m.Idle = duration(m.integer(f.Raw))
	case metaLife:
		m.Life = duration(m.integer(f.Raw))
	case metaSent:
		m.Sent = m.integer(f.Raw)
	case metaRenewed:
		m.Renewed = m.integer(f.Raw)
	case metaParting:
		m.Parting, _ = codec.Bool(m.codec, f.Raw)
	case metaPrev:
		m.Prev = readPrev(m.list(f.Raw))
	case metaOwn:
		if own := m.list(f.Raw); len(own) >= 2 {
			m.Own = Own{duration(integer(own[0])), duration(integer(own[1]))}
		}
	case metaUser:
		m.Login.User = m.text(f.Raw)
	case metaLogin:
		m.Login.At = m.integer(f.Raw)
	case metaBegun:
		m.Login.Begun = m.integer(f.Raw)
	case metaDevice:
		m.Login.Device = m.text(f.Raw)
	case metaListed:
		m.Login.Listed = m.integer(f.Raw)
	case metaEpoch:
		m.Login.Epoch = m.text(f.Raw)
	default:
		return false
	}
	return true
}

func (m *Meta) integer(raw []byte) int64 {
	if i, err := codec.Int64(m.codec, raw); err == nil {
		return i
	}
	var v any
	if m.codec.Unmarshal(raw, &v) != nil {
		return 0
	}
	return integer(v)
}

func (m *Meta) text(raw []byte) string {
	s, _ := codec.String(m.codec, raw)
	return s
}

func (m *Meta) list(raw []byte) []any {
	var v any
	if m.codec.Unmarshal(raw, &v) != nil {
		return nil
	}
	list, _ := v.([]any)
	return list
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

func duration(ms int64) time.Duration {
	switch {
	case ms < 0:
		return -1
	case ms > math.MaxInt64/int64(time.Millisecond):
		return 0
	default:
		return time.Duration(ms) * time.Millisecond
	}
}

func readPrev(list []any) (prev []Prev) {
	for _, p := range list[:min(len(list), MaxPrev)] {
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
	w := metaWriter{codec: c}
	w.add(metaIdle, millis(m.Idle))
	w.add(metaLife, millis(m.Life))
	w.time(metaSent, m.Sent)
	w.time(metaRenewed, m.Renewed)
	if m.Parting {
		w.add(metaParting, true)
	}
	if m.Own != (Own{}) {
		w.add(metaOwn, []int64{millis(m.Own.Idle), millis(m.Own.Life)})
	}
	if l := &m.Login; l.User != "" {
		w.add(metaUser, l.User)
		w.time(metaLogin, l.At)
		w.time(metaBegun, l.Begun)
		w.text(metaDevice, l.Device)
		w.time(metaListed, l.Listed)
		w.text(metaEpoch, l.Epoch)
	}
	if len(m.Prev) > 0 {
		list := make([]any, len(m.Prev))
		for i, p := range m.Prev {
			list[i] = []any{string(rune(p.Kind)), p.Key, p.Copied, p.Made}
		}
		w.add(metaPrev, list)
	}
	for _, f := range m.others {
		raw, err := f.Raw, error(nil)
		if m.codec != c {
			raw, err = codec.Convert(nil, c, m.codec, raw)
		}
		w.put(string(f.Name), raw, err)
	}
	if w.err != nil {
		return nil, w.err
	}
	return joinMap(c, w.entries)
}

// A metaWriter collects the entries of a Meta.
type metaWriter struct {
	codec   codec.Codec
	entries []codec.Field
	err     error
}

func (w *metaWriter) put(name string, raw []byte, err error) {
	if err != nil {
		w.err = err
		return
	}
	w.entries = append(w.entries, codec.Field{Name: []byte(name), Raw: raw})
}

func (w *metaWriter) add(name string, v any) {
	raw, err := w.codec.Marshal(nil, v)
	w.put(name, raw, err)
}

func (w *metaWriter) time(name string, ms int64) {
	if ms != 0 {
		w.add(name, ms)
	}
}

func (w *metaWriter) text(name, s string) {
	if s != "" {
		w.add(name, s)
	}
}

// splitMap returns the entries of a dictionary which is a value in c. In our own
// codecs it looks as a record does.
func splitMap(c codec.Codec, raw []byte) ([]codec.Field, error) {
	if c == codec.MsgPack || c == codec.JSON {
		return c.Split(nil, raw)
	}
	var entries map[string]any
	if err := c.Unmarshal(raw, &entries); err != nil {
		return nil, err
	}
	w := metaWriter{codec: c}
	for name, v := range entries {
		w.add(name, v)
	}
	slices.SortFunc(w.entries, func(a, b codec.Field) int { return slices.Compare(a.Name, b.Name) })
	return w.entries, w.err
}

// joinMap is the reverse of splitMap.
func joinMap(c codec.Codec, fields []codec.Field) ([]byte, error) {
	if c == codec.MsgPack || c == codec.JSON {
		return c.Join(nil, fields)
	}
	entries := make(map[string]any, len(fields))
	for _, f := range fields {
		var v any
		if err := c.Unmarshal(f.Raw, &v); err != nil {
			return nil, err
		}
		entries[string(f.Name)] = v
	}
	return c.Marshal(nil, entries)
}
