package taggedjson

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/wire"
)

var errNotDict = fmt.Errorf("%w: it is not a dictionary", wire.ErrMalformed)

// split is Split but for the text of its errors.
func split(dst []codec.Field, data []byte) ([]codec.Field, error) {
	if len(data) > wire.MaxSize {
		return dst, errSize
	}
	// Flask decodes the whole text first, so one wrong byte spoils it all.
	if !utf8.Valid(data) {
		return dst, errUTF8
	}
	text := bytes.Trim(data, " \t\r\n")
	switch {
	case isEmpty(text):
		return dst, nil
	case len(text) == 0 || text[0] != '{':
		return dst, errNotDict
	}
	s := splitter{fields: dst, base: len(dst), scanner: scanner{data: text, limit: wire.MaxDepth}}
	end, err := s.members(1)
	if err != nil {
		return dst, err
	}
	if end != len(text) {
		return dst, errTrailing
	}
	depth := wire.MaxDepth - 1
	if len(s.fields) == s.base+1 && tagNamed(s.fields[s.base].Name) != none {
		if s.fields[s.base], err = unwrap(s.fields[s.base]); err != nil {
			return dst, err
		}
		depth++ // the wrapper's own level
	}
	if s.depth > depth {
		return dst, errDepth
	}
	return s.fields, nil
}

// isEmpty reports whether text is one of those other than a dictionary that
// Flask takes for an empty session.
func isEmpty(text []byte) bool {
	if len(text) > 1 && text[0] == '[' {
		return jsontext.Space(text, 1) == len(text)-1 && text[len(text)-1] == ']'
	}
	return string(text) == wordNull || string(text) == `""`
}

// unwrap returns the one field of a record that has to be wrapped because the
// field's name is a tag. Every other tag makes the record something else than a
// dictionary.
func unwrap(outer codec.Field) (codec.Field, error) {
	inner := codec.Field{}
	if tagNamed(outer.Name) != tagDict || outer.Raw[0] != '{' {
		return inner, errNotDict
	}
	p := jsontext.Space(outer.Raw, 1)
	if outer.Raw[p] == '}' {
		return inner, errEscape
	}
	quoted, p, err := key(outer.Raw, p)
	if err != nil {
		return inner, err
	}
	s := scanner{data: outer.Raw, limit: wire.MaxDepth}
	end, err := s.value(p)
	if err != nil {
		return inner, err
	}
	if tagQuoted(quoted) != none || jsontext.Space(outer.Raw, end) != len(outer.Raw)-1 {
		return inner, errEscape
	}
	name := unescaped(unquote(quoted, keep))
	if validName(name) {
		inner.Name = name
	} else {
		inner.Key = appendQuoted(nil, string(name))
	}
	inner.Raw = outer.Raw[p:end:end]
	return inner, nil
}

// fewFields is up to how many fields a name is looked for one by one.
const fewFields = 16

// A splitter collects the fields of one record, each name once.
type splitter struct {
	scanner
	fields []codec.Field
	base   int            // where the fields of this record begin
	byName map[string]int // positions in fields, once there are many
}

// members collects the members of the dictionary whose first key may begin at
// data[p], and returns where the dictionary ends.
func (s *splitter) members(p int) (int, error) {
	p = jsontext.Space(s.data, p)
	if p < len(s.data) && s.data[p] == '}' {
		return p + 1, nil
	}
	for {
		quoted, value, err := key(s.data, p)
		if err != nil {
			return 0, err
		}
		end, err := s.value(value)
		if err != nil {
			return 0, err
		}
		f := codec.Field{Key: quoted, Raw: s.data[value:end:end]}
		if name := unquote(quoted, keep); validName(name) {
			f.Name = name
		}
		if err := s.add(f); err != nil {
			return 0, err
		}
		if p = jsontext.Space(s.data, end); p >= len(s.data) {
			return 0, errTruncated
		}
		switch s.data[p] {
		case '}':
			return p + 1, nil
		case ',':
			p = jsontext.Space(s.data, p+1)
		default:
			return 0, errSyntax
		}
	}
}

// add appends f, or puts it into the place of the field with the same name.
// Fields without a name are all kept, in their order: of two the later one
// counts for whoever can read them.
func (s *splitter) add(f codec.Field) error {
	if f.Name != nil {
		if i := s.find(f.Name); i >= 0 {
			s.fields[i] = f
			return nil
		}
	}
	n := len(s.fields) - s.base
	if n >= wire.MaxFields {
		return fmt.Errorf("%w: more than %d fields", wire.ErrLimit, wire.MaxFields)
	}
	s.fields = append(s.fields, f)
	switch {
	case n+1 < fewFields:
	case s.byName == nil:
		s.byName = make(map[string]int, 4*fewFields)
		for i := s.base; i < len(s.fields); i++ {
			s.index(i)
		}
	default:
		s.index(len(s.fields) - 1)
	}
	return nil
}

func (s *splitter) index(i int) {
	if name := s.fields[i].Name; name != nil {
		s.byName[string(name)] = i
	}
}

func (s *splitter) find(name []byte) int {
	if s.byName != nil {
		if i, ok := s.byName[string(name)]; ok {
			return i
		}
		return -1
	}
	for i := s.base; i < len(s.fields); i++ {
		if f := &s.fields[i]; f.Name != nil && bytes.Equal(f.Name, name) {
			return i
		}
	}
	return -1
}
