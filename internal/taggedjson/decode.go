package taggedjson

import (
	"bytes"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

var (
	errTag    = fmt.Errorf("%w: what follows a tag is not of its kind", wire.ErrMalformed)
	errEscape = fmt.Errorf("%w: an escaped dictionary has not exactly one key", wire.ErrMalformed)
)

// unmarshal is Unmarshal but for the text of its errors.
func unmarshal(raw []byte, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("%w: the destination is %T, not a pointer to a variable", wire.ErrType, dst)
	}
	if len(raw) > wire.MaxSize {
		return errSize
	}
	if !utf8.Valid(raw) {
		return errUTF8
	}
	s := scanner{data: raw, limit: wire.MaxDepth - 1, note: true}
	end, err := s.value(jsontext.Space(raw, 0))
	if err != nil {
		return err
	}
	if jsontext.Space(raw, end) != len(raw) {
		return errTrailing
	}
	switch p := dst.(type) {
	case *string, *int64, *int, *bool:
		return scalar(raw, s.notes, v.Elem())
	case *any:
		d := decoder{data: raw, notes: s.notes, memory: wire.MaxMemory}
		*p, err = d.any()
		return err
	}
	d := decoder{data: raw, notes: s.notes, memory: wire.MaxMemory}
	return d.value(v.Elem())
}

// scalar is the short way for the most frequent types. It does without closures,
// so that nothing is allocated but a string.
func scalar(raw []byte, notes []note, v reflect.Value) error {
	d := decoder{data: raw, notes: notes, memory: wire.MaxMemory}
	var t token
	if err := d.next(&t); err != nil {
		return err
	}
	if t.kind == isNull {
		v.SetZero()
		return nil
	}
	return d.scalar(&t, v)
}

// A decoder is one call of Unmarshal. What it reads has been scanned.
type decoder struct {
	data   []byte
	p      int
	notes  []note // of the dictionaries from data[p] on
	memory int    // that may still be taken
}

// charge accounts for memory before it is taken.
func (d *decoder) charge(n int) error {
	if n < 0 || n > d.memory {
		return fmt.Errorf("%w: the value takes more than %d bytes in memory", wire.ErrLimit, wire.MaxMemory)
	}
	d.memory -= n
	return nil
}

// A kind is the kind of a token.
type kind uint8

const (
	isNull kind = iota
	aBool
	anInt
	aBig
	aFloat
	aString // or a Markup
	someBytes
	aUUID
	aTime
	aList // or a tuple
	aDict
)

var kindNames = [...]string{"null", "a boolean", "an integer", "a large integer", "a float",
	"a string", "bytes", "a UUID", "a time", "a list", "a dictionary"}

func (k kind) String() string { return kindNames[k] }

// A token is a scalar, or the beginning of a list or dictionary, at which the
// decoder then stands.
type token struct {
	kind  kind
	tag   tag // of a string, list or dictionary
	bool  bool
	int   int64
	float float64
	text  []byte // of a string, of a large integer, or of bytes
	time  time.Time
	uuid  pyvalue.UUID
}

// space moves on to the next byte that is not white space, and returns it.
func (d *decoder) space() byte {
	if d.p = jsontext.Space(d.data, d.p); d.p < len(d.data) {
		return d.data[d.p]
	}
	return 0
}

// skip moves past the byte c.
func (d *decoder) skip(c byte) error {
	if d.space() != c || d.p >= len(d.data) {
		return errSyntax
	}
	d.p++
	return nil
}

// noteHere returns the note about the dictionary at d.p, if it is a tag.
func (d *decoder) noteHere() (note, bool) {
	for len(d.notes) > 0 && d.notes[0].start < d.p {
		d.notes = d.notes[1:]
	}
	if len(d.notes) > 0 && d.notes[0].start == d.p && d.notes[0].tag != none {
		return d.notes[0], true
	}
	return note{}, false
}

// next reads the next token into t.
func (d *decoder) next(t *token) (err error) {
	*t = token{}
	switch c := d.space(); c {
	case '"':
		t.kind = aString
		t.text, err = d.string()
	case '[':
		t.kind = aList
	case '{':
		if n, ok := d.noteHere(); ok {
			return d.tagged(t, n)
		}
		t.kind = aDict
	case 't', 'f':
		t.kind, t.bool = aBool, c == 't'
		d.p += len(strconv.FormatBool(t.bool))
	case 'n':
		d.p += len(wordNull)
	default:
		return d.number(t)
	}
	return err
}

// string reads the string at d.p.
func (d *decoder) string() ([]byte, error) {
	end, err := jsontext.SkipString(d.data, d.p)
	if err != nil {
		return nil, err
	}
	text := unquote(d.data[d.p:end], replace)
	d.p = end
	return text, nil
}

// number reads a number. It is an integer if it is written like one.
func (d *decoder) number(t *token) error {
	s := scanner{data: d.data}
	end, err := s.scalar(min(d.p, len(d.data)-1))
	if err != nil {
		return err
	}
	b := d.data[d.p:end]
	d.p = end
	if bytes.ContainsAny(b, ".eENI") {
		t.kind = aFloat
		t.float, err = parseFloat(b)
		return err
	}
	if len(b) <= len("-9223372036854775808") {
		if t.int, err = strconv.ParseInt(string(b), 10, 64); err == nil {
			t.kind = anInt
			return nil
		}
	}
	t.kind, t.text = aBig, b
	return nil
}

// tagged reads the dictionary that n is about. Of one that holds others it reads
// only the beginning; close has to be called at the end of a tuple.
func (d *decoder) tagged(t *token, n note) (err error) {
	t.tag = n.tag
	if n.tag == tagDict {
		t.kind = aDict
		return nil
	}
	d.p = n.value
	if n.tag == tagTuple {
		if t.kind = aList; d.space() != '[' {
			return errTag
		}
		return nil
	}
	switch c := d.space(); {
	case c == 'n' && n.tag == tagTime:
		t.tag = none
		d.p += len(wordNull)
		return d.skip('}')
	case c != '"':
		return errTag
	}
	if t.text, err = d.string(); err != nil {
		return err
	}
	switch n.tag {
	case tagMarkup:
		t.kind = aString
	case tagBytes:
		t.kind = someBytes
		if err = d.charge(len(t.text)); err == nil {
			t.text, err = parseBase64(t.text)
		}
	case tagUUID:
		t.kind = aUUID
		if t.uuid, err = pyvalue.ParseUUID(string(t.text)); err != nil {
			err = errTag
		}
	case tagTime:
		if at, ok := parseDate(t.text); ok {
			t.kind, t.time = aTime, at
		}
	}
	if err != nil {
		return err
	}
	return d.skip('}')
}

// bigOf returns any integer, or nil if t is none.
func (d *decoder) bigOf(t *token) (*big.Int, error) {
	switch t.kind {
	case anInt:
		return big.NewInt(t.int), d.charge(40)
	case aBig:
		if err := d.charge(40 + len(t.text)); err != nil {
			return nil, err
		}
		return parseBig(t.text)
	}
	return nil, nil
}
