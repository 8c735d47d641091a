package itsdangerous

import (
	"fmt"
	"time"
)

// A TimedSerializer turns any value into signed text that says when it was
// signed, and back. Make one with [NewURLSafeTimedSerializer] or
// [NewTimedSerializer]. It never changes and may be used concurrently.
type TimedSerializer struct {
	signer *TimestampSigner
	packer *packer
	codec  Codec
}

// NewTimedSerializer returns a TimedSerializer whose text is the codec's
// output followed by timestamp and signature: Python's TimedSerializer.
func NewTimedSerializer(secrets Secrets, o Options) (*TimedSerializer, error) {
	s, err := newTimedSerializer(secrets, &o, false)
	if err != nil {
		return nil, fmt.Errorf("itsdangerous: new timed serializer: %w", err)
	}
	return s, nil
}

// NewURLSafeTimedSerializer returns a TimedSerializer whose text consists of
// letters, digits, "-", "_" and the separator: Python's
// URLSafeTimedSerializer, which writes Flask's session cookie.
func NewURLSafeTimedSerializer(secrets Secrets, o Options) (*TimedSerializer, error) {
	s, err := newTimedSerializer(secrets, &o, true)
	if err != nil {
		return nil, fmt.Errorf("itsdangerous: new URL-safe timed serializer: %w", err)
	}
	return s, nil
}

func newTimedSerializer(secrets Secrets, o *Options, urlSafe bool) (*TimedSerializer, error) {
	s, err := newSerializer(secrets, o, urlSafe)
	if err != nil {
		return nil, err
	}
	return &TimedSerializer{newTimestampSigner(s.signer, o), s.packer, s.codec}, nil
}

// Dumps returns v as signed text with the present time. The error is that of
// the codec.
func (s *TimedSerializer) Dumps(v any) (string, error) {
	data, err := s.codec.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("itsdangerous: dumps: %w", err)
	}
	return s.DumpsRaw(data), nil
}

// DumpsRaw is Dumps for a payload that is already encoded.
func (s *TimedSerializer) DumpsRaw(payload []byte) string {
	return s.signer.Sign(s.packer.pack(payload))
}

// Loads reads signed text into v and returns when it was signed. The error
// matches [ErrSignatureExpired], [ErrBadTimeSignature], [ErrBadSignature] or
// [ErrBadPayload]; in the last case *v may be partly set. For maxAge see
// [TimestampSigner.Unsign].
func (s *TimedSerializer) Loads(signed string, v any, maxAge time.Duration) (time.Time, error) {
	text, date, err := s.signer.Unsign(signed, maxAge)
	return s.loads(text, v, date, err)
}

// LoadsAnyAge is Loads for signatures that never expire, not even those from
// the future.
func (s *TimedSerializer) LoadsAnyAge(signed string, v any) (time.Time, error) {
	text, date, err := s.signer.UnsignAnyAge(signed)
	return s.loads(text, v, date, err)
}

// LoadsRaw is Loads for a payload that the caller decodes.
func (s *TimedSerializer) LoadsRaw(signed string, maxAge time.Duration) ([]byte, time.Time, error) {
	text, date, err := s.signer.Unsign(signed, maxAge)
	return s.unpack(text, date, err)
}

// LoadsRawAnyAge is LoadsAnyAge for a payload that the caller decodes.
func (s *TimedSerializer) LoadsRawAnyAge(signed string) ([]byte, time.Time, error) {
	text, date, err := s.signer.UnsignAnyAge(signed)
	return s.unpack(text, date, err)
}

// loads finishes Loads with what unsigning gave.
func (s *TimedSerializer) loads(text string, v any, date time.Time, err error) (time.Time, error) {
	data, date, err := s.unpack(text, date, err)
	if err != nil {
		return time.Time{}, err
	}
	if err := s.codec.Unmarshal(data, v); err != nil {
		return time.Time{}, badTimedPayload(codecError(err), text, date)
	}
	return date, nil
}

func (s *TimedSerializer) unpack(text string, date time.Time, err error) ([]byte, time.Time, error) {
	if err != nil {
		return nil, time.Time{}, err
	}
	data, bad := s.packer.unpack(text)
	if bad != nil {
		return nil, time.Time{}, badTimedPayload(bad, text, date)
	}
	return data, date, nil
}

func badTimedPayload(e *Error, text string, date time.Time) *Error {
	e.date = date
	return badPayload(e, text)
}
