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
	if created <= 0 || created > now.Unix() {
		return now.Add(e.Lifetime) // another program's, or a clock was ahead: its life begins
	}
	return time.Unix(created, 0).Add(e.Lifetime)
}

// expiry returns what the store is told about a session that is used now: when
// it ends by its idle timeout. The lifetime does not cut it, so that it always
// tells of the last use; without an idle timeout it is the end of the lifetime.
func (e *Engine) expiry(created int64, now time.Time) time.Time {
	if e.IdleTimeout == NoLimit {
		return e.deadline(created, now)
	}
	return now.Add(e.IdleTimeout)
}

// aged reports whether the session has reached its lifetime, which may be
// shorter today than when the record was written.
func (e *Engine) aged(v *version, now time.Time) bool {
	deadline := e.deadline(v.Created, now)
	return !deadline.IsZero() && !now.Before(deadline)
}

// idleEnd returns when a session ends by its idle timeout, which may be shorter
// today than when the record was written; the zero time if it has no such end.
func (e *Engine) idleEnd(v *version) time.Time {
	expires, usual := v.rec.Expires, e.style.Meta
	if usual == nil || v.Meta == nil || expires.IsZero() ||
		v.Meta.Idle <= 0 || usual.Idle <= 0 || usual.Idle >= v.Meta.Idle {
		return expires
	}
	return expires.Add(usual.Idle - v.Meta.Idle)
}

// idled reports whether the session has not been used for too long. A store
// sees to that by itself, but for timeouts that have become shorter.
func (e *Engine) idled(v *version, now time.Time) bool {
	end := e.idleEnd(v)
	return !end.Equal(v.rec.Expires) && !now.Before(end)
}

// endsAt returns when the session ends if it is not used again after now.
func (e *Engine) endsAt(v *version, pending bool, now time.Time) time.Time {
	end, used := e.idleEnd(v), !v.Exists() || pending || e.refreshDue(v, now)
	if used {
		end = e.expiry(v.Created, now)
	}
	deadline := e.deadline(v.Created, now)
	if !deadline.IsZero() && (used || v.Created > 0) && (end.IsZero() || deadline.Before(end)) {
		return deadline
	}
	return end
}

// touchDue reports whether v has been used long enough since its expiry was
// last moved on, and returns the new expiry.
func (e *Engine) touchDue(v *version, now time.Time) (next time.Time, due bool) {
	switch e.Rules.Use {
	case rules.UseChanged:
		return time.Time{}, false
	case rules.UseVisited:
		if e.inTicket() {
			return time.Time{}, false // see refreshDue
		}
	}
	next, expires, usual := e.expiry(v.Created, now), v.rec.Expires, e.style.Meta
	gain := next.Sub(expires)
	switch {
	case usual == nil:
		return next, e.IdleTimeout != NoLimit && !expires.IsZero() && gain > 0 && gain >= e.TouchInterval
	case usual.Idle < 0: // nothing to count, but what the record says may be out of date
		return next, e.outdated(v, now) || !expires.IsZero() && (next.IsZero() || gain > 0)
	case expires.IsZero():
		return next, true
	}
	due = gain > 0 && gain >= e.TouchInterval || e.usedInFuture(v, now)
	if m := v.Meta; m != nil && m.Idle != usual.Idle && m.Idle != 0 {
		// The timeout has changed. Where the last use is known it may be long ago.
		unused := gain - usual.Idle + m.Idle
		due = due || m.Idle < 0 || unused > 0 && unused >= e.TouchInterval
	}
	return next, due
}

// ageless reports whether the record does not say since when the session lives.
func (v *version) ageless(now time.Time) bool { return v.Created <= 0 || v.Created > now.Unix() }

// outdated reports whether v has to be written anew rather than touched: what
// it says about its life is not what is in force, or its seal is an old one.
func (e *Engine) outdated(v *version, now time.Time) bool {
	if e.records != nil && !e.records.Current(v.rec.Data) {
		return true
	}
	usual := e.style.Meta
	return usual != nil && (v.Meta == nil || v.Meta.Idle != usual.Idle || e.style.Aging && v.ageless(now) || e.usedInFuture(v, now))
}

// usedInFuture reports whether the last use of v seems to be yet to come, by more
// than clocks differ: a release before Meta has moved the expiry on by a longer
// timeout. It counts as now.
func (e *Engine) usedInFuture(v *version, now time.Time) bool {
	usual := e.style.Meta
	return usual.Idle > 0 && v.Meta != nil && v.Meta.Idle == usual.Idle &&
		v.rec.Expires.Sub(now)-usual.Idle >= max(e.TouchInterval, time.Minute)
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

// remembers reports whether the cookie has to go out again now and then, lest
// browsers forget it before the session ends.
func (e *Engine) remembers(permanent bool) bool {
	return permanent && e.Lifetime == NoLimit && e.style.Meta != nil && !e.inTicket()
}

// lifeRaised reports whether v's cookie was sent for a shorter lifetime than the
// one in force.
func (e *Engine) lifeRaised(v *version) bool {
	usual := e.style.Meta
	return usual != nil && !e.inTicket() && v.Permanent && v.Meta != nil && v.Meta.Life > 0 && usual.Life > v.Meta.Life
}

// resendDue reports whether the cookie has to be sent again: once a quarter of
// its life, or since its session lives longer than it says.
func (e *Engine) resendDue(v *version, now time.Time) bool {
	if e.lifeRaised(v) {
		return true
	}
	if !e.remembers(v.Permanent) {
		return false
	}
	return v.Meta == nil || now.UnixMilli()-v.Meta.Sent >= (longestCookieLife/4).Milliseconds()
}

// longestCookieLife is what browsers cut a cookie's life to (RFC 6265bis, 5.5).
const longestCookieLife = 400 * 24 * time.Hour

// ignores reports whether using v does not move it on, since to Flask-Session
// there is nothing in it.
func (e *Engine) ignores(v *version) bool {
	return e.Rules.Permanence == ledger.PermanentAsSet && v.Bare()
}
