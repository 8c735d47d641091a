package itsdangerous_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

const signedAt = 1704164645

func timestampSigner(now func() time.Time) *itsdangerous.TimestampSigner {
	return must(itsdangerous.NewTimestampSigner(itsdangerous.Secret("dev"), itsdangerous.Options{Now: now}))
}

func TestAge(t *testing.T) {
	signed := timestampSigner(at(signedAt)).Sign("x")
	for name, c := range map[string]struct {
		age    int64
		maxAge time.Duration
		want   string
	}{
		"the same second":              {0, time.Minute, ""},
		"as old as allowed":            {60, time.Minute, ""},
		"a second too old":             {61, time.Minute, "SignatureExpired"},
		"from the future":              {-1, time.Minute, "SignatureExpired"},
		"far from the future":          {-signedAt, math.MaxInt64, "SignatureExpired"},
		"zero, same second":            {0, 0, ""},
		"zero, next second":            {1, 0, "SignatureExpired"},
		"negative":                     {0, -1, "SignatureExpired"},
		"very negative":                {0, math.MinInt64, "SignatureExpired"},
		"a fraction is dropped":        {1, 1999 * time.Millisecond, ""},
		"a fraction is dropped, older": {2, 1999 * time.Millisecond, "SignatureExpired"},
		"the longest":                  {math.MaxInt64 / int64(time.Second), math.MaxInt64, ""},
		"longer than the longest":      {math.MaxInt64/int64(time.Second) + 1, math.MaxInt64, "SignatureExpired"},
	} {
		t.Run(name, func(t *testing.T) {
			s := timestampSigner(at(signedAt + c.age))
			value, date, err := s.Unsign(signed, c.maxAge)
			if got := class(t, err); got != c.want {
				t.Fatalf("got %q (%v), want %q", got, err, c.want)
			}
			if err == nil {
				if value != "x" || date.Unix() != signedAt || date.Location() != time.UTC {
					t.Errorf("got %q of %v", value, date)
				}
				return
			}
			e, _ := errors.AsType[*itsdangerous.Error](err)
			if p, _ := e.Payload(); !e.Verified() || e.Date().Unix() != signedAt || p != "x" {
				t.Errorf("verified %v, date %v, payload %q", e.Verified(), e.Date(), p)
			}
			if _, date, err := s.UnsignAnyAge(signed); err != nil || date.Unix() != signedAt {
				t.Errorf("at any age: %v, %v", date, err)
			}
		})
	}
}

func TestClockIsReadForEachSignature(t *testing.T) {
	now := int64(signedAt)
	s := timestampSigner(func() time.Time { now++; return time.Unix(now, 999999999) })
	first, second := s.Sign("x"), s.Sign("x")
	if first == second {
		t.Error("two signatures of one time")
	}
	if _, date, err := s.UnsignAnyAge(second); err != nil || date.Unix() != signedAt+2 {
		t.Errorf("got %v, %v", date, err)
	}
}

func TestTimestamps(t *testing.T) {
	for _, unix := range []int64{0, 1, 255, 256, signedAt, 1 << 32, 253402300799} {
		text := itsdangerous.FormatTimestamp(time.Unix(unix, 0))
		if got, ok := itsdangerous.ParseTimestamp(text); !ok || got.Unix() != unix {
			t.Errorf("%d is written as %q and read as %v, %v", unix, text, got, ok)
		}
	}
	if got := itsdangerous.FormatTimestamp(time.Unix(-5, 0)); got != "" {
		t.Errorf("before 1970: got %q", got)
	}
	for _, text := range []string{
		itsdangerous.FormatTimestamp(time.Unix(253402300800, 0)), "__________8", "AAAAAAAAAAAA", strings.Repeat("A", 1000), "A",
	} {
		if got, ok := itsdangerous.ParseTimestamp(text); ok {
			t.Errorf("%.20q is read as %v", text, got)
		}
	}
}

func TestTimeErrors(t *testing.T) {
	dev, o := itsdangerous.Secret("dev"), itsdangerous.Options{Now: at(signedAt)}
	plain := must(itsdangerous.NewSigner(dev, o))
	s := must(itsdangerous.NewTimestampSigner(dev, o))
	good := s.Sign("x")
	for name, c := range map[string]struct {
		signed, class, payload string
		verified, dated        bool
	}{
		"no timestamp":                {plain.Sign("x"), "BadTimeSignature", "x", true, false},
		"malformed timestamp":         {plain.Sign("x.A"), "BadTimeSignature", "x", true, false},
		"year 10000":                  {plain.Sign("x.OwAAAAAA"), "BadTimeSignature", "x", true, false},
		"bad signature":               {good + "A", "BadTimeSignature", "x", false, true},
		"bad signature, no timestamp": {"x.AAAA", "BadSignature", "x", false, false},
		"bad signature and timestamp": {"x.A.AAAA", "BadTimeSignature", "x", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := s.Unsign(c.signed, time.Hour)
			if got := class(t, err); got != c.class {
				t.Fatalf("got %q (%v), want %q", got, err, c.class)
			}
			e, _ := errors.AsType[*itsdangerous.Error](err)
			if p, _ := e.Payload(); p != c.payload || e.Verified() != c.verified || e.Date().IsZero() == c.dated {
				t.Errorf("payload %q, verified %v, date %v", p, e.Verified(), e.Date())
			}
		})
	}
}

func TestErrorsNest(t *testing.T) {
	for _, c := range []struct {
		err, is error
		want    bool
	}{
		{itsdangerous.ErrSignatureExpired, itsdangerous.ErrBadTimeSignature, true},
		{itsdangerous.ErrSignatureExpired, itsdangerous.ErrBadSignature, true},
		{itsdangerous.ErrBadTimeSignature, itsdangerous.ErrBadSignature, true},
		{itsdangerous.ErrBadSignature, itsdangerous.ErrBadTimeSignature, false},
		{itsdangerous.ErrBadSignature, itsdangerous.ErrSignatureExpired, false},
		{itsdangerous.ErrTooLarge, itsdangerous.ErrBadPayload, true},
		{itsdangerous.ErrBadPayload, itsdangerous.ErrBadSignature, false},
	} {
		if got := errors.Is(c.err, c.is); got != c.want {
			t.Errorf("%v is %v: %v", c.err, c.is, got)
		}
	}
}
