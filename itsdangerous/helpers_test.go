package itsdangerous_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

// class names the most special sentinel that err matches as Python names its
// exceptions, or the empty string for nil.
func class(t *testing.T, err error) string {
	t.Helper()
	switch {
	case err == nil:
		return ""
	case errors.Is(err, itsdangerous.ErrSignatureExpired):
		return "SignatureExpired"
	case errors.Is(err, itsdangerous.ErrBadTimeSignature):
		return "BadTimeSignature"
	case errors.Is(err, itsdangerous.ErrBadSignature):
		return "BadSignature"
	case errors.Is(err, itsdangerous.ErrBadPayload):
		return "BadPayload"
	}
	t.Errorf("error matches no sentinel: %v", err)
	return "?"
}

// must returns v, which cannot fail in this test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// at is a clock that stands.
func at(unix int64) func() time.Time {
	return func() time.Time { return time.Unix(unix, 0) }
}

// opaque is a codec that hands []byte through.
type opaque struct{}

func (opaque) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (opaque) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
