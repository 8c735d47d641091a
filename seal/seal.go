// Package seal encrypts and authenticates small messages, such as a whole
// session in a cookie or a record in a store, under a list of keys that can be
// rotated.
//
// A sealed message is
//
//	version (1 byte) | key ID (4 bytes) | nonce (12 bytes) | ciphertext | tag (16 bytes)
//
// with AES-256-GCM (NIST SP 800-38D) under a key derived from the caller's by
// HKDF-SHA256 (RFC 5869). Version and key ID are authenticated too, and so is
// the context that the caller gives: a message opens only in the context that
// it was sealed for.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	version   = 1
	keyIDSize = 4
	nonceSize = 12
	tagSize   = 16
	headSize  = 1 + keyIDSize

	// Overhead is how many bytes longer a sealed message is than its plaintext.
	Overhead = headSize + nonceSize + tagSize

	// MinKey is the length of the shortest key that New takes, in bytes: 128
	// bits, the floor of OWASP ASVS 5.0, 11.2.3. Use 32 random bytes.
	MinKey = 16
)

// Errors that callers branch on, with errors.Is.
var (
	// ErrOpen says that a message was not sealed by one of the keys in this
	// context, or was changed since.
	ErrOpen = errors.New("seal: message does not authenticate")
	// ErrUnknownKey says that the message names a key that is not in the list:
	// one that has been dropped, or that this process has not been told yet. It
	// matches ErrOpen.
	ErrUnknownKey = fmt.Errorf("%w: sealed by a key that is not in the list", ErrOpen)
)

// A Sealer seals with the first of its keys and opens with all of them. It is
// safe for concurrent use.
//
// Nonces are random, which is sound for 2^32 messages under one key (NIST SP
// 800-38D, 8.3): at a thousand a second that is seven weeks of constant load.
// Rotate the key before.
type Sealer struct {
	// A pointer: fmt would go from a list to the ciphers in it, and print the
	// derived keys.
	keys *[]key
}

type key struct {
	id   [keyIDSize]byte
	aead cipher.AEAD
}

// New returns a Sealer for secrets: the first one seals, all of them open. It
// refuses an empty list, a secret under [MinKey] bytes, one that repeats a
// single byte, and one that is listed twice.
//
// To rotate, append the new secret to the list of every process that opens the
// messages, then put it in front in all of them, and drop the old one when all
// that it sealed has expired. A process that seals with a secret which another
// one does not list makes messages that the other one cannot open.
func New(secrets ...[]byte) (*Sealer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("seal: no key given: make one with 32 bytes from crypto/rand")
	}
	keys := make([]key, 0, len(secrets))
	seen := make(map[[sha256.Size]byte]int, len(secrets))
	for i, secret := range secrets {
		if err := check(secret); err != nil {
			return nil, fmt.Errorf("seal: key %d: %w", i+1, err)
		}
		sum := sha256.Sum256(secret)
		if j, ok := seen[sum]; ok {
			return nil, fmt.Errorf("seal: key %d: the same as key %d", i+1, j+1)
		}
		seen[sum] = i
		k, err := derive(secret)
		if err != nil {
			return nil, fmt.Errorf("seal: key %d: %w", i+1, err)
		}
		keys = append(keys, k)
	}
	return &Sealer{&keys}, nil
}

func check(secret []byte) error {
	if len(secret) < MinKey {
		return fmt.Errorf("%d bytes long, at least %d are needed: make one with 32 bytes from crypto/rand",
			len(secret), MinKey)
	}
	for _, b := range secret[1:] {
		if b != secret[0] {
			return nil
		}
	}
	return errors.New("repeats one byte: make one with 32 bytes from crypto/rand")
}

// derive separates the encryption key from the key ID, so that the ID, which
// everyone can read, says nothing about the key.
func derive(secret []byte) (key, error) {
	const label = "cloakroom/seal/v1 "
	id, err := hkdf.Key(sha256.New, secret, nil, label+"key id", keyIDSize)
	if err != nil {
		return key{}, err
	}
	raw, err := hkdf.Key(sha256.New, secret, nil, label+"aes-256-gcm", 32)
	if err != nil {
		return key{}, err
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return key{}, err
	}
	return key{id: [keyIDSize]byte(id), aead: aead}, nil
}

// Seal appends the sealed plaintext to dst, bound to context: only Open with
// the same context gives it back. dst and plaintext must not overlap.
func (s *Sealer) Seal(dst, plaintext []byte, context string) []byte {
	k := &(*s.keys)[0]
	var nonce [nonceSize]byte
	rand.Read(nonce[:]) // never fails: crypto/rand ends the program instead
	dst = append(dst, version)
	dst = append(dst, k.id[:]...)
	dst = append(dst, nonce[:]...)
	var buf [64]byte
	return k.aead.Seal(dst, nonce[:], plaintext, additional(buf[:0], k.id, context))
}

// Open appends the plaintext of message to dst if one of the keys sealed it
// in the same context. Otherwise it returns an error that matches [ErrOpen].
func (s *Sealer) Open(dst, message []byte, context string) ([]byte, error) {
	if !Sealed(message) {
		return nil, ErrOpen
	}
	id := [keyIDSize]byte(message[1:headSize])
	nonce := message[headSize : headSize+nonceSize]
	var buf [64]byte
	aad := additional(buf[:0], id, context)
	known := false
	for i := range *s.keys {
		k := &(*s.keys)[i]
		if k.id != id { // not a secret: it stands in the message
			continue
		}
		known = true
		out, err := k.aead.Open(dst, nonce, message[headSize+nonceSize:], aad)
		if err == nil {
			return out, nil
		}
	}
	if !known {
		return nil, ErrUnknownKey
	}
	return nil, ErrOpen
}

// Current reports whether the first key sealed message, as its key ID claims.
// One that was not should be sealed anew when there is a chance.
func (s *Sealer) Current(message []byte) bool { return s.Key(message) == 0 }

// Key returns the position in the list, counted from 0, of the key that sealed
// message, as its key ID claims: only Open proves it. It returns -1 for a key
// that is not in the list, and for what is no sealed message.
func (s *Sealer) Key(message []byte) int {
	if !Sealed(message) {
		return -1
	}
	id := [keyIDSize]byte(message[1:headSize])
	for i := range *s.keys {
		if (*s.keys)[i].id == id {
			return i
		}
	}
	return -1
}

// Sealed reports whether message has the version and the least length of a
// sealed message, under whatever key. It takes no key and proves nothing: other
// bytes may begin in the same way.
func Sealed(message []byte) bool {
	return len(message) >= Overhead && message[0] == version
}

// additional is what is authenticated beside the plaintext. The context comes
// with its length, so that no two pairs of fields give the same bytes.
func additional(dst []byte, id [keyIDSize]byte, context string) []byte {
	dst = append(dst, version)
	dst = append(dst, id[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(context)))
	return append(dst, context...)
}
