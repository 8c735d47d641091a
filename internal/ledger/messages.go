package ledger

import (
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/cloakroom/cloakroom/codec"
)

// messages is the list of flash messages in a record. Messages are decoded as
// they are looked at, since a record may hold millions of them. Nobody changes
// a list.
type messages struct {
	codec codec.Codec
	raw   []byte
	spans [][2]uint32 // where in raw the messages begin and end
	// values are the messages of a codec that is no lister. Another program's
	// may be more than text.
	values []any
	older  int // messages before those, which are not looked at
}

// maxMessages is how many messages of a record are looked at, the newest ones:
// each takes a few times its bytes where it is shown.
const maxMessages = 1 << 20

// A lister is a codec that takes lists apart and puts them together without
// decoding their elements.
type lister interface {
	// Elements appends to dst where each element of the list raw begins and
	// ends. If it cannot say, there is an error.
	Elements(dst [][2]uint32, raw []byte) ([][2]uint32, error)
	// AppendList appends to dst the list of n elements.
	AppendList(dst []byte, n int, elements iter.Seq[[]byte]) []byte
}

// readMessages returns the messages in raw, and nil if it is not a list.
func readMessages(c codec.Codec, raw []byte) *messages {
	l := &messages{codec: c, raw: raw}
	if c, ok := c.(lister); ok {
		var err error
		if l.spans, err = c.Elements(nil, raw); err == nil {
			if l.older = max(0, len(l.spans)-maxMessages); l.older > 0 {
				l.spans = slices.Clone(l.spans[l.older:])
			}
			return l
		}
	}
	if c.Unmarshal(raw, &l.values) != nil {
		return nil
	}
	return l
}

func (l *messages) len() int {
	if l == nil {
		return 0
	}
	return len(l.spans) + len(l.values)
}

// tooOld returns how many messages are not looked at.
func (l *messages) tooOld() int {
	if l == nil {
		return 0
	}
	return l.older
}

// element returns the bytes of message i of a list that was taken apart.
func (l *messages) element(i int) []byte {
	at := l.spans[i]
	return l.raw[at[0]:at[1]:at[1]]
}

// size returns how many bytes message i takes, about.
func (l *messages) size(i int) int {
	if l.spans != nil {
		return int(l.spans[i][1] - l.spans[i][0])
	}
	m := labelOf(l.values[i])
	return len(m.category) + len(m.text)
}

// A label is a message as it is told apart and shown.
type label struct{ category, text string }

// labels yields the numbers of the messages and their labels, but for those
// that cannot be read.
func (l *messages) labels(yield func(int, label) bool) {
	if l == nil {
		return
	}
	for i, v := range l.values {
		if !yield(i, labelOf(v)) {
			return
		}
	}
	var room [2][2]uint32
	parts := room[:0]
	for i := range l.spans {
		raw := l.element(i)
		m, ok := l.pair(raw, parts)
		if !ok {
			var v any
			if l.codec.Unmarshal(raw, &v) != nil {
				continue
			}
			m = labelOf(v)
		}
		if !yield(i, m) {
			return
		}
	}
}

// pair reads the usual message, a list of two texts.
func (l *messages) pair(raw []byte, parts [][2]uint32) (m label, ok bool) {
	parts, err := l.codec.(lister).Elements(parts, raw)
	if err != nil || len(parts) != 2 {
		return m, false
	}
	for i, to := range []*string{&m.category, &m.text} {
		part := raw[parts[i][0]:parts[i][1]]
		// An empty one may be something else, which prints otherwise.
		if *to, err = codec.String(l.codec, part); err != nil || *to == "" {
			return m, false
		}
	}
	return m, true
}

// labelOf reads one message, leniently: Flask lets a message be anything that
// prints.
func labelOf(v any) label {
	// By reflection, since tuples are a type of their own, if a slice too.
	if pair := reflect.ValueOf(v); pair.Kind() == reflect.Slice && pair.Len() == 2 && pair.Type().Elem().Kind() == reflect.Interface {
		return label{printed(pair.Index(0).Interface()), printed(pair.Index(1).Interface())}
	}
	return label{"message", printed(v)}
}

// printed is fmt.Sprint, and text that is not UTF-8 as it was: the codec keeps
// that as bytes.
func printed(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}
