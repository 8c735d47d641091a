// Package jsontext reads and writes JSON text, byte for byte as Python's
// msgspec does: compact, with characters beyond ASCII as they are, bytes as
// base64, and floats that always show that they are floats.
//
// It knows nothing of Go's types; package wire does.
package jsontext

import (
	"fmt"

	"github.com/cloakroom/cloakroom/internal/wire"
)

var (
	errTruncated = fmt.Errorf("%w: it ends too early", wire.ErrMalformed)
	errTrailing  = fmt.Errorf("%w: more follows after the value", wire.ErrMalformed)
	errSyntax    = fmt.Errorf("%w: it is not JSON", wire.ErrMalformed)
	errNumber    = fmt.Errorf("%w: a number is not JSON", wire.ErrMalformed)
	errControl   = fmt.Errorf("%w: a control character in a string", wire.ErrMalformed)
	errEscape    = fmt.Errorf("%w: an unknown escape in a string", wire.ErrMalformed)
	errSurrogate = fmt.Errorf("%w: half of a surrogate pair in a string", wire.ErrMalformed)
	errUTF8      = fmt.Errorf("%w: a string is not valid UTF-8", wire.ErrMalformed)
	errDepth     = fmt.Errorf("%w: nested too deeply", wire.ErrLimit)
	errRange     = fmt.Errorf("%w: a number is too large", wire.ErrLimit)
)
