package engine

import (
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// What handlers do with a session. Nothing here reaches the store but the load
// that the first use brings about.

// Lookup returns the bytes of a value and their codec; nil if there is none.
func (s *Session) Lookup(name string) ([]byte, codec.Codec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return nil, nil
	}
	return s.draft.Raw(&s.e.style, &s.version.Base, name)
}

// Names returns the names of the values, in the order in which they were first
// set.
func (s *Session) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return nil
	}
	return s.draft.Names(&s.e.style, &s.version.Base)
}

// Set encodes v and puts it into the session. t is the type of the variable that
// it will be read into, or nil for one of v's own; then the program may not have
// chosen the name either, and messages leave it out.
func (s *Session) Set(name string, t reflect.Type, v any) {
	c, ok := s.target(name, "set")
	if !ok {
		return
	}
	raw, err := s.e.Encode(t, v, c) // without the lock: methods of v may use the session
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.writable():
	case err != nil && t == nil:
		s.fail(fmt.Errorf("cloakroom: set %T: %w", v, err))
	case err != nil:
		s.fail(fmt.Errorf("cloakroom: set %q as %s: %w", name, t, err))
	default:
		s.draft.Set(name, raw, c)
	}
}

// target returns the codec to write the value of name in. It reports false, and
// fails the session, if there can be no such value.
func (s *Session) target(name, op string) (codec.Codec, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.writable():
	case s.e.style.Reserved(name):
		s.fail(fmt.Errorf("cloakroom: %s: %w: %s", op, ErrReserved, reservedAdvice(name)))
	case !utf8.ValidString(name):
		s.fail(store.WithAdvice(fmt.Errorf("cloakroom: %s: %w: the name of the value is not UTF-8", op, codec.ErrType),
			"names that visitors choose belong into a map, which is then one value"))
	default:
		return s.e.style.CodecOf(&s.version.Base), true
	}
	return nil, false
}

// Delete removes a value.
func (s *Session) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() || s.e.style.Reserved(name) {
		return
	}
	if raw, _ := s.draft.Raw(&s.e.style, &s.version.Base, name); raw != nil {
		s.draft.Set(name, nil, nil)
	}
}

// maxUpdates is how often Update runs a function on values that have changed
// when it is done. Other goroutines of the request do that a few times, a
// function that changes the value itself does it for ever.
const maxUpdates = 1000

// Update runs step on the present value of name and remembers it for a newer
// one. It runs without the lock, since it may use the session; if the value
// has changed by then, it runs again.
func (s *Session) Update(name string, step ledger.Step) {
	for range maxUpdates {
		to, ok := s.target(name, "update")
		if !ok {
			return
		}
		before, from := s.Lookup(name)
		after, in, err := step(from, before, to)
		if s.tryUpdate(name, before, after, in, err, step) {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail(fmt.Errorf("cloakroom: update: %w: the value changed while the function ran, %d times: does the function change it itself?",
		ErrConflict, maxUpdates))
}

// tryUpdate reports false if the step has to run again.
func (s *Session) tryUpdate(name string, before, after []byte, in codec.Codec, err error, step ledger.Step) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.writable():
	case err != nil:
		s.fail(err)
	default:
		return s.draft.Update(&s.e.style, &s.version.Base, name, before, after, in, step)
	}
	return true
}

// Clear removes all values and flash messages.
func (s *Session) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writable() {
		s.draft.Clear(&s.e.style)
	}
}

// Flash adds a message for the next page.
func (s *Session) Flash(category, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writable() {
		s.draft.Flash(category, message)
	}
}

// Flashes yields the messages of categories and takes them out.
func (s *Session) Flashes(categories []string, yield func(category, message string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readable() {
		s.draft.Flashes(&s.version.Base, categories, yield)
	}
}

// Permanent reports whether the cookie outlives the browser.
func (s *Session) Permanent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readable() && s.draft.Permanent(&s.e.style, &s.version.Base)
}

// SetPermanent says whether the cookie outlives the browser. Where _permanent
// is written as it was set, setting it again is a change, and so it is where a login
// would change it otherwise.
func (s *Session) SetPermanent(v bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writable() && (s.e.Rules.Permanence != ledger.PermanentIfTrue || s.e.parts(&s.version, &s.draft) ||
		s.draft.Permanent(&s.e.style, &s.version.Base) != v) {
		s.draft.SetPermanent(v)
	}
}

// IsNew reports whether the session has not been there before this request.
func (s *Session) IsNew() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readable() && !s.found
}

// Modified reports whether there are changes to be saved.
func (s *Session) Modified() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draft.pending()
}

// Expires returns when the session ends if it is not used again after this
// request; the zero time if it has failed to load.
func (s *Session) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return time.Time{}
	}
	return s.e.endsAt(&s.version, &s.draft, time.Now())
}

// Handle returns the session's handle, and loads it if need be.
func (s *Session) Handle() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return ""
	}
	return s.version.name()
}

// LoadedHandle is Handle without a load.
func (s *Session) LoadedHandle() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version.name()
}

// Ticket returns the session's ticket as of the last commit.
func (s *Session) Ticket() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version.ticket
}

// LiveTicket returns the ticket that opens the session as it is now, and loads
// it if need be. It is empty if none does, or none will after the next commit.
func (s *Session) LiveTicket() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() || s.draft.moves() || s.e.inTicket() && s.draft.pending() {
		return ""
	}
	return s.version.ticket
}

// Cookie returns what a visitor has to be told of a session that is kept without
// a request, as of the last commit: its ticket, and how long the cookie lasts.
func (s *Session) Cookie() Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.version.Exists() {
		return Answer{Cookie: RemoveCookie}
	}
	now := time.Now()
	return Answer{Cookie: SetCookie, Ticket: s.version.ticket, Now: now, Life: s.e.cookieLife(&s.version, now)}
}

// reservedAdvice says what to do instead of setting a name of cloakroom's own.
func reservedAdvice(name string) string {
	switch name {
	case ledger.NameFlashes:
		return "use Flash"
	case ledger.NamePermanent:
		return "use SetPermanent"
	default:
		return "choose another one"
	}
}
