package engine

import (
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// The idle timeout and the lifetime that a session has of its own.

// limits returns the idle timeout and the lifetime that are in force for a
// session with m, which may be nil: what the application has chosen for it, or
// else what holds for all, never above the upper limits. A lifetime that is
// shorter than the idle timeout cuts it.
func (e *Engine) limits(m *ledger.Meta) (idle, life time.Duration) {
	idle, life = e.IdleTimeout, e.Lifetime
	if e.AnonymousIdle != 0 && m.User() == "" {
		idle = e.AnonymousIdle
	}
	if m == nil || m.Own == (ledger.Own{}) {
		return idle, life
	}
	if m.Own.Idle != 0 {
		idle = shorter(m.Own.Idle, e.MaxIdleTimeout)
	}
	if m.Own.Life != 0 {
		life = shorter(m.Own.Life, e.MaxLifetime)
	}
	if idle != NoLimit {
		idle = shorter(idle, life)
	}
	return idle, life
}

// shorter returns the shorter of two limits, each of which may be NoLimit.
func shorter(a, b time.Duration) time.Duration {
	if a == NoLimit || b != NoLimit && b < a {
		return b
	}
	return a
}

// SetIdleTimeout gives the session an idle timeout of its own; zero means what
// holds for all.
func (s *Session) SetIdleTimeout(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	if err := s.e.checkLimit("IdleTimeout", d, s.e.MaxIdleTimeout); err != nil {
		s.fail(err)
	} else if d = ledger.WholeMillis(d); d != s.draft.Own(s.version.Meta).Idle {
		s.draft.SetIdle(d)
	}
}

// SetLifetime gives the session a lifetime of its own; zero means what holds for
// all.
func (s *Session) SetLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	if err := s.e.checkLimit("Lifetime", d, s.e.MaxLifetime); err != nil {
		s.fail(err)
	} else if d = ledger.WholeMillis(d); d != s.draft.Own(s.version.Meta).Life {
		s.draft.SetLife(d)
	}
}

// checkLimit refuses a limit that no session can have of its own. most is the
// upper limit.
func (e *Engine) checkLimit(name string, d, most time.Duration) error {
	switch {
	case e.style.Meta == nil:
		return store.WithAdvice(fmt.Errorf("cloakroom: Set%s: %w in Flask mode", name, store.ErrUnsupported),
			"Sessions that are shared with Flask all live for PERMANENT_SESSION_LIFETIME.")
	case d != NoLimit && d < 0, d > 0 && d < time.Second:
		return fmt.Errorf("cloakroom: Set%s: %v: the least is a second, zero takes the session's own limit back", name, d)
	case d != 0 && shorter(d, most) != d:
		return store.WithAdvice(fmt.Errorf("cloakroom: Set%s: %s is above Options.Max%s, %v", name, limitText(d), name, most),
			"Set Options.Max"+name+"; where it is not set it is Options."+name+".")
	}
	return nil
}

func limitText(d time.Duration) string {
	if d == NoLimit {
		return "NoLimit"
	}
	return d.String()
}

// checkOwn refuses an idle timeout that the request has set and that cannot take
// effect, since the lifetime is shorter. Limits that only meet by a lifetime that
// is set later, or by another request, are cut without a word.
func (c *commit) checkOwn() error {
	if !c.draft.SetsIdle() {
		return nil
	}
	m := c.version.Meta.Copy()
	m.Own, m.Login = c.draft.Own(c.version.Meta), c.draft.Login(c.version.Meta)
	_, life := c.e.limits(&m)
	if life == NoLimit || m.Own.Idle <= life {
		return nil
	}
	return store.WithAdvice(fmt.Errorf("cloakroom: SetIdleTimeout: %v is above the session's lifetime, %v, which would end it first", m.Own.Idle, life),
		"Call SetLifetime in the same request, up to Options.MaxLifetime.")
}

// limited returns v with the limits that the draft gives it.
func (c *commit) limited(v *version) *version {
	if !c.draft.SetsLimits() {
		return v
	}
	next := *v
	next.Meta = c.meta(v, c.clock())
	return &next
}

// relives reports whether the cookie of a permanent session has to go out again,
// since the request has set the session's lifetime.
func (c *commit) relives() bool {
	return c.draft.SetsLife() && c.draft.Permanent(&c.e.style, &c.version.Base)
}
