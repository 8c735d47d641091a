package cloakroom

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/cloakroom/cloakroom/internal/engine"
	"github.com/cloakroom/cloakroom/internal/hidden"
)

// A Session is one visitor's data, a dictionary of named values, during one
// request. The first use loads it from the store, within Options.StoreTimeout;
// what changed is saved before the answer's first byte leaves. It may be used by
// several goroutines of the request.
//
// Errors are sticky, as in bufio.Scanner: after a failed load or save, reads
// give zero values, writes do nothing, Err says why, and the visitor gets the
// answer of Options.ErrorHandler instead of the handler's. So handlers need
// not check.
type Session struct{ ref hidden.Ref[engine.Session] }

func (s *Session) core() *engine.Session { return s.ref.Get() }

// Err returns why the session could not be loaded or saved, or nil. It does
// not load.
func (s *Session) Err() error { return s.core().Err() }

// Get returns the value of name, or nil if there is none. Whatever they were set
// as, numbers come as int64, uint64, float64 or *big.Int, lists as []any,
// dictionaries and structs as map[string]any, or as map[any]any where a key is not
// a string. A value that no any can hold is nil too, and is reported to
// Hooks.Error and the log. Use a [Key] to get a certain type. Changing what Get
// returned does not change the session: Set it again.
func (s *Session) Get(name string) any {
	v, _ := s.get(name)
	return v
}

// get is Get as a Key does it. Its error leaves out the name, which may be the
// visitor's.
func (s *Session) get(name string) (any, bool) {
	v, found, err := get[any](s, name)
	if err != nil {
		s.core().Report(fmt.Errorf("cloakroom: get: %w", err))
	}
	return v, found
}

// Has reports whether the session has a value called name.
func (s *Session) Has(name string) bool {
	raw, _ := s.core().Lookup(name)
	return raw != nil
}

// Set puts v into the session under name. It is encoded at once: later changes
// to what v points to are not seen. A v that a [Key] of its type would
// not give back as it is, a name that is not UTF-8, or one of cloakroom's own
// names (_created, _permanent, _flashes, _cloakroom), makes the request fail, see
// Err.
func (s *Session) Set(name string, v any) { s.core().Set(name, nil, v) }

// Delete removes the value of name. A missing one is fine.
func (s *Session) Delete(name string) { s.core().Delete(name) }

// Pop is Get followed by Delete. Of two requests at the same time both may get
// the value: see [Key.Take].
func (s *Session) Pop(name string) any {
	v, found := s.get(name)
	if found {
		s.Delete(name)
	}
	return v
}

// Keys returns the names of the session's values, in the order in which they
// were first set.
func (s *Session) Keys() []string { return s.core().Names() }

// Len returns how many values the session has.
func (s *Session) Len() int { return len(s.Keys()) }

// All yields the names and values of the session, as Keys and Get return them.
func (s *Session) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, name := range s.Keys() {
			if !yield(name, s.Get(name)) {
				return
			}
		}
	}
}

// Clear removes all values and flash messages. The session keeps its ID and
// its age; to log somebody out use Destroy.
func (s *Session) Clear() { s.core().Clear() }

// A Flash is a message kept for the next page.
type Flash struct {
	Category string
	Message  string
}

// Flash keeps a message for the next call of Flashes, in this request or a
// later one. The category says what kind of message it is; Flask's default is
// "message", Bootstrap's names are "success", "danger" and so on.
//
// A session keeps up to 1,000 messages that no page has shown, and no more of
// them than take half of Options.MaxSize, or half of a sealed cookie. When it is
// saved with more, the oldest are dropped, at least a tenth of the bound at
// once, and Hooks.Error and the log say how many. Package flask sets no such
// bound: Flask has none, and a message dropped may be one that a Flask
// application put there.
func (s *Session) Flash(category, message string) { s.core().Flash(category, message) }

// Flashes returns the messages of the given categories, of all if none is
// given, oldest first, and takes them out of the session. Messages of other
// categories stay. Called again in the same request it returns the same
// messages, so that a page may show them in two places.
func (s *Session) Flashes(categories ...string) []Flash {
	var list []Flash
	s.core().Flashes(categories, func(category, message string) { list = append(list, Flash{category, message}) })
	return list
}

// Permanent reports whether the visitor's cookie outlives the browser.
func (s *Session) Permanent() bool { return s.core().Permanent() }

// SetPermanent says whether the visitor's cookie outlives the browser: it then
// lasts for the session's lifetime, 400 days at most. How long the session lives is
// another matter: to remember a login for weeks, set SetIdleTimeout and SetLifetime,
// too. The page docs/lifetimes.md has the recipe, and a table of what the
// combinations come to.
func (s *Session) SetPermanent(permanent bool) { s.core().SetPermanent(permanent) }

