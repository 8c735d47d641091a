package engine

import (
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/internal/rules"
)

// How long sessions live, and how often their expiry is moved on.

// deadline returns when a session created at a Unix time reaches its
// lifetime, or the zero time if it has no limit.
func (e *Engine) deadline(created int64, now time.Time) time.Time {
	if e.Lifetime == NoLimit {
		return time.Time{}
	}
	if created <= 0 {
		return now.Add(e.Lifetime) // another program's: its life with us begins
	}
	return time.Unix(created, 0).Add(e.Lifetime)
}

// expiry returns when a session used now expires.
func (e *Engine) expiry(created int64, now time.Time) time.Time {
	deadline := e.deadline(created, now)
	if e.IdleTimeout == NoLimit {
		return deadline
	}
	idle := now.Add(e.IdleTimeout)
	if !deadline.IsZero() && deadline.Before(idle) {
		return deadline
	}
	return idle
}

// alive reports whether the session is within its lifetime, which may be
// shorter today than when the record was written.
func (e *Engine) alive(v *version, now time.Time) bool {
	deadline := e.deadline(v.Created, now)
	return deadline.IsZero() || now.Before(deadline)
}

// endsAt returns when the session ends if it is not used again after now.
func (e *Engine) endsAt(v *version, pending bool, now time.Time) time.Time {
	if !v.Exists() || pending || e.refreshDue(v, now) {
		return e.expiry(v.Created, now)
	}
	expires := v.rec.Expires
	// The record may have been written under a longer lifetime.
	if deadline := e.deadline(v.Created, now); v.Created > 0 && !deadline.IsZero() && deadline.Before(expires) {
		return deadline
	}
	return expires
}

// touchDue reports whether v has been used long enough since its expiry was
// last moved on, and returns the new expiry.
func (e *Engine) touchDue(v *version, now time.Time) (time.Time, bool) {
	if e.IdleTimeout == NoLimit || v.rec.Expires.IsZero() {
		return time.Time{}, false
	}
	switch e.Rules.Use {
	case rules.UseChanged:
		return time.Time{}, false
	case rules.UseVisited:
		if e.inTicket() {
			return time.Time{}, false // see refreshDue
		}
	}
	next := e.expiry(v.Created, now)
	gain := next.Sub(v.rec.Expires)
	return next, gain > 0 && gain >= e.TouchInterval ||
		// Close to the deadline the gain is small and the last step counts. A
		// record that does not say its age has none: it moves on with now.
		gain > 0 && v.Created > 0 && next.Equal(e.deadline(v.Created, now))
}

// refreshDue reports whether using v moves its expiry on, or its cookie's.
func (e *Engine) refreshDue(v *version, now time.Time) bool {
	if !v.Exists() {
		return false
	}
	if e.Rules.Use == rules.UseVisited {
		if e.ignores(v) {
			return false
		}
		if v.Permanent {
			return true
		}
	}
	_, due := e.touchDue(v, now)
	return due
}

// cookieLife returns how long the cookie of a session lasts; zero if until the
// browser ends. It is the session's whole lifetime rather than the idle
// timeout: the server knows when a session ends, and a cookie that need not be
// sent again cannot come back after a logout. A sliding cookie is the
// exception.
func (e *Engine) cookieLife(v *version, now time.Time) time.Duration {
	if !v.Permanent {
		return 0
	}
	if e.Rules.SlidingCookie {
		return e.IdleTimeout
	}
	deadline := e.deadline(v.Created, now)
	if deadline.IsZero() {
		return longestCookieLife
	}
	return min(max(deadline.Sub(now), time.Second), longestCookieLife)
}

// longestCookieLife is what browsers cut a cookie's life to (RFC 6265bis, 5.5).
const longestCookieLife = 400 * 24 * time.Hour

// ignores reports whether using v does not move it on, since to Flask-Session
// there is nothing in it.
func (e *Engine) ignores(v *version) bool {
	return e.Rules.Permanence == ledger.PermanentAsSet && v.Bare()
}
