package engine

import (
	"fmt"
	"reflect"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/wire"
	"github.com/cloakroom/cloakroom/store"
)

// Encode returns the bytes of v, a value of type t, in the codec c, that of the
// session's record. It refuses what would not come back: what cannot be read into
// a t, and what is not v then. Where t is nil or any, it has to come back into a
// variable of v's own type.
func (e *Engine) Encode(t reflect.Type, v any, c codec.Codec) ([]byte, error) {
	raw, err := c.Marshal(nil, v)
	if err != nil && c != e.Codec {
		err = store.WithAdvice(err, "the session's record was written in "+c.Name()+" and keeps that format, since another program may share it; "+
			"a new session is written as Options.Codec says")
	}
	if err != nil {
		return raw, err
	}
	if t == nil || t.Kind() == reflect.Interface {
		if t != nil && t.NumMethod() != 0 {
			return nil, inVain(fmt.Errorf("%w: %s is an interface type, and nothing says which type is to come back", codec.ErrType, t))
		}
		if t = reflect.TypeOf(v); t == nil {
			return raw, nil
		}
	}
	if j, ok := c.(wire.Judged); ok && !j.Judge().Doubts(t, v, len(raw)) {
		return raw, nil
	}
	got := reflect.New(t)
	if err := c.Unmarshal(raw, got.Interface()); err != nil {
		return nil, inVain(fmt.Errorf("what is written cannot be read back: %w", err))
	}
	return raw, inVain(wire.Same(reflect.ValueOf(v), got.Elem()))
}

// inVain advises about a value that would be written, and not come back.
func inVain(err error) error {
	return store.WithAdvice(err, "a session gives back what it took or refuses it: see docs/values.md for the types that come back")
}
