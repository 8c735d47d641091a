package cloakroom

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

// A Ticket is what the visitor keeps, as the value of a cookie: the ID of a
// session, or a whole sealed session. It is a secret, and prints as
// "[redacted]" in fmt, JSON and slog; convert it with string(t) where the real
// value is wanted. The empty Ticket opens a new session.
type Ticket string

const redacted = "[redacted]"

// Format writes "[redacted]" for every verb.
func (Ticket) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// String returns "[redacted]".
func (Ticket) String() string { return redacted }

// MarshalText returns "[redacted]", for encoding/json and its kin.
func (Ticket) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (Ticket) LogValue() slog.Value { return slog.StringValue(redacted) }

const (
	idBytes  = 32 // 256 bits, twice the floor of OWASP ASVS 5.0, 7.2.3
	idLength = 43 // of the base64url text without padding
)

// newID returns 32 random bytes in base64url. crypto/rand ends the program
// when the system has no randomness, so an ID is never guessable.
func newID() string {
	var raw [idBytes]byte
	rand.Read(raw[:])
	var text [idLength]byte
	base64.RawURLEncoding.Encode(text[:], raw[:])
	return string(text[:])
}

// validID reports whether id has the length and alphabet of an ID. What has
// not never reaches a store: not as a path, not as a command, not as a key.
func validID(id string) bool {
	return len(id) == idLength && isBase64URL(id)
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
// rather a hash of it, so that who reads the store cannot open its sessions.
// The cookie's name is hashed in: a ticket of one cookie is worthless in
// another one on the same store (CVE-2022-46170).
func (m *Manager) storeKey(id string) string {
	if m.opts.PlainIDs {
		return m.opts.KeyPrefix + id
	}
	var in [128]byte
	msg := append(append(append(in[:0], m.opts.CookieName...), 0), id...)
	sum := sha256.Sum256(msg)
	var buf [128]byte
	key := append(buf[:0], m.opts.KeyPrefix...)
	key = base64.RawURLEncoding.AppendEncode(key, sum[:])
	return string(key)
}

// HandleOf returns the handle of the record with a store key, as
// [Session.Handle] does, for tools that list a store.
func HandleOf(storeKey string) string {
	sum := sha256.Sum256([]byte("cloakroom handle\x00" + storeKey))
	return hex.EncodeToString(sum[:8])
}
