package engine

import (
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/internal/rules"
)

// How long sessions live, and how often their expiry is moved on.

// idleTimeout returns the first of limits, as records have it.
func (e *Engine) idleTimeout(m *ledger.Meta) time.Duration {
	idle, _ := e.limits(m)
	return ledger.WholeMillis(idle)
}

// touchInterval returns how much of an idle timeout may pass before the expiry is
// moved on again: for a short one of some sessions a tenth, lest they end in use.
func (e *Engine) touchInterval(idle time.Duration) time.Duration {
	switch {
	case idle == NoLimit, e.IdleTimeout != NoLimit && idle >= ledger.WholeMillis(e.IdleTimeout):
		return e.TouchInterval
	case e.TouchInterval == 0: // there is no usual timeout that it could be a tenth of
		return idle / 10
	default:
		return min(e.TouchInterval, idle/10)
	}
}

// useInterval returns after which time a use of v within a request counts again.
func (e *Engine) useInterval(v *version) time.Duration {
	idle, _ := e.limits(v.Meta)
	if idle == NoLimit {
		return time.Minute // to see that the session has ended
	}
	return max(e.touchInterval(idle), time.Second)
}

// deadline returns when a session reaches its lifetime, or the zero time if it
// has no limit.
func (e *Engine) deadline(b *ledger.Base, now time.Time) time.Time {
	_, life := e.limits(b.Meta)
	if life == NoLimit {
		return time.Time{}
	}
	if b.Created <= 0 || b.Created > now.Unix() {
		return now.Add(life) // another program's, or a clock was ahead: its life begins
	}
	return time.Unix(b.Created, 0).Add(life)
}

// expiry returns what the store is told about a session that is used now: when
// it ends by its idle timeout. The lifetime does not cut it, so that it always
// tells of the last use; without an idle timeout it is the end of the lifetime.
func (e *Engine) expiry(b *ledger.Base, now time.Time) time.Time {
	idle, _ := e.limits(b.Meta)
	if idle == NoLimit {
		return e.deadline(b, now)
	}
	return now.Add(idle)
}

// aged reports whether the session has reached its lifetime, which may be
// shorter today than when the record was written.
func (e *Engine) aged(v *version, now time.Time) bool {
	deadline := e.deadline(&v.Base, now)
	return !deadline.IsZero() && !now.Before(deadline)
}

// idleEnd returns when a session ends by its idle timeout, which may be shorter
// today than when the record was written; the zero time if it has no such end.
func (e *Engine) idleEnd(v *version) time.Time {
	expires := v.rec.Expires
	if e.style.Meta == nil || v.Meta == nil || expires.IsZero() || v.Meta.Idle <= 0 {
		return expires
	}
	if idle := e.idleTimeout(v.Meta); idle > 0 && idle < v.Meta.Idle {
		return expires.Add(idle - v.Meta.Idle)
	}
	return expires
}

// idled reports whether the session has not been used for too long. A store
// sees to that by itself, but for timeouts that have become shorter.
func (e *Engine) idled(v *version, now time.Time) bool {
	end := e.idleEnd(v)
	return !end.Equal(v.rec.Expires) && !now.Before(end)
}

// endsAt returns when the session ends if it is not used again after now. d is
// what the request has changed.
func (e *Engine) endsAt(v *version, d *draft, now time.Time) time.Time {
	end, used := e.idleEnd(v), !v.Exists() || d.pending() || e.refreshDue(v, now)
	b := v.Base
	if e.style.Meta != nil && (d.SetsLimits() || d.LogsIn()) {
		m := v.Meta.Copy()
		m.Own, m.Login = d.Own(v.Meta), d.Login(v.Meta)
		b.Meta = &m
		if d.LogsIn() {
			b.Created = 0
		}
	}
	if used {
		end = e.expiry(&b, now)
	}
	deadline := e.deadline(&b, now)
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
	next, expires := e.expiry(&v.Base, now), v.rec.Expires
	gain := next.Sub(expires)
	if e.style.Meta == nil {
		return next, e.IdleTimeout != NoLimit && !expires.IsZero() && gain > 0 && gain >= e.TouchInterval
	}
	idle := e.idleTimeout(v.Meta)
	interval := e.touchInterval(idle)
	switch {
	case idle < 0: // nothing to count, but what the record says may be out of date
		return next, e.outdated(v, now) || !expires.IsZero() && (next.IsZero() || gain > 0)
	case expires.IsZero():
		return next, true
	}
	due = gain > 0 && gain >= interval || e.usedInFuture(v, now)
	if m := v.Meta; m != nil && m.Idle != idle && m.Idle != 0 {
		// The timeout has changed. Where the last use is known it may be long ago.
		unused := gain - idle + m.Idle
		due = due || m.Idle < 0 || unused > 0 && unused >= interval
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
	return e.style.Meta != nil && (v.Meta == nil || v.Meta.Idle != e.idleTimeout(v.Meta) ||
		e.ages(v.Meta) && v.ageless(now) || e.usedInFuture(v, now))
}

// ages reports whether sessions with m have a lifetime.
func (e *Engine) ages(m *ledger.Meta) bool {
	_, life := e.limits(m)
	return life != NoLimit
}

// usedInFuture reports whether the last use of v seems to be yet to come, by more
// than clocks differ: a release before Meta has moved the expiry on by a longer
// timeout. It counts as now.
func (e *Engine) usedInFuture(v *version, now time.Time) bool {
	if v.Meta == nil {
		return false
	}
	idle := e.idleTimeout(v.Meta)
	return idle > 0 && v.Meta.Idle == idle && v.rec.Expires.Sub(now)-idle >= max(e.TouchInterval, time.Minute)
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
	deadline := e.deadline(&v.Base, now)
	if deadline.IsZero() {
		return longestCookieLife
	}
	return min(max(deadline.Sub(now), time.Second), longestCookieLife)
}

// remembers reports whether the cookie of a session with m has to go out again
// now and then, lest browsers forget it before the session ends.
func (e *Engine) remembers(m *ledger.Meta, permanent bool) bool {
	if !permanent || e.style.Meta == nil || e.inTicket() {
		return false
	}
	return !e.ages(m)
}

// lifeRaised reports whether v's cookie was sent for a shorter lifetime than the
// one in force.
func (e *Engine) lifeRaised(v *version) bool {
	_, life := e.limits(v.Meta)
	return e.outlives(v, ledger.WholeMillis(life))
}

// outlives reports whether v's cookie was sent for a shorter lifetime than life.
func (e *Engine) outlives(v *version, life time.Duration) bool {
	return e.style.Meta != nil && !e.inTicket() && v.Permanent && v.Meta != nil && v.Meta.Life > 0 && life > v.Meta.Life
}

// resendDue reports whether the cookie has to be sent again: once a quarter of
// its life, or since its session lives longer than it says.
func (e *Engine) resendDue(v *version, now time.Time) bool {
	if e.lifeRaised(v) {
		return true
	}
	if !e.remembers(v.Meta, v.Permanent) {
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
