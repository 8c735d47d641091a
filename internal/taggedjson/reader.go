package taggedjson

import (
	"bytes"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

var (
	errTag    = fmt.Errorf("%w: what follows a tag is not of its kind", wire.ErrMalformed)
	errEscape = fmt.Errorf("%w: an escaped dictionary has not exactly one key", wire.ErrMalformed)
)

// A reader reads the tokens of a value that has been scanned. White space,
// commas and colons are all the same to it.
type reader struct {
	data   []byte
	p      int
	notes  []note // of the dictionaries from data[p] on
	open   []tag  // of each list and dictionary that is being read
	key    bool   // the next token is the key of an escaped dictionary
	python any    // the value of the last Python token
}

var (
	_ wire.PythonReader = (*reader)(nil)
	_ wire.Skipper      = (*reader)(nil)
	_ wire.TimeParser   = (*reader)(nil)
)

// separators moves on to the next token and returns its first byte.
func (r *reader) separators() byte {
	for r.p < len(r.data) {
		switch c := r.data[r.p]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			r.p++
		default:
			return c
		}
	}
	return 0
}

// end moves past the brace that ends what a tag is about.
func (r *reader) end() error {
	if r.separators() != '}' {
		return errTag
	}
	r.p++
	return nil
}

// Next implements [wire.Reader].
func (r *reader) Next() (t wire.Token, err error) {
	switch c := r.separators(); c {
	case '"':
		t.Kind = wire.String
		if t.Data, err = r.string(); r.key {
			t.Data, r.key = unescaped(t.Data), false
		}
		t.Data = jsontext.Unspell(t.Data)
	case '[':
		t = r.enter(wire.List, none)
	case '{':
		if n, ok := r.noteHere(); ok {
			return r.tagged(n)
		}
		t = r.enter(wire.Map, none)
	case 't', 'f':
		t.Kind, t.Bool = wire.Bool, c == 't'
		r.p += len(strconv.FormatBool(t.Bool))
	case 'n':
		r.p += len(wordNull)
	default:
		return r.number()
	}
	return t, err
}

// enter begins a list or dictionary at its bracket.
func (r *reader) enter(kind wire.Kind, about tag) wire.Token {
	r.p++
	r.open = append(r.open, about)
	t := wire.Token{Kind: kind, N: -1}
	if about == tagTuple {
		t.Code = int8(wire.Tuple)
	}
	return t
}

// noteHere returns the note about the dictionary at r.p, if it is a tag.
func (r *reader) noteHere() (note, bool) {
	for len(r.notes) > 0 && r.notes[0].start < r.p {
		r.notes = r.notes[1:]
	}
	if len(r.notes) > 0 && r.notes[0].start == r.p && r.notes[0].tag != none {
		return r.notes[0], true
	}
	return note{}, false
}

// string reads the string at r.p.
func (r *reader) string() ([]byte, error) {
	end, err := jsontext.SkipString(r.data, r.p)
	if err != nil {
		return nil, err
	}
	text := unquote(r.data[r.p:end], replace)
	r.p = end
	return text, nil
}

// number reads a number. It is an integer if it is written like one.
func (r *reader) number() (t wire.Token, err error) {
	s := scanner{data: r.data}
	end, err := s.scalar(min(r.p, len(r.data)-1))
	if err != nil {
		return t, err
	}
	b := r.data[r.p:end]
	r.p = end
	if bytes.ContainsAny(b, ".eENI") {
		t.Kind = wire.Float
		t.Float, err = parseFloat(b)
		return t, err
	}
	if len(b) <= len("-9223372036854775808") {
		if t.Int, err = strconv.ParseInt(string(b), 10, 64); err == nil {
			t.Kind = wire.Int
			return t, nil
		}
		if t.Uint, err = strconv.ParseUint(string(b), 10, 64); err == nil {
			t.Kind = wire.Uint
			return t, nil
		}
	}
	return wire.Token{Kind: wire.Big, Data: b}, nil
}

