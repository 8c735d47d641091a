// Package pyvalue has the Python types that Go lacks, in the form in which a
// Go program meets them in a session: whichever format a record is in, a tuple
// is the same Go type, and is written as a tuple again.
//
// Those with MarshalText have a text that says all, in the form in which
// Python's msgspec writes them to formats that lack the type, and read that
// form back.
package pyvalue

// A Tuple is a Python tuple. Flask's flashed messages are such.
type Tuple []any

// A Set is a Python set. The order of its items means nothing.
type Set []any

// A FrozenSet is a Python frozenset. The order of its items means nothing.
type FrozenSet []any

// A Markup is markupsafe's str subclass for text that is safe in HTML.
type Markup string

// A ByteArray is a Python bytearray.
type ByteArray []byte
