package pickle

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// Errors that callers branch on, with errors.Is.
var (
	// ErrRefused says that a pickle is more than a plain value: it names a
	// class or function outside the list, or uses an instruction that only
	// objects need. The error is an [*Error] and says which; it matches
	// ErrMalformed, too.
	ErrRefused = errors.New("not a plain value")
	// ErrMalformed says that bytes are not a pickle that Python could read,
	// or that a known class got arguments which it does not take.
	ErrMalformed = wire.ErrMalformed
	// ErrLimit says that a pickle or value is beyond its [Limits].
	ErrLimit = wire.ErrLimit
	// ErrValue says that [Append] was given a Go value that it has no way to
	// write.
	ErrValue = wire.ErrType
)

// An Error says why a pickle was not read.
type Error struct {
	// Kind is ErrRefused, ErrMalformed or ErrLimit.
	Kind error
	// Global is the class or function that was refused, as "module.name",
	// shortened if it is long; empty if the error is about something else.
	Global string
	// Reason says what was wrong. It never shows a value.
	Reason string
	// Offset is the place of the instruction in the pickle.
	Offset int
	// Opcode is the instruction; zero if the input ended before it.
	Opcode byte
}

// Error says what was wrong, with which instruction and where.
func (e *Error) Error() string {
	what := e.Reason
	if e.Global != "" {
		what = "global " + strconv.QuoteToASCII(e.Global) + ": " + what
	}
	at := "at offset " + strconv.Itoa(e.Offset)
	if e.Opcode != 0 {
		at = "opcode " + opName(e.Opcode) + " " + at
	}
	return fmt.Sprintf("%v: %s (%s)", e.Kind, what, at)
}

// Unwrap returns the kind. What is refused is malformed to all but this package.
func (e *Error) Unwrap() []error {
	if e.Kind == ErrRefused {
		return []error{ErrRefused, ErrMalformed}
	}
	return []error{e.Kind}
}

// malformed, limit and refused make an Error whose place is filled in by the
// reader's loop.
func malformed(format string, args ...any) error {
	return &Error{Kind: ErrMalformed, Reason: fmt.Sprintf(format, args...)}
}

func limit(format string, args ...any) error {
	return &Error{Kind: ErrLimit, Reason: fmt.Sprintf(format, args...)}
}

func refused(global, reason string) error {
	const longest = 100
	if len(global) > longest {
		global = global[:longest] + "..."
	}
	return &Error{Kind: ErrRefused, Global: global, Reason: reason}
}
