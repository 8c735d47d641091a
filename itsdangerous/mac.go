package itsdangerous

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// deriveKey derives the signing key from one secret.
func deriveKey(how KeyDerivation, digest func() hash.Hash, secret []byte, salt string) ([]byte, error) {
	var h hash.Hash
	switch how {
	case DeriveConcat, DeriveDjangoConcat, "":
		h = digest()
		h.Write([]byte(salt))
		if how != DeriveConcat {
			h.Write([]byte("signer"))
		}
		h.Write(secret)
	case DeriveHMAC:
		h = hmac.New(digest, secret)
		h.Write([]byte(salt))
	case DeriveNone:
		return secret, nil
	default:
		return nil, fmt.Errorf("options: unknown key derivation %q", string(how))
	}
	return h.Sum(nil), nil
}

// mac signs with one derived key. The hash states that it keeps have the key
// already worked in, which makes signing a short value three times as fast.
type mac struct{ states sync.Pool }

func newMAC(digest func() hash.Hash, key []byte) *mac {
	key = append([]byte(nil), key...)
	m := new(mac)
	m.states.New = func() any { return &state{hmac: hmac.New(digest, key)} }
	return m
}

func (m *mac) get() *state  { return m.states.Get().(*state) }
func (m *mac) put(s *state) { m.states.Put(s) }

// verify reports whether sig is the signature of value, letter by letter: the
// other spellings that base64 has for the same bytes do not count.
func (m *mac) verify(value, sig string) bool {
	s := m.get()
	defer m.put(s)
	want := s.sign(value)
	s.given = append(s.given[:0], sig...)
	return subtle.ConstantTimeCompare(want, s.given) == 1
}

// state is a keyed hash with the buffers that one signature needs.
type state struct {
	hmac             hash.Hash
	chunk            [512]byte
	sum, text, given []byte
}

// sign returns the signature of the concatenated parts as text. It is valid
// until the next call.
func (s *state) sign(parts ...string) []byte {
	s.hmac.Reset()
	for _, p := range parts {
		for len(p) > 0 {
			n := copy(s.chunk[:], p)
			s.hmac.Write(s.chunk[:n])
			p = p[n:]
		}
	}
	s.sum = s.hmac.Sum(s.sum[:0])
	s.text = base64.RawURLEncoding.AppendEncode(s.text[:0], s.sum)
	return s.text
}

// newMACs derives the key of each secret.
func newMACs(secrets Secrets, o *Options, salt string, digest func() hash.Hash) ([]*mac, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no secret")
	}
	macs := make([]*mac, len(secrets))
	for i, secret := range secrets {
		if len(secret) == 0 {
			return nil, fmt.Errorf("secret %d of %d is empty", i+1, len(secrets))
		}
		key, err := deriveKey(o.KeyDerivation, digest, secret, salt)
		if err != nil {
			return nil, err
		}
		macs[i] = newMAC(digest, key)
	}
	return macs, nil
}
