package wire

import "fmt"

// Convert appends to dst what w writes for the value that r reads. Nothing is
// lost on the way: where w has no way to write a piece of it, the error
// matches ErrType, and dst is returned as it was. r must say how many
// elements lists and maps have.
func Convert(dst []byte, w Writer, r Reader) ([]byte, error) {
	c := converter{r: r, w: w, start: len(dst)}
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
	start int
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
		return c.w.String(dst, string(t.Data))
	case Bytes:
		return c.w.Bytes(dst, t.Data)
	case Time:
		return c.w.Time(dst, t.Time())
	case Extension:
		return c.w.Ext(dst, Ext{t.Code, t.Data})
	case List:
		return c.list(dst, t)
	}
	return c.mapping(dst, t)
}

func (c *converter) next(dst []byte) ([]byte, error) {
	t, err := c.r.Next()
	if err != nil {
		return dst, err
	}
	return c.value(dst, &t)
}

func (c *converter) list(dst []byte, t *Token) ([]byte, error) {
	dst = c.w.List(dst, t.N)
	var err error
	i := 0
	for left, ok := c.r.More(t.N); ok; left, ok = c.r.More(left) {
		if dst, err = c.next(c.w.Next(dst, i)); err != nil {
			return dst, err
		}
		i++
	}
	return c.w.EndList(dst), nil
}

func (c *converter) mapping(dst []byte, t *Token) ([]byte, error) {
	dst = c.w.Map(dst, t.N)
	i := 0
	for left, ok := c.r.More(t.N); ok; left, ok = c.r.More(left) {
		key, err := c.r.Next()
		if err != nil {
			return dst, err
		}
		if key.Kind != String {
			// Only msgpack has such keys, and only text formats are converted to.
			return dst, fmt.Errorf("%w: a key is %s, not a string", ErrType, key.Kind)
		}
		if dst, err = c.w.String(c.w.Next(dst, i), string(key.Data)); err != nil {
			return dst, err
		}
		if dst, err = c.next(c.w.Value(dst)); err != nil {
			return dst, err
		}
		i++
	}
	return c.w.EndMap(dst), nil
}
