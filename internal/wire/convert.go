package wire

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// Convert appends to dst what w writes for the value that r reads. Nothing is
// lost on the way: where w has no way to write a piece of it, the error
// matches ErrType, and dst is returned as it was. r must say how many
// elements lists and maps have.
func Convert(dst []byte, w Writer, r Reader) ([]byte, error) {
	return convert(dst, w, r, false)
}

// Translate is Convert as Python's msgspec does it, whose formats show some
// values as others: a tuple or set as a list, a Decimal as text, and a key that
// is a number as its digits where keys are text. Where msgspec refuses a value,
// or two keys would become one, the error matches ErrType.
func Translate(dst []byte, w Writer, r Reader) ([]byte, error) {
	return convert(dst, w, r, true)
}

// TranslateKey is Translate for the key of a map.
func TranslateKey(dst []byte, w Writer, r Reader) ([]byte, error) {
	c := newConverter(dst, w, r, true)
	out, err := c.key(dst)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func newConverter(dst []byte, w Writer, r Reader, loose bool) *converter {
	c := &converter{r: r, w: w, start: len(dst), loose: loose}
	c.py, _ = w.(PythonWriter)
	return c
}

func convert(dst []byte, w Writer, r Reader, loose bool) ([]byte, error) {
	c := newConverter(dst, w, r, loose)
	t, err := r.Next()
	if err != nil {
		return dst, err
	}
	out, err := c.value(dst, &t)
	if err != nil {
		return dst, err
	}
	return out, nil
}

type converter struct {
	r     Reader
	w     Writer
	py    PythonWriter // w, or nil
	start int
	loose bool
}

func (c *converter) value(dst []byte, t *Token) ([]byte, error) {
	if len(dst)-c.start > MaxSize {
		return dst, fmt.Errorf("%w: the value takes more than %d bytes", ErrLimit, MaxSize)
	}
	switch t.Kind {
	case Nil:
		return c.w.Nil(dst), nil
	case Bool:
		return c.w.Bool(dst, t.Bool), nil
	case Int:
		return c.w.Int(dst, t.Int), nil
	case Uint:
		return c.w.Uint(dst, t.Uint), nil
	case Float:
		return c.w.Float(dst, t.Float)
	case Big:
		b, err := c.r.Big(*t)
		if err != nil {
			return dst, err
		}
		return c.w.Big(dst, b)
	case String:
		return c.text(dst, t)
	case Bytes:
		return c.w.Bytes(dst, t.Data)
	case Time:
		return c.w.Time(dst, t.Time())
	case Extension:
		return c.w.Ext(dst, Ext{t.Code, t.Data})
	case List:
		return c.list(dst, t)
	case Python:
		return c.python(dst, t)
	}
	return c.mapping(dst, t)
}

// text converts a string. One of Python's that is not UTF-8 has half a surrogate
// pair in it, which only Python's formats can say.
func (c *converter) text(dst []byte, t *Token) ([]byte, error) {
	if c.py == nil && !utf8.Valid(t.Data) {
		if _, ok := c.r.(PythonReader); ok {
			return dst, fmt.Errorf("%w: a string with half a surrogate pair", ErrType)
		}
	}
	return c.w.String(dst, string(t.Data))
}

func (c *converter) python(dst []byte, t *Token) ([]byte, error) {
	r, ok := c.r.(PythonReader)
	if !ok {
		return dst, fmt.Errorf("%w: %s", ErrType, t.Kind)
	}
	v := r.Python(*t)
	if at, ok := v.(time.Time); ok && (c.loose || c.py != nil) {
		return c.w.Time(dst, at)
	}
	if c.py != nil {
		return c.py.Python(dst, v)
	}
	plain, ok := lower(v)
	if _, markup := v.(pyvalue.Markup); markup || !ok || !c.loose {
		return dst, fmt.Errorf("%w: a %s has no form there", ErrType, pythonName(v))
	}
	return c.value(dst, &plain)
}

func (c *converter) next(dst []byte) ([]byte, error) {
	t, err := c.r.Next()
	if err != nil {
		return dst, err
	}
	return c.value(dst, &t)
}

func (c *converter) list(dst []byte, t *Token) ([]byte, error) {
	sequence := Sequence(t.Code)
	switch {
	case sequence == NoSequence:
		dst = c.w.List(dst, t.N)
	case c.py != nil:
		dst = c.py.Sequence(dst, sequence, t.N)
	case c.loose:
		sequence = NoSequence
		dst = c.w.List(dst, t.N)
	default:
		return dst, fmt.Errorf("%w: %s has no form there", ErrType, sequence)
	}
	var err error
	i := 0
	for left, ok := c.r.More(t.N); ok; left, ok = c.r.More(left) {
		if dst, err = c.next(c.w.Next(dst, i)); err != nil {
			return dst, err
		}
		i++
	}
	if sequence != NoSequence {
		return c.py.EndSequence(dst, sequence)
	}
	return c.w.EndList(dst), nil
}

func (c *converter) mapping(dst []byte, t *Token) ([]byte, error) {
	var keys map[string]bool // as they are written
	if c.loose && c.w.JSON() {
		keys = make(map[string]bool)
	}
	dst = c.w.Map(dst, t.N)
	i := 0
	for left, ok := c.r.More(t.N); ok; left, ok = c.r.More(left) {
		dst = c.w.Next(dst, i)
		start := len(dst)
		var err error
		if dst, err = c.key(dst); err != nil {
			return dst, err
		}
		if keys != nil {
			if keys[string(dst[start:])] {
				return dst, fmt.Errorf("%w: two keys of a map are written alike", ErrType)
			}
			keys[string(dst[start:])] = true
		}
		if dst, err = c.next(c.w.Value(dst)); err != nil {
			return dst, err
		}
		i++
	}
	return c.w.EndMap(dst), nil
}

func (c *converter) key(dst []byte) ([]byte, error) {
	t, err := c.r.Next()
	if err != nil {
		return dst, err
	}
	if t.Kind == String {
		return c.text(dst, &t)
	}
	if !c.loose {
		return dst, fmt.Errorf("%w: a key is %s, not a string", ErrType, t.Kind)
	}
	if c.py != nil && t.Kind == List && t.Code == int8(NoSequence) {
		t.Code = int8(Tuple) // a list is no key in Python, and msgspec makes a tuple of it
	}
	encoded, err := c.value(nil, &t)
	if err != nil {
		return dst, err
	}
	return c.w.Key(dst, encoded)
}
