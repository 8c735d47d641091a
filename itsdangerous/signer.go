package itsdangerous

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// A Signer signs values: value, separator, signature. Make one with
// [NewSigner]. It never changes and may be used concurrently.
type Signer struct {
	macs []*mac // newest last
	sep  string
	size int // of a signature as text
}

// NewSigner returns a Signer. An empty secret, an empty list and options that
// mean nothing are errors.
func NewSigner(secrets Secrets, o Options) (*Signer, error) {
	s, err := newSigner(secrets, &o)
	if err != nil {
		return nil, fmt.Errorf("itsdangerous: new signer: %w", err)
	}
	return s, nil
}

func newSigner(secrets Secrets, o *Options) (*Signer, error) {
	if err := o.checkSigner(); err != nil {
		return nil, err
	}
	return newSignerSalt(secrets, o, "itsdangerous.Signer")
}

// newSignerSalt makes a signer whose default salt is salt.
func newSignerSalt(secrets Secrets, o *Options, salt string) (*Signer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	salt = cmp.Or(o.Salt, salt)
	if o.NoSalt {
		salt = ""
	}
	digest := o.Digest
	if digest == nil {
		digest = sha1.New
	}
	macs, err := newMACs(secrets, o, salt, digest)
	if err != nil {
		return nil, err
	}
	return &Signer{
		macs: macs,
		sep:  cmp.Or(o.Separator, "."),
		size: base64.RawURLEncoding.EncodedLen(digest().Size()),
	}, nil
}

// Sign returns value with its signature. The value may hold any bytes, the
// separator included.
func (s *Signer) Sign(value string) string { return s.sign(value, "", "") }

// sign signs value+sep+extra in one piece.
func (s *Signer) sign(value, sep, extra string) string {
	m := s.macs[len(s.macs)-1]
	st := m.get()
	defer m.put(st)
	sig := st.sign(value, sep, extra)

	var b strings.Builder
	b.Grow(len(value) + len(sep) + len(extra) + len(s.sep) + len(sig))
	b.WriteString(value)
	b.WriteString(sep)
	b.WriteString(extra)
	b.WriteString(s.sep)
	b.Write(sig)
	return b.String()
}

// Unsign returns the value that was signed. The error matches
// [ErrBadSignature].
func (s *Signer) Unsign(signed string) (string, error) {
	value, ok, err := s.unsign(signed)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", signatureError(ErrBadSignature, value)
	}
	return value, nil
}

// signatureError is a function of its own so that the payload moves to the
// heap only when there is an error.
func signatureError(kind error, payload string) *Error {
	return &Error{op: "unsign", why: "the signature does not match", kind: kind, payload: &payload}
}

// unsign splits off the signature and reports whether it is good. The error
// is for a text that has none.
func (s *Signer) unsign(signed string) (value string, ok bool, err error) {
	i := strings.LastIndex(signed, s.sep)
	if i < 0 {
		return "", false, &Error{op: "unsign", why: "no separator in the text", kind: ErrBadSignature}
	}
	value, sig := signed[:i], signed[i+len(s.sep):]
	if len(sig) != s.size { // spares hashing a long text that cannot be good
		return value, false, nil
	}
	for _, m := range slices.Backward(s.macs) {
		if m.verify(value, sig) {
			return value, true, nil
		}
	}
	return value, false, nil
}