// tagged reads the dictionary that n is about.
func (r *reader) tagged(n note) (t wire.Token, err error) {
	r.p = n.value
	c := r.separators()
	switch n.tag {
	case tagDict:
		return r.escaped()
	case tagTuple:
		if c != '[' {
			return t, errTag
		}
		return r.enter(wire.List, tagTuple), nil
	case tagTime:
		if c == 'n' {
			r.p += len(wordNull)
			return t, r.end()
		}
	}
	if c != '"' {
		return t, errTag
	}
	text, err := r.string()
	if err != nil {
		return t, err
	}
	switch n.tag {
	case tagMarkup:
		t.Kind, t.N, r.python = wire.Python, len(text), pyvalue.Markup(text)
	case tagBytes:
		t.Kind = wire.Bytes
		t.Data, err = parseBase64(text)
	case tagUUID:
		u, bad := pyvalue.ParseUUID(string(text))
		if bad != nil {
			return t, errTag
		}
		t.Kind, t.N, r.python = wire.Python, len(u), u
	case tagTime:
		if at, ok := parseDate(text); ok { // else it is None in Flask
			t.Kind, t.Int = wire.Time, at.Unix()
		}
	}
	if err != nil {
		return t, err
	}
	return t, r.end()
}

// escaped reads the beginning of the dictionary at r.p that a tag wraps. It has
// one key, and is no tag itself.
func (r *reader) escaped() (t wire.Token, err error) {
	start := r.p
	if r.separators() != '{' {
		return t, errTag
	}
	if _, ok := r.noteHere(); ok {
		return t, errEscape
	}
	p := jsontext.Space(r.data, start+1)
	_, p, err = key(r.data, p)
	if err != nil { // there is none
		return t, errEscape
	}
	s := scanner{data: r.data, limit: wire.MaxDepth}
	if p, err = s.value(p); err != nil {
		return t, err
	}
	if p = jsontext.Space(r.data, p); p >= len(r.data) || r.data[p] != '}' {
		return t, errEscape
	}
	r.key = true
	return r.enter(wire.Map, tagDict), nil
}

// More implements [wire.Reader].
func (r *reader) More(left int) (int, bool) {
	if c := r.separators(); c != ']' && c != '}' && c != 0 {
		return left, true
	}
	for range 2 { // once more for the tag around it
		if r.separators() != 0 {
			r.p++
		}
		if last := len(r.open) - 1; last >= 0 && r.open[last] != none {
			r.open[last] = none
			continue
		}
		break
	}
	r.open = r.open[:max(len(r.open)-1, 0)]
	return left, false
}

// Skip implements [wire.Skipper].
func (r *reader) Skip() error {
	r.separators()
	s := scanner{data: r.data, limit: wire.MaxDepth}
	end, err := s.value(r.p)
	r.p = end
	return err
}

// Raw implements [wire.Reader] for types that read themselves from JSON: they
// get plain JSON, as package codec's JSON would write the value.
func (r *reader) Raw() ([]byte, error) {
	var v any
	if err := wire.Unmarshal(r, jsontext.Writer{}, &v); err != nil {
		return nil, err
	}
	return wire.Marshal(nil, jsontext.Writer{}, v)
}

// Bytes implements [wire.Reader]: a string is text, and nothing else.
func (r *reader) Bytes(wire.Token) ([]byte, error) {
	return nil, fmt.Errorf("%w: a string is not bytes", wire.ErrType)
}

// Big implements [wire.Reader].
func (r *reader) Big(t wire.Token) (*big.Int, error) { return parseBig(t.Data) }

// Python implements [wire.PythonReader].
func (r *reader) Python(wire.Token) any { return r.python }

// ParseTime implements [wire.TimeParser].
func (r *reader) ParseTime(text []byte) (time.Time, error) { return parseTime(text) }
