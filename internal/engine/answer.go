package engine

import "time"

// An Answer is what the answer to a request says about the session.
type Answer struct {
	Cookie CookieChange
	Ticket string
	Life   time.Duration // of the cookie; zero if until the browser ends
	Now    time.Time     // when that was decided
	Needed bool          // what the handler has changed is lost without the cookie
	Asked  bool          // the handler has used the session
	Twins  bool          // a login or a logout: cookies of the name in other scopes go too
}

// A CookieChange is what happens to the visitor's cookie.
type CookieChange uint8

const (
	KeepCookie CookieChange = iota
	SetCookie
	RemoveCookie
)

// Answer returns what the visitor has to be told if a commit has come to
// nothing.
func (s *Session) Answer() Answer { return s.answer(time.Now(), unchanged) }

// answer returns what the visitor has to be told after a commit at the time
// now.
func (s *Session) answer(now time.Time, o outcome) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.e.Rules.Unavailable != nil {
		return Answer{}
	}
	a := Answer{Cookie: s.cookie(o), Asked: s.asked, Twins: s.loggedIn || s.loggedOut}
	if a.Cookie == SetCookie {
		a.Ticket, a.Now, a.Needed = s.version.ticket, now, s.needed
		a.Life = s.e.cookieLife(&s.version, now)
	}
	return a
}

// cookie decides when a cookie goes out, and when it is removed. The edge drops
// a removal where the visitor sent no cookie at all.
func (s *Session) cookie(o outcome) CookieChange {
	r, v := s.e.Rules, &s.version
	switch {
	case !v.Exists() && (s.loggedOut || (s.emptied || o == emptied) && r.EmptyEnds):
		return RemoveCookie // once the record has gone: after a failure the visitor must be able to try again
	case !v.Exists():
		return KeepCookie // also where the session was ended elsewhere: the newer cookie may be on its way
	case s.reissued:
		return SetCookie // a new session, a new ID, a sealed one that changed, another life of the cookie, or one that browsers would forget
	case o == stored && r.SlidingCookie:
		return SetCookie // Flask's cookie goes out with each change
	case (o == notDue || o == touched) && v.Permanent && r.SlidingCookie:
		return SetCookie // browsers forget it otherwise
	default:
		return KeepCookie
	}
}
