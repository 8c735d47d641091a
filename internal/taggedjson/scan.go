package taggedjson

import (
	"fmt"

	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/wire"
)

var (
	errTruncated = fmt.Errorf("%w: it ends too early", wire.ErrMalformed)
	errTrailing  = fmt.Errorf("%w: more follows after the value", wire.ErrMalformed)
	errSyntax    = fmt.Errorf("%w: it is not JSON", wire.ErrMalformed)
	errNumber    = fmt.Errorf("%w: a number is not JSON", wire.ErrMalformed)
	errUTF8      = fmt.Errorf("%w: it is not UTF-8", wire.ErrMalformed)
	errDepth     = fmt.Errorf("%w: nested too deeply", wire.ErrLimit)
	errSize      = fmt.Errorf("%w: more than %d bytes", wire.ErrLimit, wire.MaxSize)
	errDigits    = fmt.Errorf("%w: an integer of more than %d digits", wire.ErrLimit, wire.MaxBigDigits)
)

// The words of Python's JSON. It knows three that JSON does not.
const (
	wordNull     = "null"
	wordTrue     = "true"
	wordFalse    = "false"
	wordNaN      = "NaN"
	wordInfinity = "Infinity"
	wordMinusInf = "-Infinity"
)

// A scanner goes over values to see that they are JSON as Python reads it, and
// notes on the way which dictionaries are tags. That takes a look at all their
// keys: doing it only when a value is decoded would mean going over the inner
// ones again and again.
type scanner struct {
	data  []byte
	limit int // levels of lists and dictionaries
	depth int // the most levels that were met

	note  bool
	notes []note
}

// A note is a dictionary whose first key is a tag.
type note struct {
	start int // where the dictionary begins
	value int // where the tag's value begins; the last one, if the key is repeated
	tag   tag // none if there are other keys
}

// A level is a list or dictionary that is open.
type level struct {
	isMap bool
	note  int32 // its note, or -1
}

// value returns the index after the value that begins at data[p], which is not
// white space.
func (s *scanner) value(p int) (int, error) {
	if p >= len(s.data) {
		return 0, errTruncated
	}
	if c := s.data[p]; c != '{' && c != '[' {
		return s.scalar(p)
	}
	return s.container(p)
}

// container is value for lists and dictionaries. It is a function of its own
// because of the room that open takes.
func (s *scanner) container(p int) (int, error) {
	var open [wire.MaxDepth]level
	limit := min(s.limit, len(open))
	top := 0
	for {
		if p >= len(s.data) {
			return 0, errTruncated
		}
		var err error
		if c := s.data[p]; c == '{' || c == '[' {
			if top == limit {
				return 0, errDepth
			}
			start := p
			open[top] = level{c == '{', -1}
			top++
			s.depth = max(s.depth, top)
			p = jsontext.Space(s.data, p+1)
			if p >= len(s.data) || s.data[p] != c+2 { // '}' and ']' come two later
				if c == '{' {
					if p, err = s.firstKey(start, p, &open[top-1]); err != nil {
						return 0, err
					}
				}
				continue
			}
		} else if p, err = s.scalar(p); err != nil {
			return 0, err
		}
		// A value has ended, or an empty list or dictionary is about to.
		if p, top, err = s.next(p, open[:], top); err != nil || top == 0 {
			return p, err
		}
	}
}

// next closes what ends at data[p], and returns where the next value begins and
// how many levels are left open around it.
func (s *scanner) next(p int, open []level, top int) (int, int, error) {
	for top > 0 {
		if p = jsontext.Space(s.data, p); p >= len(s.data) {
			return 0, 0, errTruncated
		}
		in := &open[top-1]
		switch c := s.data[p]; {
		case c == ',' && in.isMap:
			p, err := s.nextKey(jsontext.Space(s.data, p+1), in)
			return p, top, err
		case c == ',':
			return jsontext.Space(s.data, p+1), top, nil
		case c == '}' && in.isMap, c == ']' && !in.isMap:
			top--
			p++
		default:
			return 0, 0, errSyntax
		}
	}
	return p, 0, nil
}

// firstKey skips the first key of the dictionary that begins at start.
func (s *scanner) firstKey(start, p int, in *level) (int, error) {
	quoted, p, err := key(s.data, p)
	if err == nil && s.note {
		if t := tagQuoted(quoted); t != none {
			in.note = int32(len(s.notes))
			s.notes = append(s.notes, note{start, p, t})
		}
	}
	return p, err
}

// nextKey skips another key.
func (s *scanner) nextKey(p int, in *level) (int, error) {
	quoted, p, err := key(s.data, p)
	if err == nil && in.note >= 0 {
		if n := &s.notes[in.note]; tagQuoted(quoted) == n.tag {
			n.value = p
		} else {
			n.tag, in.note = none, -1
		}
	}
	return p, err
}

// key returns the key at data[p] with its quotes, and where its value begins.
func key(data []byte, p int) (quoted []byte, value int, err error) {
	if p >= len(data) {
		return nil, 0, errTruncated
	}
	if data[p] != '"' {
		return nil, 0, errSyntax
	}
	end, err := jsontext.SkipString(data, p)
	if err != nil {
		return nil, 0, err
	}
	value, err = jsontext.SkipColon(data, end)
	return data[p:end:end], value, err
}

// scalar returns the index after the string, number or word at data[p].
func (s *scanner) scalar(p int) (int, error) {
	switch s.data[p] {
	case '"':
		return jsontext.SkipString(s.data, p)
	case 'n':
		return s.word(p, wordNull)
	case 't':
		return s.word(p, wordTrue)
	case 'f':
		return s.word(p, wordFalse)
	case 'N':
		return s.word(p, wordNaN)
	case 'I':
		return s.word(p, wordInfinity)
	case '-':
		if p+1 < len(s.data) && s.data[p+1] == 'I' {
			return s.word(p, wordMinusInf)
		}
	}
	return s.number(p)
}

func (s *scanner) word(p int, word string) (int, error) {
	rest := s.data[p:]
	if len(rest) < len(word) {
		return 0, errTruncated
	}
	if string(rest[:len(word)]) != word {
		return 0, errSyntax
	}
	return p + len(word), nil
}

func (s *scanner) number(p int) (int, error) {
	if s.data[p] == '-' {
		p++
	}
	start := p
	if p = s.digits(p); p == start {
		return 0, errSyntax
	}
	if s.data[start] == '0' && p > start+1 {
		return 0, errNumber
	}
	if p < len(s.data) && s.data[p] == '.' {
		start = p + 1
		if p = s.digits(start); p == start {
			return 0, errNumber
		}
	}
	if p < len(s.data) && s.data[p]|0x20 == 'e' {
		if p++; p < len(s.data) && (s.data[p] == '+' || s.data[p] == '-') {
			p++
		}
		start = p
		if p = s.digits(p); p == start {
			return 0, errNumber
		}
	}
	return p, nil
}

func (s *scanner) digits(p int) int {
	for p < len(s.data) && s.data[p]-'0' < 10 {
		p++
	}
	return p
}
