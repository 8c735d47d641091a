package cloakroom

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// A saving is one commit in progress. It works on a snapshot of the session's
// base and draft and holds no lock of the session, since it waits for the
// store and runs the functions given to Update.
type saving struct {
	m       *Manager
	base    base
	draft   draft
	cookie  cookieNeed
	changed bool // base is not what it was
	saved   bool // the draft's changes are in base
	gone    bool // the session was ended by somebody else
	start   time.Time
	tries   int
}

// fire calls a hook with what the saving has come to.
func (w *saving) fire(ctx context.Context, hook func(context.Context, Event)) {
	if hook != nil {
		hook(ctx, w.event())
	}
}

func (w *saving) event() Event {
	return Event{Handle: w.base.handleText(), Size: len(w.base.rec.Data), Attempts: w.tries, Duration: elapsed(w.start)}
}

// run writes the draft. What it has done by the time an error stops it stands
// in w all the same.
func (w *saving) run(ctx context.Context) error {
	w.start = w.m.hookClock()
	for len(w.draft.ended) > 0 {
		if err := w.destroy(ctx, w.draft.ended[0]); err != nil {
			return err
		}
		w.draft.ended = w.draft.ended[1:]
		w.cookie = cookieRemove
	}
	if err := w.draft.rebase(&w.base, w.m.opts.Codec); err != nil {
		return err
	}
	switch {
	case w.m.tickets != nil:
		return w.seal(ctx)
	case !w.base.exists():
		return w.create(ctx)
	case w.draft.regenerate != 0:
		return w.move(ctx)
	case w.draft.dirty():
		return w.update(ctx)
	default:
		w.touch(ctx)
		return nil
	}
}

func (w *saving) destroy(ctx context.Context, gone ended) error {
	e := Event{Handle: gone.handle}
	if gone.key != "" {
		start := w.m.hookClock()
		if err := w.m.store.Delete(ctx, gone.key); err != nil {
			return unavailable("destroy", err)
		}
		e.Duration = elapsed(start)
	}
	fire(ctx, w.m.opts.Hooks.Destroyed, e)
	return nil
}

// next returns the session that comes of prev and the draft, to be stored
// under key; it does not exist if there would be nothing in it, and such
// sessions are not kept.
func (w *saving) next(prev *base, key string) (base, error) {
	now := time.Now()
	fields, c, err := w.m.build(prev, &w.draft, now)
	if err != nil || fields == nil {
		return base{}, err
	}
	data, err := w.m.join(key, fields, c)
	if err != nil {
		return base{}, err
	}
	b := base{key: key, codec: c, fields: fields, ticket: prev.ticket, handle: prev.handle, created: prev.created}
	if b.created <= 0 && w.m.opts.Lifetime != NoLimit {
		b.created = now.Unix()
	}
	b.permanent = w.m.permanentAfter(prev, &w.draft)
	b.rec = store.Record{Data: data, Expires: w.m.expiry(b.created, now)}
	return b, nil
}

// adopt makes b the session, as saved.
func (w *saving) adopt(b base, rec store.Record) {
	if w.base.exists() && (b.permanent != w.base.permanent || w.m.opts.Dialect != nil) {
		w.cookie = cookieSet // Flask sends it with every change
	}
	b.rec = rec
	w.base, w.changed, w.saved = b, true, true
}

// create saves a session that did not exist, under a new ID.
func (w *saving) create(ctx context.Context) error {
	if !w.draft.dirty() {
		return nil
	}
	b, rec, err := w.insert(ctx, &w.base)
	if err != nil {
		return err
	}
	if !b.exists() {
		w.void(ctx)
		return nil
	}
	w.adopt(b, rec)
	w.cookie = cookieSet
	w.fire(ctx, w.m.opts.Hooks.Created)
	return nil
}