// SetIdleTimeout gives this session an idle timeout of its own instead of
// Options.IdleTimeout or AnonymousIdle: at a login that is to be remembered, say. It
// stays until Destroy or the Login of another user. NoLimit leaves the end to the
// lifetime, and zero takes the session's own timeout back.
//
// What is above Options.MaxIdleTimeout, and what is shorter than a second, makes the
// request fail, see Err. So does, when it is saved, a timeout above the session's
// lifetime, which would end it first: call SetLifetime too, before or after. An upper
// limit that is lowered later holds for the sessions that exist. In Flask mode the
// request fails with ErrUnsupported.
func (s *Session) SetIdleTimeout(d time.Duration) { s.core().SetIdleTimeout(d) }

// SetLifetime gives this session a lifetime of its own instead of Options.Lifetime,
// as SetIdleTimeout does with the idle timeout, up to Options.MaxLifetime. It counts
// from the login, or from the beginning of a session without one: a session that is
// older ends with this request. NoLimit leaves the end to the idle timeout, and zero
// takes it back. It cuts an idle timeout that is longer. The cookie of a permanent
// session goes out again, with the new Max-Age.
func (s *Session) SetLifetime(d time.Duration) { s.core().SetLifetime(d) }

// IsNew reports whether the session begins in this request: the visitor's ticket has
// led to none, or to one that has ended since, by Destroy or elsewhere during a long
// request. It says so for the rest of the request, whatever is set in it and saved,
// by Save too. The next request with the new ticket says no. A session that was
// opened without a request is new from [Manager.Open] on, whatever is committed. One
// that could not be loaded is not new, see Err.
func (s *Session) IsNew() bool { return s.core().IsNew() }

// Modified reports whether this request has changes that are not saved yet.
func (s *Session) Modified() bool { return s.core().Modified() }

// Expires returns when the session will end if it is not used again after this
// request. The zero time means that it has failed to load.
func (s *Session) Expires() time.Time { return s.core().Expires() }

// Handle returns a short hash that names the session in logs and lists. It
// opens nothing. It is empty for a session that has not been saved yet, and
// changes with the ID.
func (s *Session) Handle() string { return s.core().Handle() }

// Ticket returns the ticket of the session as it is now, for programs that pass it
// on themselves: to a WebSocket that opens it later, say. It is empty if there is
// none: for a session that has not been saved yet or has ended, and after a Login or
// a Regenerate that has not been saved, since the ticket that the visitor has opens
// nothing once it is. A sealed ticket holds the session itself, and is empty after
// every change that has not been saved. Call Save first to get the new one.
//
// The ticket goes the way of the visitor's own: a later login, Regenerate or renewal
// (see Options.RenewEvery) replaces it. Whoever has the ticket is the visitor. Given to the scripts of a page, it is no
// longer protected by the cookie's HttpOnly.
func (s *Session) Ticket() Ticket { return Ticket(s.core().LiveTicket()) }

// Regenerate gives the session a new ID when it is saved, and keeps its data
// and its age. Call it at every change of privilege but a login, which [Session.Login]
// is for, so that an ID which somebody knew before is worthless after (OWASP ASVS
// 5.0, 7.2.4), and call it before the changes that go with it: an answer that leaves
// in between, as that of http.TimeoutHandler may, saves what was changed so far
// under the old ID. If the visitor's browser sent several cookies of the name,
// those from other paths and domains are removed.
//
// The new record is durable before the old one goes; from then on the old ticket
// opens nothing. What requests in flight with the old ticket change is dropped,
// and they set no cookie. Another Regenerate among them goes on, with nothing but
// what its own request has set. In a sealed cookie none of this holds: see
// NewCookie.
//
// If the store fails half way the visitor gets a 503, perhaps with the new
// ticket, and the next request does the rest. If the visitor has hung up, or a
// deadline around Handler has passed, the session stays as it was.
func (s *Session) Regenerate() { s.core().Regenerate() }

// Destroy ends the session: its record is replaced by a mark that goes by itself
// (in Flask mode it is deleted) and the cookie removed before the answer
// leaves, and no request in flight brings either back. (A copy of a sealed cookie
// opens the session until it expires: see NewCookie.) The
// Session is empty and new afterwards; what is set now goes into a new session
// with a new ID, a goodbye message for instance. That one is not permanent, with
// Options.Permanent neither, until SetPermanent or a login, Login or Regenerate, makes
// it so (Flask mode goes by SESSION_PERMANENT). If the visitor's browser sent
// several cookies of the name, from other paths and domains, they are removed,
// and the sessions that they open are ended.
func (s *Session) Destroy() { s.core().Destroy() }

// String returns the session's handle with a word before it. It loads nothing:
// before the first use of the session there is no handle.
func (s Session) String() string {
	handle := ""
	if core := s.core(); core != nil {
		handle = core.LoadedHandle()
	}
	return "session " + cmp.Or(handle, "(none)")
}

// Format writes what String returns, for every verb.
func (s Session) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue returns what String returns.
func (s Session) LogValue() slog.Value { return slog.StringValue(s.String()) }
