package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// A renewal gives a session a new ID from time to time. The old ticket leads to the
// same session for a grace, so that the parallel requests of a page stay logged in:
// the record under the old ID is replaced by a mark R, which is followed. The grace
// ends some time after the new ticket has been seen.

const (
	// renewGrace is how long the old ticket is followed after the new one has been
	// seen.
	renewGrace = 30 * time.Second

	// renewAgain is after which time a session is renewed again whose new ticket has
	// not been seen: the answer that carried it was lost.
	renewAgain = time.Minute

	// LeastRenewEvery is the shortest time between renewals.
	LeastRenewEvery = 2 * renewAgain
)

// renewedPayload is the payload of R: when the new ticket was first seen, in Unix
// milliseconds or 0, and the store key of the session.
func renewedPayload(seen time.Time, next string) []byte {
	var ms uint64
	if !seen.IsZero() {
		ms = uint64(seen.UnixMilli())
	}
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(next)), ms), next...)
}

// readRenewed takes up the payload of R and reports whether it is one.
func (m *marked) readRenewed(payload []byte) bool {
	if len(payload) <= 8 {
		return false
	}
	if ms := int64(binary.BigEndian.Uint64(payload)); ms > 0 {
		m.seen = time.UnixMilli(ms)
	}
	m.next = string(payload[8:])
	return true
}

// lapsed reports whether the mark R is no longer followed for those who present its
// ticket.
func (m *marked) lapsed(now time.Time) bool {
	return m.kind == store.MarkRenewed && !m.seen.IsZero() && now.After(m.seen.Add(renewGrace))
}

// latest is fetch, and follows renewals.
func (e *Engine) latest(ctx context.Context, key string) (version, error) {
	v, err := e.fetch(ctx, key)
	var via *marked
	for i := 0; i < maxFollow && err != nil; i++ {
		m := asMark(err)
		if m == nil || m.kind != store.MarkRenewed {
			break
		}
		if via == nil {
			via = m
		}
		v, err = e.fetch(ctx, m.next)
	}
	v.via = via
	return v, err
}

// renewDue reports whether a session that was opened by its ticket gets a new one.
func (e *Engine) renewDue(v *version, now time.Time) bool {
	if e.RenewEvery == 0 || !v.Exists() || v.unsettled() {
		return false
	}
	var last, login int64
	if v.Meta != nil {
		last, login = v.Meta.Renewed, v.Meta.Login.At
		if len(v.Meta.Prev) >= ledger.MaxPrev && v.via == nil {
			return false
		}
	}
	if v.via != nil {
		return v.via.seen.IsZero() && now.Sub(time.UnixMilli(last)) >= renewAgain
	}
	return now.Sub(time.UnixMilli(max(last, login, 1000*v.Created))) >= e.RenewEvery
}

// renew gives the session, as it has been saved, a new ID. If that fails it keeps
// its old one, and the next request tries again.
func (c *commit) renew(ctx context.Context) {
	queue := turn{e: c.e}
	defer queue.pass()
	if queue.wait(ctx, c.version.key) != nil {
		return // so many others want to
	}
	now := time.Now()
	key := c.version.key
	if c.version.via != nil {
		key = c.version.via.key // the new ticket may have been seen meanwhile
	}
	v, err := c.e.read(ctx, key, now)
	if err != nil {
		return
	}
	v.ticket = c.version.ticket
	if !c.e.renewDue(&v, now) {
		return
	}
	r := commit{e: c.e, now: now, version: v, moves: true, renews: true}
	next, rec, err := r.insert(ctx, &v, v.key)
	if errors.Is(err, ErrNotFound) {
		return // it is being revoked
	}
	if err != nil {
		c.e.Report(ctx, v.name(), err)
		return
	}
	mark := c.e.mark(store.MarkRenewed, v.key, renewedPayload(time.Time{}, next.key), c.e.listedUntil(&v.Base, now), now)
	_, err = c.e.store.Save(ctx, v.key, v.rec, mark)
	if errors.Is(err, store.ErrConflict) {
		_, err = c.e.fetch(ctx, v.key)
		if m := asMark(err); m != nil && m.next == next.key {
			err = nil // our own: the store has done what it was asked twice
		} else if err == nil || errors.Is(err, ErrNotFound) {
			err = store.ErrConflict
		}
	}
	switch {
	case errors.Is(err, store.ErrConflict): // it was used meanwhile, or renewed elsewhere
		err = r.withdraw(ctx, next, rec)
	case err == nil:
		c.e.watches.replaced(v.key, mark)
		r.adopt(next, rec)
		c.version, c.outcome = r.version, stored
		if v.Meta != nil && len(v.Meta.Prev) >= ledger.MaxPrev {
			c.e.shorten(ctx, &v, next.key, now)
		}
		c.fire(ctx, c.e.Hooks.Regenerated)
		return
	default:
		// Whether the mark is there is unknown: if so it leads to the new record,
		// which therefore stays.
		err = saveError(err)
	}
	if err != nil {
		c.e.Report(ctx, v.name(), err)
	}
}

// shorten lets the ticket under which v was opened lead to the newest record at once,
// and ends those in between: they went out with answers that nobody has followed up,
// and would become more and more.
func (e *Engine) shorten(ctx context.Context, v *version, next string, now time.Time) {
	err := e.put(ctx, v.via.key, v.via.rec, e.mark(store.MarkRenewed, v.via.key, renewedPayload(time.Time{}, next), v.via.rec.Expires, v.via.at))
	for _, p := range v.Meta.Prev {
		if err != nil {
			break
		}
		if p.Key == v.via.key {
			continue
		}
		var rec store.Record
		if rec, err = e.store.Load(ctx, p.Key); err == nil {
			err = e.put(ctx, p.Key, rec, e.mark(store.MarkEnded, p.Key, nil, time.Time{}, now))
		}
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
		e.Report(ctx, v.name(), unavailable("renew", err))
	}
}

// put saves a mark in the place of what was read.
func (e *Engine) put(ctx context.Context, key string, read, mark store.Record) error {
	_, err := e.store.Save(ctx, key, read, mark)
	return err
}
