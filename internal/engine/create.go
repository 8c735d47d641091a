package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// next returns the session that comes of prev and the draft, to be stored
// under key; it does not exist if there would be nothing in it, and such
// sessions are not kept.
func (c *commit) next(prev *version, key string) (version, error) {
	now := c.clock()
	style := &c.e.style
	if c.keepEmpty {
		kept := *style
		kept.EmptyEnds = false
		style = &kept
	}
	base, err := c.draft.Apply(style, &prev.Base, c.meta(prev, now), now)
	if err == nil && base.Exists() && c.moves && c.e.marks() {
		made := slices.Clone(base.Meta.Prev)
		made[0].Made = madeOf(&base)
		base, err = c.draft.Apply(style, &prev.Base, base.Meta.WithPrev(style.Meta, made), now)
	}
	if err != nil || !base.Exists() {
		return version{}, err
	}
	data, err := c.e.encode(key, &base)
	if err != nil {
		return version{}, err
	}
	v := version{Base: base, key: key, ticket: prev.ticket, handle: prev.handle}
	if key == prev.key {
		v.via = prev.via
	}
	v.rec = store.Record{Data: data, Expires: c.e.expiry(&v.Base, now)}
	return v, nil
}

// meta returns what the next record says about the session's life.
func (c *commit) meta(prev *version, now time.Time) *ledger.Meta {
	usual := c.e.style.Meta
	if usual == nil {
		return nil
	}
	next := prev.Meta.Copy()
	next.Own, next.Login = c.draft.Own(prev.Meta), c.draft.Login(prev.Meta)
	if c.listed != 0 {
		next.Login.Listed = c.listed
	}
	if c.epoch != "" {
		next.Login.Epoch = c.epoch
	}
	if c.renews {
		next.Renewed = now.UnixMilli()
	}
	next.Parting = c.e.parts(prev, &c.draft)
	next.Prev = c.prev(prev)
	idle, life := c.e.limits(&next)
	next.Idle, next.Life = ledger.WholeMillis(idle), ledger.WholeMillis(life)
	sends := c.resend || c.moves || !prev.Exists() || c.draft.SetsPermanent()
	switch {
	case !c.e.remembers(&next, c.draft.Permanent(&c.e.style, &prev.Base)):
		next.Sent = 0
	case sends:
		next.Sent = now.UnixMilli()
	}
	if !sends && c.e.outlives(prev, next.Life) {
		next.Life = prev.Meta.Life // the cookie still has to say so
	}
	return next.Or(usual)
}

// parts reports whether v with what d changes is a session that began after a logout,
// and that a login makes permanent.
func (e *Engine) parts(v *version, d *draft) bool {
	switch {
	case !e.style.Permanent || d.SetsPermanent():
		return false
	case v.Exists():
		return v.Meta != nil && v.Meta.Parting
	default:
		return d.Parts()
	}
}

// prev returns what the record that is made of v says about those before it.
func (c *commit) prev(v *version) []ledger.Prev {
	switch {
	case c.renews:
		p := ledger.Prev{Kind: byte(store.MarkRenewed), Key: v.key, Copied: digest(v.rec.Data)}
		if v.Meta == nil {
			return []ledger.Prev{p}
		}
		prev := v.Meta.Prev
		if len(prev) >= ledger.MaxPrev { // see shorten
			prev = slices.DeleteFunc(slices.Clone(prev), func(p ledger.Prev) bool { return p.Key != v.via.key })
		}
		return append([]ledger.Prev{p}, prev...)
	case c.moves && c.e.marks():
		return []ledger.Prev{{Kind: byte(store.MarkMoved), Key: v.key, Copied: digest(v.rec.Data)}}
	case v.Meta == nil || len(v.Meta.Prev) == 0:
		return nil
	}
	// What is saved now cannot be made anew of the record before.
	prev := slices.Clone(v.Meta.Prev)
	for i := range prev {
		prev[i].Copied = ""
	}
	return prev
}

// adopt makes v the session, as saved.
func (c *commit) adopt(v version, rec store.Record) {
	v.rec = rec
	c.version, c.outcome = v, stored
}

// create saves a session that did not exist, under a new ID.
func (c *commit) create(ctx context.Context) error {
	if !c.draft.Dirty() {
		return nil
	}
	base, from := version{}, ""
	if c.after != nil && c.draft.LogsIn() {
		var err error
		if base, err = c.inherited(ctx, c.after); err != nil {
			return err
		}
		from = c.after.key
	}
	v, rec, err := c.insert(ctx, &base, from)
	if err != nil {
		return err
	}
	if !v.Exists() {
		c.outcome = emptied
		return nil
	}
	if !rec.Exists() {
		c.dropped(ctx) // its lifetime is over
		return nil
	}
	c.adopt(v, rec)
	c.fire(ctx, c.e.Hooks.Created)
	return nil
}

