// Package hidden keeps secrets out of what fmt prints of a struct that leads to
// them.
//
// fmt calls no method of what it meets in an unexported field, or behind a verb
// that does not fit, such as %s for a pointer. It then prints by reflection, and
// follows at most one pointer to a struct, a slice, an array or a map. It never
// follows a pointer to a pointer.
package hidden

// A Ref leads to a value and prints as an address. The zero Ref leads nowhere.
type Ref[T any] struct{ at **T }

// At returns a Ref to the value that *at points to. It allocates nothing where
// at points into memory that the caller has allocated anyway.
func At[T any](at **T) Ref[T] { return Ref[T]{at} }

// To returns a Ref to *v.
func To[T any](v *T) Ref[T] { return Ref[T]{&v} }

// Get returns where r leads, or nil.
func (r Ref[T]) Get() *T {
	if r.at == nil {
		return nil
	}
	return *r.at
}
