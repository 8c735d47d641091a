package logins

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// What lies in the store, read without the engine.

// A state is what lies under a store key.
type state uint8

const (
	absent state = iota
	session
	moved   // a mark
	renewed // a mark
	ended   // a mark
	listing // a user's record
)

// A view is a record, as far as a schedule is interested in it.
type view struct {
	state state
	user  string   // session, listing
	id    string   // session: which login has made it
	prev  []string // session: store keys of those whose place it takes
	at    time.Time
	next  string    // moved, renewed
	seen  time.Time // renewed
	list  []entry   // listing
}

// An entry is one of a user's record.
type entry struct{ key, from string }

// view returns what r is.
func (s *schedule) view(key string, r store.Record) (v view) {
	if !r.Exists() {
		return view{}
	}
	if m, ok := store.ParseMark(r.Data); ok {
		return s.mark(key, r, m)
	}
	data := r.Data
	if s.sealer != nil {
		var err error
		if data, err = s.sealer.Open(nil, data, key); err != nil {
			s.failed("%s is not sealed: %v", s.name(key), err)
			return view{}
		}
	}
	var values map[string]any
	if err := codec.MsgPack.Unmarshal(data, &values); err != nil {
		s.failed("%s: %v", s.name(key), err)
		return view{}
	}
	if strings.HasPrefix(key, s.prefix+"user:") {
		return s.listing(values)
	}
	v.state = session
	v.id, _ = values[nameID].(string)
	meta, _ := values["_cloakroom"].(map[string]any)
	v.user, _ = meta["user"].(string)
	prev, _ := meta["prev"].([]any)
	for _, p := range prev {
		v.prev = append(v.prev, p.([]any)[1].(string))
	}
	return v
}

func (s *schedule) mark(key string, r store.Record, m store.Mark) view {
	payload := m.Payload
	if s.sealer != nil && len(payload) > 0 {
		var err error
		if payload, err = s.sealer.Open(nil, payload, string(r.Data[:store.MarkHead])+key); err != nil {
			s.failed("the mark under %s is not sealed as marks are: %v", s.name(key), err)
			return view{}
		}
	}
	switch m.Kind {
	case store.MarkMoved:
		return view{state: moved, at: m.At, next: string(payload)}
	case store.MarkRenewed:
		v := view{state: renewed, at: m.At, next: string(payload[8:])}
		if ms := binary.BigEndian.Uint64(payload); ms > 0 {
			v.seen = time.UnixMilli(int64(ms))
		}
		return v
	default:
		return view{state: ended, at: m.At}
	}
}

func (s *schedule) listing(values map[string]any) view {
	v := view{state: listing}
	v.user, _ = values["user"].(string)
	list, _ := values["sessions"].([]any)
	for i := 0; i+2 < len(list); i += 3 {
		x := entry{key: s.prefix + list[i].(string)}
		if from := list[i+1].(string); from != "" {
			x.from = s.prefix + from
		}
		v.list = append(v.list, x)
	}
	return v
}

// backdate makes a session's record older than it is.
func (s *schedule) backdate(key string, r store.Record, d time.Duration) (store.Record, error) {
	data, err := r.Data, error(nil)
	if s.sealer != nil {
		if data, err = s.sealer.Open(nil, data, key); err != nil {
			return r, err
		}
	}
	var values map[string]any
	if err := codec.MsgPack.Unmarshal(data, &values); err != nil {
		return r, err
	}
	earlier := func(m map[string]any, name string, by int64) {
		if v, ok := m[name].(int64); ok {
			m[name] = v - by
		}
	}
	earlier(values, "_created", int64(d/time.Second))
	if meta, ok := values["_cloakroom"].(map[string]any); ok {
		earlier(meta, "login", d.Milliseconds())
		earlier(meta, "renewed", d.Milliseconds())
	}
	if data, err = codec.MsgPack.Marshal(nil, values); err != nil {
		return r, err
	}
	if s.sealer != nil {
		data = s.sealer.Seal(nil, data, key)
	}
	return store.Record{Data: data, Expires: r.Expires}, nil
}

// recordKeys are Options.RecordKeys of sealed schedules.
var recordKeys = [][]byte{[]byte("a key of 32 bytes for schedules!")}

func newSealer() *seal.Sealer {
	sealer, err := seal.New(recordKeys...)
	if err != nil {
		panic(err)
	}
	return sealer
}

func (v view) String() string {
	return fmt.Sprint([]string{"nothing", "a session", "M", "R", "E", "a list"}[v.state], " ", v.user, " ", v.id)
}
