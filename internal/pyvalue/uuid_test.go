package pyvalue

import (
	"encoding"
	"testing"
)

var (
	_ encoding.TextMarshaler   = UUID{}
	_ encoding.TextUnmarshaler = (*UUID)(nil)
)

var example = UUID{0x12, 0x34, 0x56, 0x78, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xfe, 0xdc, 0xba, 0x98}

func TestUUIDText(t *testing.T) {
	const want = "12345678-abcd-ef01-2345-6789fedcba98"
	if got := example.String(); got != want {
		t.Errorf("String: got %q, want %q", got, want)
	}
	if got, err := example.MarshalText(); err != nil || string(got) != want {
		t.Errorf("MarshalText: got %q and error %v, want %q", got, err, want)
	}
	if got, want := example.Hex(), "12345678abcdef0123456789fedcba98"; got != want {
		t.Errorf("Hex: got %q, want %q", got, want)
	}
}

func TestParseUUID(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		ok         bool
	}{
		{"digits alone", "12345678abcdef0123456789fedcba98", true},
		{"with hyphens", "12345678-abcd-ef01-2345-6789fedcba98", true},
		{"in upper case", "12345678-ABCD-EF01-2345-6789FEDCBA98", true},
		{"as a URN in braces", "urn:uuid:{12345678abcdef0123456789fedcba98}", true},
		{"hyphens anywhere", "1-2345678abcdef0123456789fedcba98-", true},
		{"empty", "", false},
		{"a digit too few", "12345678abcdef0123456789fedcba9", false},
		{"a digit too many", "12345678abcdef0123456789fedcba980", false},
		{"not hexadecimal", "12345678abcdef0123456789fedcba9g", false},
		{"hyphens without end", string(make([]byte, 1000)), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseUUID(tt.text)
			if tt.ok != (err == nil) || tt.ok && got != example || !tt.ok && got != (UUID{}) {
				t.Errorf("ParseUUID: got %v and error %v", got, err)
			}
			u := UUID{1}
			if err := u.UnmarshalText([]byte(tt.text)); tt.ok != (err == nil) {
				t.Errorf("UnmarshalText: error %v", err)
			}
			if !tt.ok && u != (UUID{1}) {
				t.Error("UnmarshalText changed the UUID although it failed")
			}
		})
	}
}
