package cloakroom

import (
	"fmt"

	"github.com/cloakroom/cloakroom/codec"
)

// A Key is the name of one value in a session together with its type. It is a
// string type, so that keys can be constants:
//
//	const user = cloakroom.Key[string]("user")
//
// T may be whatever the codec can write: scalars, strings, bytes, time.Time,
// slices, maps, and structs, whose fields are named by their msgpack or json
// tags.
type Key[T any] string

// Get returns the value and true, or the zero value and false if the session
// has none. A value of another type is none too, and is reported to
// Hooks.Error and the log; it stays in the session until it is set.
func (k Key[T]) Get(s *Session) (T, bool) {
	raw, c := s.core().Lookup(string(k))
	if raw == nil {
		var zero T
		return zero, false
	}
	v, err := codec.Value[T](c, raw)
	if err != nil {
		s.core().Report(fmt.Errorf("cloakroom: get %T: %w", v, err))
		var zero T
		return zero, false
	}
	return v, true
}

// Set puts v into the session. It is encoded at once: later changes to what v
// points to are not seen. A v that cannot be encoded makes the request fail,
// see Session.Err.
func (k Key[T]) Set(s *Session, v T) { s.Set(string(k), v) }

// Pop is Get followed by Session.Delete. Of two requests at the same time both
// may get the value: for what must be used only once there is Take.
func (k Key[T]) Pop(s *Session) (T, bool) {
	v, ok := k.Get(s)
	if ok {
		s.Delete(string(k))
	}
	return v, ok
}

// Take removes the value and returns it, as Pop does, and gives it to one of any
// number of concurrent requests: when it returns, the removal has been saved, and
// nothing else of what the request has changed. It is for what works once: a
// code, a form's token, the state of an OAuth login. If the store fails, the
// request fails (see Session.Err) and nobody may get the value. A value that the
// request itself has set and not saved is taken from there; one that it has
// updated cannot be taken. Sealed cookies cannot promise any of this: the request
// fails with ErrUnsupported. Take must not be called in a function given to
// Update.
func (k Key[T]) Take(s *Session) (T, bool) {
	var v T
	raw, _ := s.core().Take(string(k), func(c codec.Codec, raw []byte) (err error) {
		if v, err = codec.Value[T](c, raw); err != nil {
			return fmt.Errorf("cloakroom: take %T: %w", v, err)
		}
		return nil
	})
	if raw == nil {
		var zero T
		return zero, false
	}
	return v, true
}

// Update replaces the value by what f makes of it, and loses no step: if
// another request changes the session at the same time, f is run again on the
// newest value. So f may run several times and should only compute; above all
// it must not change the same value by other means. f gets the zero value if
// the session has none. A value of another type makes the
// request fail rather than be overwritten, see Session.Err.
func (k Key[T]) Update(s *Session, f func(T) T) {
	s.core().Update(string(k), func(c codec.Codec, raw []byte) ([]byte, error) {
		var v T
		if raw != nil {
			var err error
			if v, err = codec.Value[T](c, raw); err != nil {
				return nil, fmt.Errorf("cloakroom: update %T: %w", v, err)
			}
		}
		return s.core().Engine().Codec.Marshal(nil, f(v))
	})
}
