package cloakroom

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/dialect"
	"github.com/cloakroom/cloakroom/store"
)

// Defaults of Options.
const (
	DefaultIdleTimeout  = 30 * time.Minute // OWASP: 15 to 30 minutes for low-risk applications
	DefaultLifetime     = 24 * time.Hour
	DefaultMaxSize      = 1 << 20 // 1 MiB
	DefaultStoreTimeout = 5 * time.Second
	DefaultKeyPrefix    = "session:" // Flask-Session's SESSION_KEY_PREFIX
)

// NoLimit as a duration in Options switches that limit off.
const NoLimit time.Duration = -1

// Options configure a Manager. The zero value is the safe choice for
// production; a field that gives up safety is named for it. New copies the
// Options, later changes have no effect.
type Options struct {
	// IdleTimeout is how long a session lives without being used. Zero means
	// DefaultIdleTimeout, NoLimit that only Lifetime ends a session.
	IdleTimeout time.Duration

	// Lifetime is the age at which a session ends, however much it is used.
	// Zero means DefaultLifetime, NoLimit that only IdleTimeout ends a session.
	// A change holds for the sessions that exist already.
	Lifetime time.Duration

	// TouchInterval is how much of the idle timeout may pass before reading a
	// session moves its expiry on again. A long interval saves writes to the
	// store; a session may end that much earlier than IdleTimeout after its
	// last use. Zero means a tenth of IdleTimeout.
	TouchInterval time.Duration

	// Permanent makes new sessions outlive the browser: their cookie has a
	// Max-Age. Otherwise that is up to Session.SetPermanent.
	Permanent bool

	// CookieName is the name of the cookie. Empty means "__Host-session";
	// "__Secure-session" if Domain or Path is set; "session" with Insecure. The
	// prefixes make browsers refuse cookies that a neighbour planted (RFC
	// 6265bis, section 4.1.3).
	CookieName string

	// Domain lets the hosts below a domain share the cookie. Empty means that
	// only the host that set it gets it.
	Domain string

	// Path is the path below which the browser sends the cookie. Empty means "/".
	Path string

	// SameSite says when requests from other sites carry the cookie. Zero
	// means http.SameSiteLaxMode.
	SameSite http.SameSite

	// Partitioned gives the visitor a separate session for each site that
	// embeds this one (CHIPS). It needs SameSite=None, to be of use.
	Partitioned bool

	// Insecure lets the cookie travel over plain HTTP, where everyone on the
	// way can read it and take over the session. For development without TLS.
	Insecure bool

	// ScriptAccess lets scripts in the page read the cookie (no HttpOnly), and
	// with it every script that an attacker smuggles in.
	ScriptAccess bool

	// KeyPrefix is put before each store key. Empty means DefaultKeyPrefix. Two
	// applications on one store need different prefixes or cookie names.
	KeyPrefix string

	// PlainIDs names records by the ID itself rather than its hash, so that
	// whoever can list the store can take over its sessions. It is needed to
	// share records with programs that do so, such as Flask-Session.
	PlainIDs bool

	// RecordKeys, if given, encrypt each record in the store, under the first
	// key; all of them decrypt. See package seal. Records under another key are
	// encrypted anew as their sessions are used, so that a key can be dropped
	// when IdleTimeout has passed since it was the first; Lifetime, if there is
	// no IdleTimeout. Records that are not encrypted are not read then: setting
	// the first key ends the sessions that exist.
	RecordKeys [][]byte

	// Codec writes records. Nil means codec.MsgPack. Records of the other
	// built-in codecs are read too.
	Codec codec.Codec

	// MaxSize bounds a session's record in bytes. Zero means DefaultMaxSize.
	// codec.MaxSize is the most.
	MaxSize int

	// StoreTimeout bounds each load and each save with all of its retries.
	// Zero means DefaultStoreTimeout.
	StoreTimeout time.Duration

	// ErrorHandler answers a request whose session could not be loaded or
	// saved. The handler's own answer has been dropped then, headers included.
	// Nil means plain text: 503 with Retry-After if the error matches
	// ErrUnavailable, 503 without if the store cannot hold a record of that size,
	// else 500.
	ErrorHandler func(http.ResponseWriter, *http.Request, error)

	// Hooks are called as things happen.
	Hooks Hooks

	// Logger gets what went wrong, never IDs or values. Nil means slog.Default.
	Logger *slog.Logger

	// Dialect is for package flask, which fills it in; no other package can.
	Dialect *dialect.Dialect
}

// normalize fills in the defaults and refuses contradictions.
func (o Options) normalize() (Options, error) {
	if err := o.normalizeTimes(); err != nil {
		return o, err
	}
	if err := o.normalizeCookie(); err != nil {
		return o, err
	}
	if err := o.normalizeKeyPrefix(); err != nil {
		return o, err
	}
	if o.Codec == nil {
		o.Codec = codec.MsgPack
	}
	if !reflect.TypeOf(o.Codec).Comparable() {
		return o, fmt.Errorf("Options.Codec is a %T, whose values Go cannot compare: make it a pointer", o.Codec)
	}
	if o.MaxSize == 0 {
		o.MaxSize = DefaultMaxSize
	}
	if o.MaxSize < 0 || o.MaxSize > codec.MaxSize {
		return o, fmt.Errorf("Options.MaxSize is %d, it must lie between 1 and %d", o.MaxSize, codec.MaxSize)
	}
	if o.ErrorHandler == nil {
		o.ErrorHandler = defaultErrorHandler
	}
	return o, nil
}