// insert saves what comes of prev and the draft as a record with a new ID.
func (w *saving) insert(ctx context.Context, prev *base) (base, store.Record, error) {
	for {
		w.tries++
		id, ticket := w.m.newTicket()
		b, err := w.next(prev, w.m.storeKey(id))
		if err != nil || !b.exists() {
			return base{}, store.Record{}, err
		}
		b.ticket = ticket
		rec, err := w.m.store.Save(ctx, b.key, store.Record{}, b.rec)
		switch {
		case err == nil:
			return b, rec, nil
		case errors.Is(err, store.ErrConflict) && w.tries < 3:
			// A store that lost the answer to a first try has the record
			// already; nobody will ever ask for it.
		default:
			return base{}, store.Record{}, saveError(err)
		}
	}
}

func saveError(err error) error {
	if errors.Is(err, store.ErrTooLarge) {
		return fmt.Errorf("cloakroom: save: %w: %w", errRefused, err)
	}
	return unavailable("save", err)
}

// errRefused says that the store's limit is too low for the session, which is
// the operator's to change, unlike Options.MaxSize.
var errRefused = errors.New("the store refuses the record")

// update saves the draft to the session's record. If somebody else has changed
// the record since it was read, the draft is applied to the newest one.
func (w *saving) update(ctx context.Context) error {
	prev := w.base
	merge := merger{w: w}
	defer merge.done()
	for {
		w.tries++
		b, err := w.next(&prev, prev.key)
		if err != nil {
			return err
		}
		rec, err := w.m.store.Save(ctx, prev.key, prev.rec, b.rec)
		if err == nil && !b.exists() {
			w.void(ctx)
			return nil
		}
		if err == nil && !rec.Exists() {
			w.lost(ctx) // its lifetime is over, so that saving it removed it
			return nil
		}
		if err == nil {
			w.adopt(b, rec)
			if w.tries > 1 {
				w.fire(ctx, w.m.opts.Hooks.Conflict)
			}
			w.fire(ctx, w.m.opts.Hooks.Saved)
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return saveError(err)
		}
		if prev, err = merge.newest(ctx, prev); err != nil || w.gone {
			return err
		}
	}
}

// lost notes that the session has ended meanwhile, and its changes with it.
func (w *saving) lost(ctx context.Context) {
	w.gone = true
	e := w.event()
	e.Err = ErrNotFound
	fire(ctx, w.m.opts.Hooks.Conflict, e)
}

// void notes that the changes have left nothing in the session, so that there
// is none any more. Flask removes the cookie then, also one that was never set.
func (w *saving) void(ctx context.Context) {
	w.saved = true
	if w.m.opts.Dialect != nil {
		w.cookie = cookieRemove
	}
	if w.base.exists() {
		w.gone = true
		w.fire(ctx, w.m.opts.Hooks.Destroyed)
	}
}

// touch moves the expiry on if it is time. That it fails costs the visitor
// nothing now, and is tried again with the next request.
func (w *saving) touch(ctx context.Context) {
	d := w.m.opts.Dialect
	again := d != nil && d.Refresh && w.base.permanent // Flask's cookie is sent with each answer
	next, due := w.m.touchDue(&w.base, time.Now())
	if !due {
		if again && w.base.exists() {
			w.cookie = cookieSet
		}
		return
	}
	if w.m.records != nil && !w.m.records.Current(w.base.rec.Data) && w.update(ctx) == nil {
		return // sealed anew, so that the old key can be dropped one day
	}
	err := w.m.store.Touch(ctx, w.base.key, w.base.rec, next)
	switch {
	case err == nil:
		w.base.rec.Expires = next
		w.changed = true
		if again || d == nil && w.base.permanent && w.m.opts.Lifetime == NoLimit {
			w.cookie = cookieSet // browsers forget it after 400 days otherwise
		}
		w.fire(ctx, w.m.opts.Hooks.Touched)
	case errors.Is(err, store.ErrNotFound):
		w.gone = true
	default:
		w.m.reportTo(ctx, w.base.handleText(), unavailable("touch", err))
	}
}
