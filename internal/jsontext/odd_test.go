package jsontext

import (
	"strings"
	"testing"
	"unicode/utf8"
)

var oddStrings = []string{
	"", "plain", "naïve", "na\xefve", "\xff", "\xed\xa0\x80", oddPrefix, oddPrefix + "aGVsbG8=", oddPrefix + "/w==", oddPrefix + "/x==",
	oddPrefix + "/w==\n", Spell(Spell("\xff")), Spell(oddPrefix + "/w=="), strings.ToUpper(oddPrefix) + "/w==", "data:image/png;base64,/w==",
}

func TestStringsComeBackFromTheirSpelling(t *testing.T) {
	for _, v := range oddStrings {
		if got := string(Unspell([]byte(Spell(v)))); got != v {
			t.Errorf("%q is spelled %q, which is read as %q", v, Spell(v), got)
		}
		if odd := !utf8.ValidString(v); odd != (Spell(v) != v) && !strings.HasPrefix(v, oddPrefix) {
			t.Errorf("%q is spelled %q", v, Spell(v))
		}
	}
	if got := Spell("na\xefve"); got != "data:;charset=unknown-8bit;base64,bmHvdmU=" {
		t.Errorf("got %q", got)
	}
	// What another program spells so, and we would not, is what it is.
	for _, text := range []string{oddPrefix + "aGVsbG8=", oddPrefix + "/x==", oddPrefix + "/w==\n", oddPrefix} {
		if got := string(Unspell([]byte(text))); got != text {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

func FuzzSpell(f *testing.F) {
	for _, v := range oddStrings {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		spelled := Spell(v)
		if !utf8.ValidString(spelled) {
			t.Fatalf("%q is spelled %q", v, spelled)
		}
		if got := string(Unspell([]byte(spelled))); got != v {
			t.Fatalf("%q is spelled %q, which is read as %q", v, spelled, got)
		}
		if !utf8.ValidString(v) {
			return
		}
		// Each text has one spelling, so a value read and written again keeps it.
		if again := Spell(string(Unspell([]byte(v)))); again != v {
			t.Fatalf("%q became %q", v, again)
		}
	})
}
