package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/store"
)

// Users: who is logged in where, and ending it.

// maxUser is how long a user's name may be, in bytes.
const maxUser = 1024

// Login makes the session that of a user, under a new ID, when it is committed.
func (s *Session) Login(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	if err := s.e.checkUser(user); err != nil {
		s.fail(fmt.Errorf("cloakroom: login: %w", err))
		return
	}
	before := s.draft.Login(s.version.Meta)
	l := ledger.Login{User: user, At: time.Now().UnixMilli(), Begun: cmp.Or(before.Begun, 1000*s.version.Created)}
	if before.User != "" && before.User != user {
		// What is the other user's stays his.
		s.draft.Clear(&s.e.style)
		s.draft.SetIdle(0)
		s.draft.SetLife(0)
		s.draft.SetPermanent(s.e.style.Permanent)
		l.Begun = 0
	}
	if s.bearer != nil {
		l.Device = s.bearer.Device()
	}
	s.draft.LogIn(l)
	s.arrive()
}

// checkUser refuses a name that no user can have, and modes without users.
func (e *Engine) checkUser(user string) error {
	switch {
	case e.style.Meta == nil:
		return store.WithAdvice(fmt.Errorf("%w in Flask mode", store.ErrUnsupported),
			"Call Regenerate, and keep the user in a value of your own: Flask-Login's is _user_id.")
	case user == "":
		return errors.New("the user's name is empty")
	case len(user) > maxUser:
		return fmt.Errorf("the user's name has %d bytes, at most %d are allowed", len(user), maxUser)
	case !utf8.ValidString(user):
		return errors.New("the user's name is not UTF-8: take the account's number, or encode it")
	}
	return nil
}

// User returns whose session it is, and since when; "" if nobody has logged in.
func (s *Session) User() (user string, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return "", time.Time{}
	}
	if l := s.draft.Login(s.version.Meta); l.User != "" {
		return l.User, time.UnixMilli(l.At)
	}
	return "", time.Time{}
}

// A Device is one of a user's sessions.
type Device struct {
	Handle      string
	Description string
	Created     time.Time // when the visitor's session began
	Login       time.Time
	LastUse     time.Time // zero if it is not known
	Expires     time.Time
	IdleTimeout time.Duration
	Lifetime    time.Duration
	Permanent   bool

	version version
}

// Devices returns the sessions of a user, the one that was used last first, for the
// operation op.
func (e *Engine) Devices(ctx context.Context, user, op string) ([]Device, error) {
	ctx, done, err := e.userCall(ctx, user, op)
	if err != nil {
		return nil, err
	}
	defer done()
	l, _, err := e.listingOf(ctx, user)
	if err != nil {
		return nil, err
	}
	found, err := e.openListed(ctx, l.entries)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	live := make([]*version, 0, len(found))
	for i := range found {
		v, err := &found[i].version, found[i].err
		switch {
		case err == nil && v.Meta.User() == user && !e.over(v, now):
			live = append(live, v)
		case err != nil && errors.Is(err, ErrUnavailable):
			return nil, err // it may well be one
		}
	}
	over, err := e.halfMoved(ctx, live)
	if err != nil {
		return nil, err
	}
	var devices []Device
	for _, v := range live {
		if !over[v.key] {
			devices = append(devices, e.device(v, now))
		}
	}
	slices.SortStableFunc(devices, func(a, b Device) int {
		return cmp.Or(b.LastUse.Compare(a.LastUse), b.Login.Compare(a.Login))
	})
	return devices, nil
}

// halfMoved returns the keys of those records that are not the session any more, or
// not yet, since a move or a renewal is not finished. After a move that is the one
// before, whose place the new one takes. It is the new one if the session has
// ended or gone on elsewhere, and in a renewal also if the one before is still there:
// nobody has got the new ticket then.
func (e *Engine) halfMoved(ctx context.Context, live []*version) (map[string]bool, error) {
	var before []entry
	for _, v := range live {
		if v.Meta != nil {
			for _, p := range v.Meta.Prev {
				before = append(before, entry{key: p.Key})
			}
		}
	}
	if len(before) == 0 {
		return nil, nil
	}
	found, err := e.openListed(ctx, before)
	if err != nil {
		return nil, err
	}
	over := map[string]bool{}
	for _, v := range live {
		if v.Meta == nil {
			continue
		}
		next := v.key
		for _, p := range v.Meta.Prev {
			var err error
			err, found = found[0].err, found[1:]
			renewal := store.MarkKind(p.Kind) == store.MarkRenewed
			if m := asMark(err); m != nil && m.kind == store.MarkRenewed && !renewal { // it had gone on when v was to take its place
				end, failed := e.latest(ctx, m.next)
				p.Key, err = end.key, failed
			}
			switch {
			case errors.Is(err, ErrUnavailable):
				return nil, err
			case err == nil && renewal, isMark(err) && asMark(err).next != next,
				errors.Is(err, ErrNotFound) && !isMark(err) && !renewal:
				over[v.key] = true
			case err == nil:
				over[p.Key] = true
			}
			next = p.Key
		}
	}
	return over, nil
}

