package itsdangerous

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// A TimestampSigner signs values together with the time: value, separator,
// timestamp, separator, signature. Make one with [NewTimestampSigner]. It
// never changes and may be used concurrently.
type TimestampSigner struct {
	signer *Signer
	now    func() time.Time
}

// NewTimestampSigner returns a TimestampSigner, under the same conditions as
// [NewSigner].
func NewTimestampSigner(secrets Secrets, o Options) (*TimestampSigner, error) {
	s, err := newSigner(secrets, &o)
	if err != nil {
		return nil, fmt.Errorf("itsdangerous: new timestamp signer: %w", err)
	}
	return newTimestampSigner(s, &o), nil
}

func newTimestampSigner(s *Signer, o *Options) *TimestampSigner {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	return &TimestampSigner{s, now}
}

// Sign returns value with the present time and the signature. Timestamps are
// whole seconds; a time before 1970 is written as 1970.
func (s *TimestampSigner) Sign(value string) string {
	return s.signer.sign(value, s.signer.sep, formatTimestamp(s.now()))
}

// Unsign returns the value that was signed, and when. The error matches
// [ErrSignatureExpired] if that was more than maxAge ago or is in the future,
// [ErrBadTimeSignature] or [ErrBadSignature] otherwise. Ages are counted in
// whole seconds, and a fraction of maxAge is dropped. Zero means within the
// same second; under a negative maxAge everything has expired.
func (s *TimestampSigner) Unsign(signed string, maxAge time.Duration) (string, time.Time, error) {
	value, date, err := s.UnsignAnyAge(signed)
	if err != nil {
		return "", time.Time{}, err
	}
	age := s.now().Unix() - date.Unix()
	switch {
	case age < 0:
		return "", time.Time{}, expired(value, date, "signed %d s in the future", -age)
	case maxAge < 0 || age > int64(maxAge/time.Second):
		return "", time.Time{}, expired(value, date, "signed %d s ago, which is too long", age)
	}
	return value, date, nil
}

func expired(payload string, date time.Time, why string, seconds int64) *Error {
	return &Error{
		op: "unsign", why: fmt.Sprintf(why, seconds), kind: ErrSignatureExpired,
		date: date, payload: &payload, verified: true,
	}
}

// UnsignAnyAge is Unsign for signatures that never expire, not even those
// from the future.
func (s *TimestampSigner) UnsignAnyAge(signed string) (string, time.Time, error) {
	value, good, err := s.signer.unsign(signed)
	if err != nil {
		return "", time.Time{}, err
	}
	i := strings.LastIndex(value, s.signer.sep)
	if i < 0 {
		return "", time.Time{}, noTimestamp(value, good)
	}
	date, ok := parseTimestamp(value[i+len(s.signer.sep):])
	value = value[:i]
	if good && ok {
		return value, date, nil
	}
	e := signatureError(ErrBadTimeSignature, value)
	e.date, e.verified = date, good
	if good {
		e.why = "the timestamp is malformed"
	}
	return "", time.Time{}, e
}

func noTimestamp(value string, good bool) *Error {
	if !good { // nothing suggests that a timestamp was ever there
		return signatureError(ErrBadSignature, value)
	}
	e := signatureError(ErrBadTimeSignature, value)
	e.why, e.verified = "the timestamp is missing", true
	return e
}

// formatTimestamp writes the seconds since 1970 in as few bytes as they need,
// as base64: none at all for 0.
func formatTimestamp(t time.Time) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(t.Unix(), 0)))
	i := 0
	for i < len(b) && b[i] == 0 {
		i++
	}
	return base64.RawURLEncoding.EncodeToString(b[i:])
}

// maxUnix is the last second of the year 9999, up to which Python can tell
// the date.
const maxUnix = 253402300799

// parseTimestamp reads what formatTimestamp wrote, or any other spelling that
// Python takes: the timestamp is signed, so nobody else can respell it.
func parseTimestamp(text string) (time.Time, bool) {
	data, err := decodeBase64(text)
	if err != nil || len(data) > 8 {
		return time.Time{}, false
	}
	var b [8]byte
	copy(b[8-len(data):], data)
	sec := binary.BigEndian.Uint64(b[:])
	if sec > maxUnix {
		return time.Time{}, false
	}
	return time.Unix(int64(sec), 0).UTC(), true
}
