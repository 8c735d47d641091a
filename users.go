package cloakroom

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// Login makes the session that of a user, when it is saved: it gets a new ID, as by
// Regenerate, and its lifetime begins anew. It keeps its data, its limits and its
// permanence, unless it belonged to another user: then all of that goes. Call it when the password has been checked, once
// for each login, and again when a user has confirmed his password. Destroy logs
// out.
//
// The user is a name that the application chooses for the account, and that never
// changes: its number, say, rather than an e-mail address. It is UTF-8 of at most
// 1,024 bytes, and not empty. Manager.Devices lists a user's sessions, Revoke and
// RevokeUser end them, Options.MaxPerUser bounds them.
//
// Store a new password before you revoke: a login whose password was checked before
// RevokeUser began and that is saved after it lives on. One that it meets half way
// fails with ErrRevoked.
//
// A Login goes on where a logout or another login was faster, with nothing but what
// its own request has set; after another login of the same user it keeps the data, so
// that a double click loses no cart. In Flask mode it fails the request with
// ErrUnsupported.
func (s *Session) Login(user string) { s.core().Login(user) }

// User returns whom the session belongs to, by Login, or "" if nobody has logged
// in.
func (s *Session) User() string {
	user, _ := s.core().User()
	return user
}

// LoginTime returns when the user has logged in, to the millisecond, or the zero
// time if nobody has. A page that needs a recent login asks for the password again
// and calls Login (OWASP ASVS 5.0, 7.5.3).
func (s *Session) LoginTime() time.Time {
	_, since := s.core().User()
	return since
}

// A Device is one of a user's sessions, as the user would recognise it in a list.
type Device struct {
	// Handle names the session for Revoke; see Session.Handle.
	Handle string
	// Description is what Options.Describe said at the login, by default the browser
	// and the system. It comes from the visitor: escape it, as html/template does.
	Description string
	// Created is when the visitor's session began, before the login perhaps.
	Created time.Time
	// Login is when the user logged in.
	Login time.Time
	// LastUse is when the session was last used, as fine as Options.TouchInterval.
	// It is the zero time where sessions have no idle timeout.
	LastUse time.Time
	// Expires is when the session ends if it is not used again.
	Expires time.Time
	// IdleTimeout and Lifetime are those in force, or NoLimit.
	IdleTimeout, Lifetime time.Duration
	// Permanent: the cookie outlives the browser.
	Permanent bool
	// Current: it is the session of the request that ctx belongs to.
	Current bool
}

// Devices returns the sessions of a user that are alive, the one that was used
// last first. ctx may be a request's, whose session is told apart then. It costs one
// call for the user's record and one for each session, or one for all where the
// store is a store.BatchLoader. It is no use of the sessions.
func (m *Manager) Devices(ctx context.Context, user string) ([]Device, error) {
	list, err := m.engine.Devices(ctx, user, "devices")
	if err != nil {
		return nil, err
	}
	current := m.handleIn(ctx)
	devices := make([]Device, len(list))
	for i := range list {
		devices[i] = deviceOf(&list[i], current)
	}
	return devices, nil
}

// handleIn returns the handle of the session of the request that ctx belongs to, or
// "".
func (m *Manager) handleIn(ctx context.Context) string {
	if v, ok := m.middleware.Own(ctx).(*visit); ok {
		return v.session.Handle()
	}
	return ""
}

func deviceOf(d *engine.Device, current string) Device {
	return Device{
		Handle:      d.Handle,
		Description: d.Description,
		Created:     d.Created,
		Login:       d.Login,
		LastUse:     d.LastUse,
		Expires:     d.Expires,
		IdleTimeout: d.IdleTimeout,
		Lifetime:    d.Lifetime,
		Permanent:   d.Permanent,
		Current:     d.Handle == current,
	}
}

// Revoke ends one session of a user, by its handle, from outside of it: when it has
// returned, no request opens it. The error matches ErrNotFound if the user has none
// with that handle. The user's name keeps one user from ending another's.
//
// That a session stays ended is promised on stores that keep what they hold.
// Memcached, and a Redis that evicts, may lose the user's record, and with it the way
// to the sessions.
func (m *Manager) Revoke(ctx context.Context, user, handle string) error {
	return m.engine.Revoke(ctx, user, handle)
}

// RevokeUser ends all sessions of a user, but those with the handles except: at a
// change of the password say, with the handle of the session that asks for it. A
// handle that is not among the user's spares nothing. When
// it has returned, no session opens any more that was there when it began. If it
// fails it may have ended some, and can be called again.
func (m *Manager) RevokeUser(ctx context.Context, user string, except ...string) error {
	return m.engine.RevokeUser(ctx, user, except)
}
