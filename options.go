package cloakroom

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/edge"
	"github.com/cloakroom/cloakroom/internal/engine"
	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/store"
)

// Defaults of Options.
const (
	DefaultIdleTimeout  = 30 * time.Minute // OWASP: 15 to 30 minutes for low-risk applications
	DefaultLifetime     = 24 * time.Hour
	DefaultMaxSize      = 1 << 20 // 1 MiB
	DefaultStoreTimeout = 5 * time.Second
	DefaultKeyPrefix    = "session:" // Flask-Session's SESSION_KEY_PREFIX
	DefaultMaxPerUser   = 1000

	DefaultWatchInterval = 10 * time.Second
)

// NoLimit as a duration in Options switches that limit off.
const NoLimit = engine.NoLimit

// Options configure a Manager. The zero value is the safe choice for
// production; a field that gives up safety is named for it. New copies the
// Options, later changes have no effect.
type Options struct {
	// IdleTimeout is how long a session lives without being used. Zero means
	// DefaultIdleTimeout, or Lifetime if that is shorter; NoLimit that only Lifetime
	// ends a session. New refuses one above Lifetime. A change holds for existing
	// sessions too. A longer timeout reaches a session with its
	// next use: one that is not used before the old timeout is over ends then.
	IdleTimeout time.Duration

	// Lifetime is the age at which a session ends, however much it is used. It
	// counts from the login, if there was one by Session.Login. Zero means DefaultLifetime, NoLimit that only IdleTimeout ends a session.
	// A change holds for the sessions that exist already.
	Lifetime time.Duration

	// AnonymousIdle is the idle timeout of sessions that nobody has logged in to by
	// Session.Login, if it is to be shorter than IdleTimeout: so that the sessions of
	// crawlers do not fill the store. Zero means IdleTimeout.
	AnonymousIdle time.Duration

	// MaxIdleTimeout and MaxLifetime are the most that Session.SetIdleTimeout and
	// SetLifetime may ask for, at least IdleTimeout and Lifetime, which zero means: a
	// session may then only end earlier than others. NoLimit is no bound, but for one
	// of the two alone. New refuses a MaxIdleTimeout above MaxLifetime. A lower limit
	// holds for the sessions that exist.
	MaxIdleTimeout, MaxLifetime time.Duration

	// Revocations is a small store that lets Manager.RevokeUser end sessions which
	// are sealed in their cookies, see NewCookie: one short record for each user who
	// has logged in. It is read at most once in WatchInterval for a user whose cookies
	// open, so that a revocation takes that long to reach other processes. What it
	// has no record of opens nothing: a store that loses records logs users out, and
	// one that does not answer fails their requests. Sessions without a user do
	// without. Switched on, it ends the sessions of users who have logged in before.
	Revocations store.Store

	// RenewEvery gives a session a new ID that often, with the answer to a request
	// that uses it. The old ticket leads to the same session until 30 seconds after
	// the new one has been seen, so that the other requests of a page stay logged in;
	// after a login, a Regenerate, a logout or a revocation it leads nowhere. Sessions of
	// Open and Commit keep their IDs. Zero means never; the least is two minutes. docs/users.md says what that is good
	// for, and what a thief gains from the grace.
	RenewEvery time.Duration

	// MaxPerUser is how many sessions a user may have, see Session.Login. Zero means
	// DefaultMaxPerUser. A login beyond that ends the oldest one.
	MaxPerUser int

	// RefuseOverMax refuses a login beyond MaxPerUser instead: its request fails with
	// ErrTooManySessions, which Session.Save returns to a handler that wants to
	// answer it itself.
	RefuseOverMax bool

	// TouchInterval is how much of the idle timeout may pass before reading a
	// session moves its expiry on again. A long interval saves writes to the
	// store; a session may end that much earlier than IdleTimeout after its
	// last use. Zero means a tenth of IdleTimeout. For sessions with a shorter timeout,
	// AnonymousIdle or one of their own, it is a tenth of that at the most. Within a
	// request that takes long a use counts again after that time, a second at the
	// least.
	TouchInterval time.Duration

	// Permanent makes new sessions outlive the browser: their cookie has a
	// Max-Age. Otherwise that is up to Session.SetPermanent. What follows a Destroy
	// in its request is the exception, see there.
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
	// embeds this one (CHIPS). New refuses it without
	// http.SameSiteNoneMode.
	Partitioned bool

	// Insecure lets the cookie travel over plain HTTP, where everyone on the
	// way can read it and take over the session. For development without TLS.
	Insecure bool

	// ScriptAccess lets scripts in the page read the cookie (no HttpOnly), and
	// with it every script that an attacker smuggles in.
	ScriptAccess bool

	// Transport says where requests may bring their ticket: in the cookie, or in
	// a header, for programs that are no browsers. Nil means the cookie alone. New
	// refuses names that mean something else in HTTP, and a name that stands there
	// twice.
	//
	// A ticket that came in a header is answered in a header, without a cookie:
	// see Transport. A request that brings no ticket is answered by the first of
	// the list. One that brings two tickets that differ fails when its session is
	// first used: the error matches ErrTicket, and nothing is loaded. All of
	// the list's headers are in the Vary of an answer that depends on a session.
	Transport []Transport

	// KeyPrefix is put before each store key. Empty means DefaultKeyPrefix. It is
	// printable ASCII without spaces, and does not end in "user:" or "epoch:", by
	// which tools tell users' records. Two applications on one store need different
	// prefixes or cookie names.
	KeyPrefix string

	// PlainIDs names records by the ID itself rather than its hash, so that
	// whoever can list the store can take over its sessions. It is needed to
	// share records with programs that do so, such as Flask-Session.
	PlainIDs bool

	// RecordKeys, if given, encrypt each record in the store, under the first
	// key; all of them decrypt. See package seal. Records under another key are
	// encrypted anew as their sessions are used.
	//
	// A record under a key that is not listed is left as it is, and its request
	// fails with ErrUnavailable, since the session may well exist. The same holds
	// for a record that is not encrypted, and for an encrypted one if there are no
	// RecordKeys.
	//
	// A new key is appended in all processes first, and moved to the front
	// second. The old one can be dropped when IdleTimeout has passed since it was
	// in front anywhere (Lifetime, if there is no IdleTimeout) and CountKeys finds
	// no record that it sealed: records of users who log in rarely keep it for
	// longer. The page docs/operations.md has each step.
	RecordKeys [][]byte

	// ReadUnsealedUntil is the end of the time in which records that are not
	// encrypted are read although RecordKeys are set: to switch encryption on
	// where sessions exist. Such a record is encrypted when it is saved, and
	// when its expiry is next moved on. Until then whoever can write to the
	// store can make up sessions, as without RecordKeys. The zero time, and one
	// that has passed, mean that unencrypted records are refused. It needs RecordKeys.
	ReadUnsealedUntil time.Time

	// Codec writes new records. Nil means codec.MsgPack. Records of the other
	// built-in codecs are read too, and keep their format when they are saved: a
	// value that it cannot hold is refused.
	Codec codec.Codec

	// MaxSize bounds a session's record in bytes. Zero means DefaultMaxSize.
	// codec.MaxSize is the most.
	MaxSize int

	// StoreTimeout bounds each load and each save with all of its retries; that
	// the visitor hangs up ends neither. Zero means DefaultStoreTimeout.
	StoreTimeout time.Duration

	// WatchInterval is how long it may take until the channel of Session.Done is
	// closed when another process has ended the session. Each session that is watched
	// costs one load an interval, however many watch it, and nothing is loaded while
	// none is. Zero means DefaultWatchInterval. A near cache in front of the store adds
	// its own delay.
	WatchInterval time.Duration

	// ErrorHandler answers a request whose session could not be loaded or
	// saved. The handler's own answer has been dropped then, headers included.
	// Nil means plain text: 503 with Retry-After if the error matches
	// ErrUnavailable, 503 without if the store cannot hold a record of that size
	// or the request was given up, 400 if it matches ErrTicket, 403 if it matches
	// ErrTooManySessions or ErrRevoked, 429 if Hooks.Creating refuses a session, else
	// 500. A handler of your own sets
	// Retry-After itself. From works in it; the session is in its failed state.
	ErrorHandler func(http.ResponseWriter, *http.Request, error)

	// Describe describes the device that a visitor logs in with, for lists of a
	// user's devices. It is called once at each login, in its request. What it returns
	// is kept in the session, cut to 200 bytes of valid UTF-8. Nil means
	// DescribeBrowser: browser and system, and no address, since that is personal
	// data which few lists need.
	Describe func(*http.Request) string

	// Hooks are called as things happen.
	Hooks Hooks

	// Logger gets what went wrong, never IDs or values. Nil means slog.Default.
	Logger *slog.Logger

	transports *edge.Transports // those of Transport

	rules *rules.Rules // package flask's; nil means the native ones
}

// Format writes the Options without RecordKeys, for every verb. fmt does not
// call it for Options in an unexported field: a struct that has some had better
// not be printed.
func (o Options) Format(f fmt.State, _ rune) {
	type plain Options
	keys := len(o.RecordKeys)
	o.RecordKeys = nil
	text := fmt.Sprintf("%+v", plain(o))
	if keys > 0 {
		text = strings.Replace(text, "RecordKeys:[]", fmt.Sprintf("RecordKeys:[%d %s]", keys, redacted), 1)
	}
	io.WriteString(f, text)
}

// init lets package flask hand in its rules: see [rules.Apply].
func init() {
	rules.Apply = func(options any, r *rules.Rules) { options.(*Options).rules = r }
}
