package pyvalue

import (
	"encoding/hex"
	"errors"
	"strings"
)

// A UUID is a Python uuid.UUID. Python's note on how the UUID was generated
// (is_safe) is not kept; it takes no part in comparisons there either.
type UUID [16]byte

// uuidSize is the length of the text with hyphens.
const uuidSize = 36

// String returns the usual form with hyphens, in lower case.
func (u UUID) String() string {
	var b [uuidSize]byte
	return string(u.append(b[:0]))
}

// Hex returns the form without hyphens, which is how Flask writes it.
func (u UUID) Hex() string { return hex.EncodeToString(u[:]) }

func (u UUID) append(b []byte) []byte {
	for i, part := range [][]byte{u[0:4], u[4:6], u[6:8], u[8:10], u[10:16]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// MarshalText implements [encoding.TextMarshaler] as String does.
func (u UUID) MarshalText() ([]byte, error) {
	return u.append(make([]byte, 0, uuidSize)), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler] as [ParseUUID] does. If
// there is an error, u stays as it is.
func (u *UUID) UnmarshalText(text []byte) error {
	v, err := ParseUUID(string(text))
	if err == nil {
		*u = v
	}
	return err
}

var errUUID = errors.New("pyvalue: not a UUID: 32 hexadecimal digits are needed")

// ParseUUID reads what Python's uuid.UUID reads: 32 hexadecimal digits in
// either case, with hyphens anywhere, in braces, after "urn:uuid:".
func ParseUUID(s string) (UUID, error) {
	var u UUID
	if len(s) != 2*len(u) {
		if len(s) > 4*uuidSize { // nobody writes so much around it
			return u, errUUID
		}
		s = strings.ReplaceAll(strings.ReplaceAll(s, "urn:", ""), "uuid:", "")
		s = strings.ReplaceAll(strings.Trim(s, "{}"), "-", "")
	}
	if len(s) != 2*len(u) {
		return u, errUUID
	}
	var v UUID
	if _, err := hex.Decode(v[:], []byte(s)); err != nil {
		return u, errUUID
	}
	return v, nil
}
