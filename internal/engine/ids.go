package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

const (
	idBytes = 32 // 256 bits, twice the floor of OWASP ASVS 5.0, 7.2.3
	// IDLength is that of the base64url text without padding.
	IDLength = 43
)

// IDs are the native rules' IDs: each is a ticket as it is.
type IDs struct{}

// New returns 32 random bytes in base64url, twice. crypto/rand ends the program
// when the system has no randomness, so an ID is never guessable.
func (IDs) New() (id, ticket string) {
	var raw [idBytes]byte
	rand.Read(raw[:])
	var text [IDLength]byte
	base64.RawURLEncoding.Encode(text[:], raw[:])
	id = string(text[:])
	return id, id
}

// Of reports whether a ticket has the length and alphabet of an ID. Any other
// is rejected before the store sees it: as a path, as a command, as a key.
func (IDs) Of(ticket string) (string, bool) {
	return ticket, len(ticket) == IDLength && isBase64URL(ticket)
}

func isBase64URL(s string) bool {
	for i := range len(s) {
		if !base64URL[s[i]] {
			return false
		}
	}
	return true
}

// base64URL tells the characters of RFC 4648, section 5.
var base64URL = func() (t [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		t[c] = true
	}
	return t
}()

// storeKey returns the name of the record for id: the prefix and the ID, or
// rather a hash of it, so that a reader of the store cannot open its sessions.
// The cookie's name is hashed in: a ticket of one cookie is worthless in
// another one on the same store (CVE-2022-46170).
func (e *Engine) storeKey(id string) string {
	if e.PlainIDs {
		return e.KeyPrefix + id
	}
	var in [128]byte
	msg := append(append(append(in[:0], e.CookieName...), 0), id...)
	sum := sha256.Sum256(msg)
	var buf [128]byte
	key := append(buf[:0], e.KeyPrefix...)
	key = base64.RawURLEncoding.AppendEncode(key, sum[:])
	return string(key)
}

// HandleOf returns the handle of the record with a store key.
func HandleOf(storeKey string) string {
	sum := sha256.Sum256([]byte("cloakroom handle\x00" + storeKey))
	return hex.EncodeToString(sum[:8])
}