func (e *Engine) device(v *version, now time.Time) Device {
	l := &v.Meta.Login
	d := Device{
		Handle:      v.name(),
		Description: l.Device,
		Created:     time.Unix(v.Created, 0),
		Login:       time.UnixMilli(l.At),
		Permanent:   v.Permanent,
		version:     *v,
	}
	if l.Begun != 0 {
		d.Created = time.UnixMilli(l.Begun)
	}
	d.IdleTimeout, d.Lifetime = e.limits(v.Meta)
	if v.Meta.Idle > 0 && !v.rec.Expires.IsZero() {
		d.LastUse = v.rec.Expires.Add(-v.Meta.Idle)
	}
	d.Expires = e.idleEnd(v)
	if deadline := e.deadline(&v.Base, now); !deadline.IsZero() && (d.Expires.IsZero() || deadline.Before(d.Expires)) {
		d.Expires = deadline
	}
	return d
}

// Values yields the names and values of the device's session, and the bytes of those
// that cannot be read.
func (e *Engine) Values(d *Device, yield func(name string, v any, raw []byte, err error)) {
	var none ledger.Draft
	b := &d.version.Base
	for _, name := range none.Names(&e.style, b) {
		raw, c := b.Find(name)
		v, err := codec.Value[any](c, raw)
		yield(name, v, raw, err)
	}
}

// FlashesOf yields the flash messages of the device's session, oldest first.
func (e *Engine) FlashesOf(d *Device, yield func(category, message string)) {
	var none ledger.Draft
	none.Flashes(&d.version.Base, nil, yield)
}

// userCall checks that there can be users, and returns a context for the calls of
// an operation on one.
func (e *Engine) userCall(ctx context.Context, user, op string) (_ context.Context, done func(), err error) {
	if err := e.checkUser(user); err != nil {
		return nil, nil, fmt.Errorf("cloakroom: %s: %w", op, err)
	}
	if e.store == nil {
		return nil, nil, store.WithAdvice(fmt.Errorf("cloakroom: %s: %w: sessions that are sealed in their cookies are not listed anywhere", op, store.ErrUnsupported),
			"Keep them on the server with "+e.Rules.AdviceServer+".")
	}
	call := newCallContext(ctx, max(e.StoreTimeout, userTimeout), false)
	return call, call.close, nil
}

// userTimeout is for operations on all sessions of a user, of which each takes
// several calls.
const userTimeout = time.Minute

// Revoke ends one session of a user.
func (e *Engine) Revoke(ctx context.Context, user, handle string) error {
	ctx, done, err := e.userCall(ctx, user, "revoke")
	if err != nil {
		return err
	}
	defer done()
	l, _, err := e.listingOf(ctx, user)
	if err != nil {
		return err
	}
	ends := l.after([]string{handle}) // with what comes from it: a move that is not finished
	entries := slices.DeleteFunc(l.entries, func(x entry) bool { return !ends[x.key] })
	if len(entries) == 0 {
		return fmt.Errorf("cloakroom: revoke: %w", &overError{"no session: the user has none with this handle", ErrNotFound})
	}
	return e.revoke(ctx, user, entries, nil)
}

// RevokeUser ends the sessions of a user, but those with the handles except.
func (e *Engine) RevokeUser(ctx context.Context, user string, except []string) error {
	if e.inTicket() && e.style.Meta != nil {
		if err := e.checkUser(user); err != nil {
			return fmt.Errorf("cloakroom: revoke: %w", err)
		}
		return e.revokeSealed(ctx, user, except)
	}
	ctx, done, err := e.userCall(ctx, user, "revoke")
	if err != nil {
		return err
	}
	defer done()
	l, _, err := e.listingOf(ctx, user)
	if err != nil {
		return err
	}
	spared := e.spared(&l, except)
	return e.revoke(ctx, user, slices.DeleteFunc(l.entries, func(x entry) bool { return spared[x.key] }), spared)
}

