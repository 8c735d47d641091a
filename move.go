package cloakroom

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/store"
)

// move gives the session a new ID: the new record is durable before the old
// one goes, and the old one goes only if it is still the one that was copied,
// so that no save in between is lost.
func (w *saving) move(ctx context.Context) error {
	prev := w.base
	b, rec, err := w.insert(ctx, &prev)
	if err != nil {
		return err
	}
	if !b.exists() {
		return w.update(ctx) // nothing is left that needs an ID
	}
	if !rec.Exists() {
		w.lost(ctx) // its lifetime is over
		return nil
	}
	merge := merger{w: w}
	defer merge.done()
	for {
		_, err := w.m.store.Save(ctx, prev.key, prev.rec, store.Record{})
		if err == nil {
			break
		}
		if !errors.Is(err, store.ErrConflict) {
			// Whether the old record is gone is unknown. The new one is sure,
			// so the visitor gets its ticket with the error page.
			w.adopt(b, rec)
			w.cookie = cookieSet
			return saveError(err)
		}
		if prev, err = merge.newest(ctx, prev); err == nil && !w.gone {
			b, rec, err = w.again(ctx, &prev, b, rec)
		}
		if err != nil || w.gone {
			// The old session lives on, or has been ended: not this way.
			return errors.Join(err, w.drop(ctx, b.key))
		}
	}
	if !b.exists() {
		w.void(ctx)
		return nil
	}
	w.adopt(b, rec)
	w.cookie = cookieSet
	w.fire(ctx, w.m.opts.Hooks.Regenerated)
	return nil
}

// again overwrites the new record of a move with what comes of a newer prev.
func (w *saving) again(ctx context.Context, prev *base, b base, rec store.Record) (base, store.Record, error) {
	next, err := w.next(prev, b.key)
	if err != nil {
		return b, rec, err
	}
	next.ticket = b.ticket
	saved, err := w.m.store.Save(ctx, b.key, rec, next.rec)
	if err != nil {
		return b, rec, saveError(err)
	}
	return next, saved, nil
}

// drop removes the new record of a move that did not come about.
func (w *saving) drop(ctx context.Context, key string) error {
	if err := w.m.store.Delete(ctx, key); err != nil {
		return unavailable("regenerate", err)
	}
	return nil
}
