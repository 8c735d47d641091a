package codec

import (
	"fmt"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// scalarReader is what a codec has that reads simple values without
// allocating.
type scalarReader interface {
	// scalar reads raw, one whole value. Of a list or map it reads only the
	// beginning.
	scalar(raw []byte) (wire.Token, error)
}

// String decodes one string. It is [Codec.Unmarshal] without the detour
// through any, for the most frequent types: nothing is allocated but the
// string. Like Unmarshal it reads nil as the zero value.
func String(c Codec, raw []byte) (string, error) {
	s, ok := c.(scalarReader)
	if !ok {
		return slow[string](c, raw)
	}
	t, err := s.scalar(raw)
	if err != nil || t.Kind == wire.Nil {
		return "", err
	}
	if !t.IsText() {
		return "", notA(c, &t, "string")
	}
	return string(t.Data), nil
}

// Int64 decodes one integer, as [String] does a string.
func Int64(c Codec, raw []byte) (int64, error) {
	s, ok := c.(scalarReader)
	if !ok {
		return slow[int64](c, raw)
	}
	t, err := s.scalar(raw)
	if err != nil || t.Kind == wire.Nil {
		return 0, err
	}
	if t.Kind != wire.Int {
		return 0, notA(c, &t, "int64")
	}
	return t.Int, nil
}

// Bool decodes one boolean, as [String] does a string.
func Bool(c Codec, raw []byte) (bool, error) {
	s, ok := c.(scalarReader)
	if !ok {
		return slow[bool](c, raw)
	}
	t, err := s.scalar(raw)
	if err != nil || t.Kind == wire.Nil {
		return false, err
	}
	if t.Kind != wire.Bool {
		return false, notA(c, &t, "bool")
	}
	return t.Bool, nil
}

// Value decodes one value of type T. It takes the short way of [String],
// [Int64] and [Bool] where T is one of these types or int.
func Value[T any](c Codec, raw []byte) (T, error) {
	var v T
	var err error
	switch p := any(&v).(type) {
	case *string:
		*p, err = String(c, raw)
	case *int64:
		*p, err = Int64(c, raw)
	case *bool:
		*p, err = Bool(c, raw)
	case *int:
		var i int64
		if i, err = Int64(c, raw); err == nil && int64(int(i)) != i {
			err = fail(c, "unmarshal", fmt.Errorf("%w: an integer does not fit int", ErrType))
			i = 0
		}
		*p = int(i)
	default:
		return slow[T](c, raw)
	}
	return v, err
}

// slow is a function of its own so that v is allocated only here.
func slow[T any](c Codec, raw []byte) (T, error) {
	var v T
	err := c.Unmarshal(raw, &v)
	return v, err
}

func notA(c Codec, t *wire.Token, want string) error {
	return fail(c, "unmarshal", fmt.Errorf("%w: %s does not fit %s", ErrType, t.Kind, want))
}