// inherited returns what a login builds on whose session has moved on, as the mark
// m says: the successor's data if that belongs to the same user, which keeps the cart
// after a double click, or else nothing.
func (c *commit) inherited(ctx context.Context, m *marked) (version, error) {
	if !c.draft.LogsIn() {
		return version{}, nil
	}
	user := c.draft.Login(nil).User
	for i := 0; i < maxFollow && m != nil && m.next != ""; i++ {
		v, err := c.e.fetch(ctx, m.next)
		switch {
		case errors.Is(err, ErrUnavailable):
			return version{}, err
		case err == nil && v.Meta.User() == user && !c.e.over(&v, c.clock()):
			base := version{Base: v.Base}
			base.Meta = v.Meta.WithPrev(c.e.style.Meta, nil)
			return base, c.draft.Rebase(&c.e.style, &base.Base)
		}
		m = asMark(err)
	}
	return version{}, nil
}

// insert saves what comes of prev and the draft as a record with a new ID. A
// user's session is listed before, as one that came from the store key from, or at
// once where the store can do that.
func (c *commit) insert(ctx context.Context, prev *version, from string) (version, store.Record, error) {
	for atOnce := c.e.batch != nil; ; atOnce = false {
		c.tries++
		id, ticket := c.e.Rules.IDs.New()
		key := c.e.storeKey(id)
		entry, listed, err := c.list(ctx, prev, key, from, atOnce)
		if err != nil {
			return version{}, store.Record{}, err
		}
		v, err := c.next(prev, key)
		if err != nil || !v.Exists() {
			return version{}, store.Record{}, err
		}
		if err := c.admit(); err != nil {
			return version{}, store.Record{}, err
		}
		v.ticket = ticket
		rec, again, err := c.saveNew(ctx, entry, listed, &v)
		if !again {
			return v, rec, err
		}
		c.waited = true
	}
}

// saveNew saves a new session, and at once with it what lists it, if entry says that
// this is still to be done. With again nothing has been saved that would be in the way
// of another try.
func (c *commit) saveNew(ctx context.Context, entry store.Change, listed bool, v *version) (rec store.Record, again bool, err error) {
	atOnce := entry.Key != ""
	if atOnce {
		var saved []store.Record
		saved, err = c.e.batch.SaveAll(ctx, []store.Change{entry, {Key: v.key, Next: v.rec}})
		if err == nil {
			return saved[1], false, nil
		}
		if errors.Is(err, store.ErrUnsupported) {
			atOnce = false
			if _, err := c.e.store.Save(ctx, entry.Key, entry.Prev, entry.Next); err != nil {
				return rec, errors.Is(err, store.ErrConflict), saveError(err)
			}
		}
	}
	if !atOnce {
		rec, err = c.e.store.Save(ctx, v.key, store.Record{}, v.rec)
	}
	switch {
	case err == nil:
		return rec, false, nil
	case !errors.Is(err, store.ErrConflict):
		return store.Record{}, false, saveError(err)
	case listed:
		rec, err = c.lookAfter(ctx, v.key, v.rec)
		return rec, atOnce && errors.Is(err, store.ErrConflict), err
	default:
		// A store that lost the answer to a first try has the record already; nobody
		// will ever ask for it.
		return store.Record{}, c.tries < 3, saveError(err)
	}
}

// admit asks the application whether a new session may be saved. It is not asked
// about a login, nor about what a logout leaves in the place of the session that it
// has ended, since there are not more of them than before.
func (c *commit) admit() error {
	ask := c.e.Hooks.Creating
	if ask == nil || c.bearer == nil || c.version.Exists() || c.draft.login || c.ended > 0 || c.tries > 1 {
		return nil
	}
	if err := ask(c.bearer); err != nil {
		return fmt.Errorf("cloakroom: save: %w: %w", ErrNotCreated, err)
	}
	return nil
}

// checkTicket refuses a ticket that browsers would drop without a word.
func (e *Engine) checkTicket(ticket string) error {
	over := len(ticket) - e.MaxTicket
	if over <= 0 {
		return nil
	}
	return fmt.Errorf("cloakroom: cookie: %w: %d bytes too many for the %d that browsers keep: "+
		"put less into the session, or keep it on the server with %s",
		store.ErrTooLarge, over, e.MaxTicket+len(e.CookieName), e.Rules.AdviceServer)
}
