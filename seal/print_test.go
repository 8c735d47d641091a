package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"testing"

	"github.com/cloakroom/cloakroom/internal/printtest"
)

// What fmt can reach of a Sealer is neither a secret nor a key derived from it.
func TestSealersPrintNoKeys(t *testing.T) {
	secret := "a secret that is as long as a key"
	derived, err := hkdf.Key(sha256.New, []byte(secret), nil, "cloakroom/seal/v1 aes-256-gcm", 32)
	if err != nil {
		t.Fatal(err)
	}
	// A cipher keeps its key as words, in either order of bytes.
	words := printtest.Words(derived)
	s, err := New([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	secrets := append(words, secret, string(derived))
	printtest.Silent(t, "*Sealer", s, secrets...)
	printtest.Silent(t, "Sealer", *s, secrets...)
}
