package cloakroom

import (
	"fmt"
	"reflect"

	"github.com/cloakroom/cloakroom/codec"
)

// A Key is the name of one value in a session together with its type. It is a
// string type, so that keys can be constants:
//
//	const user = cloakroom.Key[string]("user")
//
// T may be whatever the codec can write and read back: scalars, strings, bytes,
// time.Time, slices, maps, structs, whose fields are named by their msgpack or
// json tags, and types with a MarshalText and an UnmarshalText. What Set takes Get
// gives back; a value that would come back as another one is refused. Such are a
// struct with a field that is not written and not zero (not exported, or with the
// tag -), a struct or named type in a variable of an interface type, and one that
// its own methods write as something else. docs/values.md has the whole list.
//
// A Key[any] is as Session.Set and Session.Get: Set holds the value to its own
// type, and Get gives it back as Session.Get does, a struct as a dictionary for
// instance. Give the value a Key of its type.
//
// Nil and empty slices and maps count as one, and so do times of one instant, and
// in a variable of type any numbers of one value.
type Key[T any] string

// Get returns the value and true, or the zero value and false if the session
// has none. A value of another type is none too, and is reported to
// Hooks.Error and the log; it stays in the session until it is set.
func (k Key[T]) Get(s *Session) (T, bool) {
	v, found, err := get[T](s, string(k))
	if err != nil {
		s.core().Report(k.errorf("get", err))
	}
	return v, found
}

// get returns the value of name, or why it is no T.
func get[T any](s *Session, name string) (v T, found bool, err error) {
	raw, c := s.core().Lookup(name)
	if raw == nil {
		return v, false, nil
	}
	if v, err = codec.Value[T](c, raw); err != nil {
		var zero T
		return zero, false, err
	}
	return v, true, nil
}

// typeOf is reflect.TypeFor, which would allocate here.
func typeOf[T any]() reflect.Type { return reflect.TypeOf((*T)(nil)).Elem() }

// errorf says what was being done with the key's value when err came up. The name
// is a constant of the program, and no secret.
func (k Key[T]) errorf(operation string, err error) error {
	return fmt.Errorf("cloakroom: %s %q as %s: %w", operation, string(k), typeOf[T](), err)
}

// Set puts v into the session. It is encoded at once: later changes to what v
// points to are not seen. A v that Get would not give back as it is makes the
// request fail, see Session.Err: the type [Key] says which those are.
func (k Key[T]) Set(s *Session, v T) {
	s.core().Set(string(k), typeOf[T](), v)
}

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
			return k.errorf("take", err)
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
// newest value. In a sealed cookie it may lose one: see NewCookie. So f may run
// several times and should only compute; above all it must not change the same value by other means. f gets the zero value where
// Get would return it: if the session has no value, or one of another type, which
// is reported as by Get and replaced. What f returns is set as by Set.
func (k Key[T]) Update(s *Session, f func(T) T) {
	s.core().Update(string(k), func(from codec.Codec, raw []byte, to codec.Codec) ([]byte, codec.Codec, error) {
		var v T
		if raw != nil {
			var err error
			if v, err = codec.Value[T](from, raw); err != nil {
				s.core().Report(k.errorf("update", err))
				v = *new(T)
			}
		}
		out, err := s.core().Engine().Encode(typeOf[T](), f(v), to)
		if err != nil {
			err = k.errorf("update", err)
		}
		return out, to, err
	})
}
