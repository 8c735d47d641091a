package codec

import (
	"fmt"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// JSON is JSON, byte for byte as Python's msgspec writes it, except for strings that
// are not UTF-8: compact, with characters beyond ASCII as they are.
//
// Go types are written as by [MsgPack], with these differences:
//
//	structs            are named by the tag json
//	float64, float32   always show that they are floats (1.0); infinities and NaN are refused
//	[]byte             a string in base64, which is read back when bytes are asked for
//	time.Time          a string in ISO 8601
//	big.Int            digits
//	[Ext]              is refused
//	map keys           numbers are quoted
//	strings            those that are not UTF-8, keys too: a data URL (RFC 2397) of the
//	                   charset unknown-8bit, which is read back as the string
//	json.Marshaler     what it writes, without white space
//
// A variable of type any gets an integer where there is neither a point nor
// an exponent (int64, else uint64, else *big.Int), else float64.
var JSON Codec = jsonText{}

type jsonText struct{}

// Name implements [Codec].
func (jsonText) Name() string { return "json" }

// Match implements [Codec].
func (jsonText) Match(data []byte) bool {
	p := jsontext.Space(data, 0)
	return p < len(data) && data[p] == '{'
}

// Split implements [Codec].
func (c jsonText) Split(dst []Field, data []byte) ([]Field, error) {
	fields, err := splitJSON(dst, data)
	if err != nil {
		return dst, fail(c, "split", err)
	}
	return fields, nil
}

func splitJSON(dst []Field, data []byte) ([]Field, error) {
	if err := checkRecord(data); err != nil {
		return dst, err
	}
	p := jsontext.Space(data, 0)
	if p >= len(data) || data[p] != '{' {
		return dst, fmt.Errorf("%w: it is not an object", ErrMalformed)
	}
	s := splitter{fields: presized(dst, min(8, len(data)/4)), base: len(dst)}
	p = jsontext.Space(data, p+1)
	for first := true; p < len(data) && (data[p] != '}' || !first); first = false {
		f, end, err := nextMember(data, p)
		if err != nil {
			return dst, err
		}
		if err := s.add(f); err != nil {
			return dst, err
		}
		if p = jsontext.Space(data, end); p >= len(data) || data[p] != ',' {
			break
		}
		p = jsontext.Space(data, p+1)
	}
	if p >= len(data) || data[p] != '}' {
		return dst, fmt.Errorf("%w: an object has no end", ErrMalformed)
	}
	if jsontext.Space(data, p+1) != len(data) {
		return dst, fmt.Errorf("%w: more follows after the record", ErrMalformed)
	}
	return s.fields, nil
}

// nextMember reads the field that begins at data[p], and returns where its
// value ends.
func nextMember(data []byte, p int) (f Field, end int, err error) {
	if data[p] != '"' {
		return f, 0, fmt.Errorf("%w: a name is not a string", ErrMalformed)
	}
	if end, err = jsontext.SkipString(data, p); err != nil {
		return f, 0, err
	}
	f.Key = data[p:end:end]
	if f.Name, err = jsontext.Unquote(f.Key); err != nil {
		return f, 0, err
	}
	if p, err = jsontext.SkipColon(data, end); err != nil {
		return f, 0, err
	}
	if end, err = jsontext.Skip(data, p, MaxDepth-1); err != nil {
		return f, 0, err
	}
	f.Raw = data[p:end:end]
	return f, end, nil
}

// Join implements [Codec].
func (c jsonText) Join(dst []byte, fields []Field) ([]byte, error) {
	if err := checkJoin(fields); err != nil {
		return dst, fail(c, "join", err)
	}
	var w jsontext.Writer
	out := append(dst, '{')
	for i := range fields {
		f := &fields[i]
		if out = w.Next(out, i); f.Key != nil {
			out = append(out, f.Key...)
		} else {
			if !utf8.Valid(f.Name) {
				return dst, fail(c, "join", errName)
			}
			out = jsontext.AppendQuoted(out, f.Name)
		}
		out = append(w.Value(out), f.Raw...)
	}
	out = append(out, '}')
	if err := checkRecord(out[len(dst):]); err != nil {
		return dst, fail(c, "join", err)
	}
	return out, nil
}

// Marshal implements [Codec].
func (c jsonText) Marshal(dst []byte, v any) ([]byte, error) {
	out, err := wire.Marshal(dst, jsontext.Writer{}, v)
	if err != nil {
		return dst, fail(c, "marshal", err)
	}
	return out, nil
}

// Unmarshal implements [Codec].
func (c jsonText) Unmarshal(raw []byte, dst any) error {
	err := checkRecord(raw)
	if err == nil {
		err = jsontext.Check(raw, MaxDepth)
	}
	if err == nil {
		err = wire.Unmarshal(jsontext.NewReader(raw), jsontext.Writer{}, dst)
	}
	if err != nil {
		return fail(c, "unmarshal", err)
	}
	return nil
}

func (c jsonText) scalar(raw []byte) (wire.Token, error) {
	t, err := jsontext.ReadWhole(raw)
	if err != nil {
		err = fail(c, "unmarshal", err)
	}
	return t, err
}

func (jsonText) reader(raw []byte) (wire.Reader, error) {
	if err := jsontext.Check(raw, MaxDepth); err != nil {
		return nil, err
	}
	return jsontext.NewCountingReader(raw), nil
}

func (jsonText) lossless() wire.Writer { return jsontext.Writer{Lossless: true} }

var jsonJudge = wire.NewJudge(jsontext.Writer{})

// Judge implements [wire.Judged].
func (jsonText) Judge() *wire.Judge { return jsonJudge }
