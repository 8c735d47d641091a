package flask

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/rules"
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

// ids returns how an ID becomes what the cookie holds, and back: with
// SESSION_USE_SIGNER it is signed.
func (c *Config) ids() (rules.IDs, error) {
	plain := &plainIDs{config: c, longest: store.MaxKey - len(c.KeyPrefix)}
	if !c.UseSigner {
		return plain, nil
	}
	// SECRET_KEY_FALLBACKS is not for it: Flask-Session does not look at them.
	signer, err := itsdangerous.NewSigner(itsdangerous.Secret(c.SecretKey),
		itsdangerous.Options{Salt: "flask-session", KeyDerivation: itsdangerous.DeriveHMAC})
	if err != nil {
		return nil, fmt.Errorf("SECRET_KEY: %w", err)
	}
	return &signedIDs{plain, signer}, nil
}

type plainIDs struct {
	config  *Config
	longest int
}

func (p *plainIDs) New() (id, ticket string) {
	id = p.config.newID()
	return id, id
}

func (p *plainIDs) Of(ticket string) (string, bool) { return ticket, validID(ticket, p.longest) }

type signedIDs struct {
	plain  *plainIDs
	signer *itsdangerous.Signer
}

func (s *signedIDs) New() (id, ticket string) {
	id = s.plain.config.newID()
	return id, s.signer.Sign(id)
}

func (s *signedIDs) Of(ticket string) (string, bool) {
	if len(ticket) > maxSigned {
		return "", false
	}
	id, err := s.signer.Unsign(ticket)
	if err != nil {
		return "", false
	}
	return s.plain.Of(id)
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
func (c *Config) sealCookie(maxSize int) (rules.Tickets, error) {
	secrets := itsdangerous.Secret(append(append([]Secret{}, c.SecretKeyFallbacks...), c.SecretKey)...)
	serializer, err := itsdangerous.NewURLSafeTimedSerializer(secrets, itsdangerous.Options{
		Salt: "cookie-session", KeyDerivation: itsdangerous.DeriveHMAC, MaxInflated: maxSize,
	})
	if err != nil {
		return nil, fmt.Errorf("SECRET_KEY, SECRET_KEY_FALLBACKS: %w", err)
	}
	// Flask counts whole seconds, and the last one still counts.
	return &signedSessions{serializer, c.Lifetime.Truncate(time.Second)}, nil
}

// signedSessions are Flask's own sessions, which their cookies hold.
type signedSessions struct {
	serializer *itsdangerous.TimedSerializer
	lifetime   time.Duration
}

// maxHeaderCookie bounds the tickets of programs that do not keep to what
// browsers keep. It is what net/http lets through of a header line or two.
const maxHeaderCookie = 64 << 10

func (s *signedSessions) Open(ticket string) (rules.Contents, error) {
	if len(ticket) > maxHeaderCookie {
		return rules.Contents{}, rules.ErrTicket
	}
	record, signed, err := s.serializer.LoadsRaw(ticket, s.lifetime)
	contents := rules.Contents{Data: record, Handle: cloakroom.HandleOf(ticket), Expires: signed.Add(s.lifetime + time.Second)}
	switch {
	case err == nil:
		return contents, nil
	case errors.Is(err, itsdangerous.ErrSignatureExpired):
		return rules.Contents{}, store.ErrNotFound
	case errors.Is(err, itsdangerous.ErrBadPayload):
		return contents, fmt.Errorf("%w: %w: %w", rules.ErrUndecodable, errPayload, err)
	default:
		return rules.Contents{}, rules.ErrTicket
	}
}

// WellFormed is not asked about Flask's cookies: the first is the one.
func (s *signedSessions) WellFormed(ticket string) bool { return len(ticket) <= maxHeaderCookie }

var errPayload = errors.New("signed, but cannot be read")

func (s *signedSessions) Seal(c rules.Contents) (ticket, handle string) {
	ticket = s.serializer.DumpsRaw(c.Data)
	return ticket, cloakroom.HandleOf(ticket)
}