// spared returns the keys of sessions with certain handles, of those that they
// came from, and of those that came from them: they are under way to each other.
func (e *Engine) spared(l *listing, handles []string) map[string]bool {
	if len(handles) == 0 {
		return nil
	}
	spared, from := l.after(handles), l.before()
	for _, x := range l.entries {
		if !spared[x.key] {
			continue
		}
		for key := from[x.key]; key != "" && !spared[key]; key = from[key] {
			spared[key] = true
		}
	}
	return spared
}

// endListed ends the session that an entry leads to, where it may have moved on,
// unless that is spared or has become another user's.
func (e *Engine) endListed(ctx context.Context, user, key string, spared map[string]bool) error {
	for range maxFollow {
		if spared[key] {
			return nil
		}
		v, err := e.fetch(ctx, key)
		m := asMark(err)
		switch {
		case err == nil && v.Meta.User() != user:
			return nil
		case err == nil:
			x := e.endOf(&v)
			x.user, x.spared = user, spared
			return e.end(ctx, x)
		case m != nil && m.next != "":
			key = m.next
		case errors.Is(err, ErrNotFound): // perhaps not yet: a login in flight must not save it
			return e.end(ctx, end{key: key, again: true})
		case errors.Is(err, rules.ErrUndecodable), isClosed(err): // to end it one need not read it
			return e.end(ctx, end{key: key, handle: HandleOf(key), user: user, spared: spared})
		default:
			return err
		}
	}
	return nil
}

// isClosed reports whether err is about a record that this process cannot open,
// rather than about a store that does not answer.
func isClosed(err error) bool {
	var closed *closedRecord
	return errors.As(err, &closed)
}

// revoke ends sessions, and then drops their entries.
func (e *Engine) revoke(ctx context.Context, user string, entries []entry, spared map[string]bool) error {
	if len(entries) == 0 {
		return nil
	}
	for _, x := range entries {
		if err := e.endListed(ctx, user, x.key, spared); err != nil {
			return err
		}
	}
	_, err := e.changeListing(ctx, user, time.Time{}, func(l *listing) (bool, error) {
		before := len(l.entries)
		l.drop(entries)
		return len(l.entries) < before, nil
	})
	return err
}

// list enters the session that comes of prev and the draft under key into its
// user's record, if it has a user, and reports whether it has.
func (c *commit) list(ctx context.Context, prev *version, key, from string) (bool, error) {
	if c.e.style.Meta == nil || c.draft.Login(prev.Meta).User == "" {
		return false, nil
	}
	now := c.clock()
	b := ledger.Base{Created: prev.Created, Meta: c.meta(prev, now)}
	if c.draft.LogsIn() {
		b.Created = 0 // its lifetime begins
	}
	listed, err := c.e.list(ctx, &b, key, from, !c.draft.LogsIn(), now)
	c.listed, c.waited = listed, true
	return true, err
}

// relist sees to it that the user's record lives as long as the session, which is
// about to be saved.
func (c *commit) relist(ctx context.Context, v *version) error {
	if !c.e.unlisted(c.limited(v), c.clock()) {
		return nil
	}
	_, err := c.list(ctx, v, v.key, "")
	return err
}

// lookAfter sees what lies where the new record of a user's session should be: the
// record itself, if the store's answer was lost, or the mark of a revocation, which
// a login says so and others take for the end of their session. It is never tried
// under another ID: the revocation would not know of it.
func (c *commit) lookAfter(ctx context.Context, key string, ours store.Record) (store.Record, error) {
	rec, err := c.e.store.Load(ctx, key)
	switch {
	case err == nil && bytes.Equal(rec.Data, ours.Data):
		return rec, nil
	case err == nil:
		mark := c.e.readMark(key, rec)
		switch {
		case !isMark(mark):
			err = store.ErrConflict
		case c.draft.LogsIn():
			return store.Record{}, errRevoked
		default:
			return store.Record{}, mark
		}
	case errors.Is(err, store.ErrNotFound):
		err = store.ErrConflict
	}
	return store.Record{}, unavailable("login", err)
}
