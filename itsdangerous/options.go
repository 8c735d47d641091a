package itsdangerous

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"
)

// Secrets are the secrets that texts are signed with, the newest last. The
// newest signs, all verify. They print as "[secret]".
type Secrets [][]byte

// Secret returns the given secrets as Secrets. Several are given with the
// newest last, as in Python.
func Secret[S ~string | ~[]byte](newestLast ...S) Secrets {
	list := make(Secrets, len(newestLast))
	for i, s := range newestLast {
		list[i] = []byte(s)
	}
	return list
}

// Format prints a placeholder, whatever the verb.
func (Secrets) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText writes a placeholder, for encoding/json and log/slog.
func (Secrets) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[secret]"

// KeyDerivation is how a key is derived from secret and salt. The names are
// Python's. The zero value means [DeriveDjangoConcat].
type KeyDerivation string

const (
	// DeriveDjangoConcat is digest(salt + "signer" + secret), the default.
	DeriveDjangoConcat KeyDerivation = "django-concat"
	// DeriveConcat is digest(salt + secret).
	DeriveConcat KeyDerivation = "concat"
	// DeriveHMAC is HMAC(secret, salt), which Flask uses.
	DeriveHMAC KeyDerivation = "hmac"
	// DeriveNone takes the secret as it is. The salt then separates nothing.
	DeriveNone KeyDerivation = "none"
)

// DefaultMaxInflated is what a zero [Options.MaxInflated] means: 1 MiB.
const DefaultMaxInflated = 1 << 20

// Options are the settings of signers and serializers. The zero value means
// Python's defaults. They are copied and checked once, when a signer or
// serializer is made.
type Options struct {
	// Salt keeps signatures for one purpose apart from those for another. Empty
	// means Python's default: "itsdangerous.Signer" for signers,
	// "itsdangerous" for serializers.
	Salt string
	// NoSalt means the empty salt, Python's salt="". It excludes Salt.
	NoSalt bool
	// Separator stands between value, timestamp and signature. Empty means ".".
	// One of its bytes must be none of the letters, digits, "-", "_" and "=",
	// which the parts themselves consist of.
	Separator string
	// KeyDerivation is how the key is derived. Empty means "django-concat".
	KeyDerivation KeyDerivation
	// Digest makes the hash for deriving and signing, such as sha256.New. Nil
	// means sha1.New, which is still sound within HMAC.
	Digest func() hash.Hash
	// Now tells the time, for timestamps. Nil means time.Now. Signers and
	// serializers without timestamps do not look at it.
	Now func() time.Time

	// Codec turns values into payloads and back. Nil means JSON: compact for
	// URL-safe serializers, otherwise with spaces and in ASCII, as in Python.
	// It is for serializers only, as is MaxInflated.
	Codec Codec
	// MaxInflated is the size in bytes beyond which a deflated payload is
	// refused instead of being inflated. Payloads beyond it are not deflated
	// when written, so that they can be read back. Zero means
	// DefaultMaxInflated.
	MaxInflated int
}

// A Codec turns values into payloads and back. It must be safe for concurrent
// use, and may be handed hostile bytes only by someone who holds a secret.
type Codec interface {
	// Marshal returns v as a payload.
	Marshal(v any) ([]byte, error)
	// Unmarshal reads a payload into v. It does not keep data.
	Unmarshal(data []byte, v any) error
}

// check refuses options that contradict each other or mean nothing.
func (o *Options) check() error {
	if o.NoSalt && o.Salt != "" {
		return errors.New("options: NoSalt excludes Salt")
	}
	if o.Separator != "" && strings.Trim(o.Separator, alphabet+"=") == "" {
		return errors.New("options: Separator consists of characters that signatures are made of")
	}
	if o.MaxInflated < 0 {
		return errors.New("options: MaxInflated is negative")
	}
	return nil
}

// checkSigner refuses what only serializers know.
func (o *Options) checkSigner() error {
	if o.Codec != nil || o.MaxInflated != 0 {
		return errors.New("options: Codec and MaxInflated are for serializers")
	}
	return nil
}

// alphabet is that of base64url.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