func (o *Options) normalizeKeyPrefix() error {
	if o.KeyPrefix == "" && o.Dialect != nil { // to Flask-Session that is a prefix like any other
		return nil
	}
	if o.KeyPrefix == "" {
		o.KeyPrefix = DefaultKeyPrefix
	}
	if err := store.CheckKey(o.KeyPrefix); err != nil {
		return fmt.Errorf("Options.KeyPrefix: %w", err)
	}
	if len(o.KeyPrefix)+idLength > store.MaxKey {
		return fmt.Errorf("Options.KeyPrefix has %d bytes, at most %d are allowed",
			len(o.KeyPrefix), store.MaxKey-idLength)
	}
	return nil
}

func (o *Options) normalizeTimes() error {
	for _, d := range []struct {
		name    string
		value   *time.Duration
		zero    time.Duration
		noLimit bool
	}{
		{"IdleTimeout", &o.IdleTimeout, DefaultIdleTimeout, true},
		{"Lifetime", &o.Lifetime, DefaultLifetime, true},
		{"StoreTimeout", &o.StoreTimeout, DefaultStoreTimeout, false},
	} {
		switch {
		case *d.value == 0:
			*d.value = d.zero
		case *d.value == NoLimit && d.noLimit:
		case *d.value < 0:
			return fmt.Errorf("a negative Options.%s: %v", d.name, *d.value)
		}
	}
	if o.IdleTimeout == NoLimit && o.Lifetime == NoLimit {
		return errors.New("both Options.IdleTimeout and Options.Lifetime are NoLimit: a session must end some time")
	}
	if o.TouchInterval < 0 {
		return fmt.Errorf("a negative Options.TouchInterval: %v", o.TouchInterval)
	}
	if o.IdleTimeout != NoLimit && o.TouchInterval >= o.IdleTimeout {
		return fmt.Errorf("%v as Options.TouchInterval is not below IdleTimeout, %v: a session in use would end", o.TouchInterval, o.IdleTimeout)
	}
	if o.TouchInterval == 0 && o.IdleTimeout != NoLimit {
		o.TouchInterval = o.IdleTimeout / 10
	}
	return nil
}

const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)

func (o *Options) normalizeCookie() error {
	if o.Path == "" {
		o.Path = "/"
	}
	if o.SameSite == 0 || o.SameSite == http.SameSiteDefaultMode {
		o.SameSite = http.SameSiteLaxMode
	}
	if o.CookieName == "" {
		o.CookieName = o.defaultCookieName()
	}
	probe := http.Cookie{Name: o.CookieName, Value: "x", Path: o.Path, Domain: o.Domain}
	if err := probe.Valid(); err != nil {
		return fmt.Errorf("Options.CookieName, Domain or Path: %w", err)
	}
	if o.Dialect != nil { // its attributes are not ours to judge
		return nil
	}
	return o.refuseContradictions()
}

func (o *Options) defaultCookieName() string {
	switch {
	case o.Insecure:
		return "session"
	case o.Domain != "" || o.Path != "/":
		return securePrefix + "session"
	default:
		return hostPrefix + "session"
	}
}

func (o *Options) refuseContradictions() error {
	host := hasPrefixFold(o.CookieName, hostPrefix)
	switch {
	case len(o.CookieName) > 64:
		return fmt.Errorf("the name of the cookie has %d bytes, at most 64 are allowed", len(o.CookieName))
	case !strings.HasPrefix(o.Path, "/"):
		return fmt.Errorf("Options.Path %q does not begin with a slash", o.Path)
	case host && o.Domain != "":
		return fmt.Errorf("Options.Domain: browsers refuse a cookie named %s… with a Domain: choose another CookieName", hostPrefix)
	case host && o.Path != "/":
		return fmt.Errorf("Options.Path: browsers refuse a cookie named %s… with a Path other than /: choose another CookieName", hostPrefix)
	case o.Insecure && (host || hasPrefixFold(o.CookieName, securePrefix)):
		return fmt.Errorf("Options.Insecure: browsers refuse a cookie named %s without Secure: choose another CookieName", o.CookieName)
	case o.SameSite < http.SameSiteLaxMode || o.SameSite > http.SameSiteNoneMode:
		return fmt.Errorf("unknown Options.SameSite %d", o.SameSite)
	case o.Insecure && o.SameSite == http.SameSiteNoneMode:
		return errors.New("with Options.Insecure browsers refuse SameSite=None without Secure")
	case o.Insecure && o.Partitioned:
		return errors.New("with Options.Insecure browsers refuse Partitioned without Secure")
	case o.Partitioned && o.SameSite != http.SameSiteNoneMode:
		return errors.New("partitioned cookies have no effect without Options.SameSite: http.SameSiteNoneMode")
	}
	return nil
}

// hasPrefixFold ignores case, as browsers do for the prefixes.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
