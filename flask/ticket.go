package flask

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/internal/dialect"
	"github.com/cloakroom/cloakroom/itsdangerous"
	"github.com/cloakroom/cloakroom/store"
)

// newID returns a new session's ID, as Flask-Session from 0.6 on makes it:
// SESSION_ID_LENGTH random bytes in base64url.
func (c *Config) newID() string {
	raw := make([]byte, c.IDLength)
	rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// tickets returns how an ID becomes what the cookie holds, and back: with
// SESSION_USE_SIGNER it is signed.
func (c *Config) tickets() (ticket func(string) string, id func(string) (string, bool), err error) {
	longest := store.MaxKey - len(c.KeyPrefix)
	plain := func(t string) (string, bool) { return t, validID(t, longest) }
	if !c.UseSigner {
		return func(id string) string { return id }, plain, nil
	}
	// SECRET_KEY_FALLBACKS is not for it: Flask-Session does not look at them.
	signer, err := itsdangerous.NewSigner(itsdangerous.Secret(c.SecretKey),
		itsdangerous.Options{Salt: "flask-session", KeyDerivation: itsdangerous.DeriveHMAC})
	if err != nil {
		return nil, nil, fmt.Errorf("SECRET_KEY: %w", err)
	}
	signed := func(t string) (string, bool) {
		if len(t) > maxSigned {
			return "", false
		}
		id, err := signer.Unsign(t)
		if err != nil {
			return "", false
		}
		return plain(id)
	}
	return signer.Sign, signed, nil
}

// maxSigned is more than an ID that any store takes, with its signature.
const maxSigned = store.MaxKey + 64

// validID reports whether id can be one: Flask-Session's are UUIDs in text or
// base64url. Anything else stays away from the store: one that Flask-Session
// takes can hold line breaks, which are commands to memcached.
func validID(id string, longest int) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return len(id) > 0 && len(id) <= longest
}

// sealCookie returns how a record becomes Flask's signed cookie, and back.
func (c *Config) sealCookie(maxSize int) (
	seal func([]byte) string, open func(string) ([]byte, time.Time, error), err error,
) {
	secrets := itsdangerous.Secret(append(append([]Secret{}, c.SecretKeyFallbacks...), c.SecretKey)...)
	serializer, err := itsdangerous.NewURLSafeTimedSerializer(secrets, itsdangerous.Options{
		Salt: "cookie-session", KeyDerivation: itsdangerous.DeriveHMAC, MaxInflated: maxSize,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("SECRET_KEY, SECRET_KEY_FALLBACKS: %w", err)
	}
	// Flask counts whole seconds, and the last one still counts.
	lifetime := c.Lifetime.Truncate(time.Second)
	open = func(ticket string) ([]byte, time.Time, error) {
		record, signed, err := serializer.LoadsRaw(ticket, lifetime)
		return record, signed.Add(lifetime + time.Second), ticketError(err)
	}
	return serializer.DumpsRaw, open, nil
}

func ticketError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, itsdangerous.ErrSignatureExpired):
		return dialect.ErrExpired
	case errors.Is(err, itsdangerous.ErrBadPayload):
		return fmt.Errorf("%w: %w", dialect.ErrPayload, err)
	default:
		return dialect.ErrTicket
	}
}
