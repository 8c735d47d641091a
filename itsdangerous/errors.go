package itsdangerous

import "time"

// What can be wrong with a signed text, for errors.Is. The errors nest: an
// ErrSignatureExpired is also an ErrBadTimeSignature, and that an
// ErrBadSignature, so that code which asks only for ErrBadSignature refuses
// all three. An ErrTooLarge is also an ErrBadPayload.
var (
	// ErrBadSignature says that the text was not signed with one of the
	// secrets, or is no signed text at all.
	ErrBadSignature error = &sentinel{"bad signature", nil}

	// ErrBadTimeSignature says that a text which should carry a timestamp has
	// a bad signature, or a good one but a missing or malformed timestamp.
	ErrBadTimeSignature error = &sentinel{"bad time signature", ErrBadSignature}

	// ErrSignatureExpired says that the signature is good but older than
	// allowed, or dated in the future.
	ErrSignatureExpired error = &sentinel{"signature expired", ErrBadTimeSignature}

	// ErrBadPayload says that the signature is good but what was signed cannot
	// be read: a mistake, or a version, of someone who holds the secret.
	ErrBadPayload error = &sentinel{"bad payload", nil}

	// ErrTooLarge says that the payload inflates beyond Options.MaxInflated.
	ErrTooLarge error = &sentinel{"payload too large", ErrBadPayload}
)

// sentinel is an error value that is a special case of another.
type sentinel struct {
	text   string
	parent error
}

func (e *sentinel) Error() string { return "itsdangerous: " + e.text }
func (e *sentinel) Unwrap() error { return e.parent }

// An Error is what every refused text is answered with. Its message never
// quotes the text. It matches the sentinels of this package; a payload that
// the codec refused also has the codec's own error in its chain, which is
// kept out of the message because it may quote the payload.
type Error struct {
	op, why  string
	kind     error
	cause    error
	date     time.Time
	payload  *string // a pointer so that %#v does not print it
	verified bool
}

// Error returns the message: the operation and what was wrong.
func (e *Error) Error() string { return "itsdangerous: " + e.op + ": " + e.why }

// Unwrap returns the sentinel and, if there is one, the underlying error.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// Verified reports whether the signature was good. If so, the date and the
// payload are what the holder of a secret signed; if not, they may be anyone's.
func (e *Error) Verified() bool { return e.verified }

// Date returns when the text was signed, in UTC, or the zero time if that is
// not known. It proves something only if e is Verified.
func (e *Error) Date() time.Time { return e.date }

// Payload returns what was, or claims to have been, signed, without timestamp
// and signature and not yet decoded. It reports false if the text has no such
// part. It proves something only if e is Verified.
func (e *Error) Payload() (string, bool) {
	if e.payload == nil {
		return "", false
	}
	return *e.payload, true
}
