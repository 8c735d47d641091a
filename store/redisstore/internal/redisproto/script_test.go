package redisproto

import (
	"crypto/sha1"
	"encoding/hex"
	"testing"
)

func TestDigestsOfTheScripts(t *testing.T) {
	for name, s := range map[string]*script{"find": find, "replace": replace, "remove": remove, "touch": touch} {
		sum := sha1.Sum([]byte(s.text))
		if got, want := s.bySHA[1], hex.EncodeToString(sum[:]); got != want {
			t.Errorf("digest of %s is %q, want %q", name, got, want)
		}
	}
}
