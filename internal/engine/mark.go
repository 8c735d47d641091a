package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// Marks are what the ends of sessions leave in the store, so that a request
// that was in flight then does no harm: it neither begins another session nor
// sets a cookie over the newer one.

const (
	// markLife is how long a mark stays. It outlives the requests that were in
	// flight, and clocks that differ by minutes.
	markLife = 15 * time.Minute

	// How long after a mark a request may have begun and still count as in
	// flight. After a login the browser has the new ticket at the latest when it
	// has the answer, and a page's own requests go on with the old one until
	// then. A visitor who navigates no longer waits for that answer, and has to
	// be able to log in again. After a logout only what overtook it is of
	// interest: who is logged out must be able to log in at once.
	flightAfterMove     = 30 * time.Second
	flightAfterNavigate = 2 * time.Second
	flightAfterEnd      = 2 * time.Second

	// maxFollow is how many marks an end follows from one ticket to the next.
	maxFollow = 8
)

// marks reports whether ends leave marks.
func (e *Engine) marks() bool { return e.Rules.Own && e.store != nil }

// A marked is the error of a load that has found a mark.
type marked struct {
	kind store.MarkKind
	at   time.Time
	key  string        // where the mark lies
	rec  store.Record  // the mark itself
	next string        // M, R: store key of the session that goes on
	seen time.Time     // R: when the new ticket was first seen; zero if it has not been
	left []ledger.Prev // E: records that are still to be marked
}

func (*marked) Error() string { return "the session has ended" }

// Is makes a marked an ErrNotFound: no session has that ticket any more.
func (*marked) Is(target error) bool { return target == ErrNotFound }

// asMark returns the mark that err tells of, or nil.
func asMark(err error) *marked {
	var m *marked
	errors.As(err, &m)
	return m
}

func isMark(err error) bool { return err != nil && asMark(err) != nil }

// inFlight reports whether a request that began at a time was on its way when
// the mark was made.
func (m *marked) inFlight(began time.Time, navigates bool) bool {
	limit := flightAfterEnd
	switch {
	case m.kind == store.MarkRenewed:
		return !m.seen.IsZero() && !m.lapsed(began)
	case m.kind != store.MarkMoved:
	case navigates:
		limit = flightAfterNavigate
	default:
		limit = flightAfterMove
	}
	return began.Before(m.at.Add(limit))
}

// readMark returns a *marked if rec is a mark, or the error that keeps it from
// being read; nil if it is no mark.
func (e *Engine) readMark(key string, rec store.Record) error {
	if !e.marks() {
		return nil
	}
	mark, ok := store.ParseMark(rec.Data)
	if !ok {
		return nil
	}
	m := &marked{kind: mark.Kind, at: mark.At, key: key, rec: rec}
	payload, err := e.openPayload(mark.Payload, string(rec.Data[:store.MarkHead])+key)
	switch {
	case errors.Is(err, ErrUnavailable) && m.kind != store.MarkEnded:
		return err
	case err != nil:
		m.kind = store.MarkEnded // somebody else's work: it opens nothing
		return m
	}
	switch m.kind {
	case store.MarkMoved:
		m.next = string(payload)
	case store.MarkRenewed:
		if !m.readRenewed(payload) {
			m.kind = store.MarkEnded
		}
	case store.MarkEnded:
		m.left = readLeft(payload)
	}
	return m
}

// mark returns the record of a mark under key, which lives at least until a
// time.
func (e *Engine) mark(kind store.MarkKind, key string, payload []byte, until, now time.Time) store.Record {
	m := store.Mark{Kind: kind, At: now}
	data := m.Append(make([]byte, 0, store.MarkHead+len(payload)+seal.Overhead))
	switch {
	case len(payload) == 0:
	case e.records != nil:
		data = e.records.Seal(data, payload, string(data)+key)
	default:
		data = append(data, payload...)
	}
	expires := now.Add(markLife)
	if until.After(expires) {
		expires = until
	}
	return store.Record{Data: data, Expires: expires}
}

// The payload of E: kind, length and store key of each record.

func appendLeft(dst []byte, left []ledger.Prev) []byte {
	for _, p := range left {
		dst = binary.AppendUvarint(append(dst, p.Kind), uint64(len(p.Key)))
		dst = append(dst, p.Key...)
	}
	return dst
}

func readLeft(payload []byte) (left []ledger.Prev) {
	for len(payload) > 0 && len(left) < maxFollow {
		kind := payload[0]
		n, size := binary.Uvarint(payload[1:])
		payload = payload[1:]
		if size <= 0 || n > uint64(len(payload)-size) {
			return nil
		}
		payload = payload[size:]
		left = append(left, ledger.Prev{Kind: kind, Key: string(payload[:n])})
		payload = payload[n:]
	}
	return left
}

// settle ends what a move has left behind: the records that v has taken the
// place of get their marks, and v's record forgets them. Where that fails v is
// as it was. If one of them has been ended, or has moved elsewhere, or is gone, v
// was a copy of what is over, and ends too: the error matches ErrNotFound then, or
// errOver if that fails.
func (e *Engine) settle(ctx context.Context, v version, now time.Time) (version, error) {
	for range maxSettle {
		if v.Meta == nil || len(v.Meta.Prev) == 0 {
			return v, nil
		}
		next, err := e.settleOne(ctx, v, v.Meta.Prev[0], now)
		switch {
		case err == nil:
			v = next
		case isMark(err): // of a record that v was made of
			if failed := e.putEnd(ctx, &end{key: v.key, rec: v.rec}, nil, maxFollow); failed != nil {
				return v, fmt.Errorf("%w: %w", errOver, failed)
			}
			return v, err
		case errors.Is(err, ErrConflict): // somebody else has saved v, perhaps to do the same
			newer, err := e.latest(ctx, v.key)
			if err != nil {
				return v, err
			}
			newer.presented(&v)
			v = newer
		default:
			return v, err
		}
	}
	return v, fmt.Errorf("cloakroom: load: %w: %w: the record that this one replaces is always being changed", ErrUnavailable, ErrConflict)
}

// errOver says that a session is over and could not be ended: it must not open.
var errOver = errors.New("cloakroom: load: the session is a copy of one that has ended")

// maxSettle is how many steps settle takes.
const maxSettle = 16

// settleOne does one step of it, which is about p, the first of v's predecessors.
func (e *Engine) settleOne(ctx context.Context, v version, p ledger.Prev, now time.Time) (version, error) {
	rec, err := e.store.Load(ctx, p.Key)
	renewal := store.MarkKind(p.Kind) == store.MarkRenewed
	switch {
	case errors.Is(err, store.ErrNotFound) && renewal: // evicted
		return e.rewrite(ctx, v, v.Base, v.Meta.Prev[1:], now)
	case errors.Is(err, store.ErrNotFound):
		// The mark of an end may have expired there. That of the move itself may,
		// too, if the visitor comes so late: he has to log in again.
		return v, &marked{kind: store.MarkEnded, key: p.Key}
	case err != nil:
		return v, unavailable("load", err)
	}
	if err := e.readMark(p.Key, rec); err != nil {
		switch m := asMark(err); {
		case m == nil:
			return v, err
		case m.kind == store.MarkRenewed && !renewal: // it had gone on there when v was to take its place
			p.Key = m.next
			return e.rewrite(ctx, v, v.Base, []ledger.Prev{p}, now)
		case m.kind == store.MarkRenewed && m.seen.IsZero():
			return v, e.replace(ctx, p.Key, rec, e.mark(m.kind, p.Key, renewedPayload(now, m.next), now.Add(markLife), m.at))
		case m.next == v.key || m.kind == store.MarkRenewed:
			return e.rewrite(ctx, v, v.Base, v.Meta.Prev[1:], now)
		}
		return v, err
	}
	if copied := digest(rec.Data); p.Copied != "" && p.Copied != copied && p.Made == madeOf(&v.Base) {
		// The move failed, as far as the visitor was told, and what was saved
		// since to the old record was not.
		newer, err := e.decode(p.Key, rec)
		if err != nil {
			return v, err
		}
		if before := newer.Meta.User(); before == "" || before == v.Meta.User() { // what is another user's stays his
			p.Copied, p.Made = copied, madeOf(&newer.Base)
			return e.rewrite(ctx, v, newer.Base, []ledger.Prev{p}, now)
		}
	}
	payload := []byte(v.key)
	if renewal {
		payload = renewedPayload(time.Time{}, v.key)
	}
	return v, e.replace(ctx, p.Key, rec, e.mark(store.MarkKind(p.Kind), p.Key, payload, time.Time{}, time.Now()))
}

// replace saves a mark in the place of what was read. That somebody else was
// faster is no error: the next step sees what has become of it.
func (e *Engine) replace(ctx context.Context, key string, read, mark store.Record) error {
	_, err := e.store.Save(ctx, key, read, mark)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return saveError(err)
	}
	if err == nil {
		e.watches.replaced(key, mark)
	}
	return nil
}

// rewrite saves v's record with the values of base and other predecessors, and
// leaves its expiry alone. The error matches ErrConflict if somebody else has
// saved it.
func (e *Engine) rewrite(ctx context.Context, v version, base ledger.Base, prev []ledger.Prev, now time.Time) (version, error) {
	next, err := e.rewritten(v, base, prev, now)
	if err != nil {
		return v, err
	}
	next.rec, err = e.store.Save(ctx, v.key, v.rec, next.rec)
	switch {
	case errors.Is(err, store.ErrConflict):
		return v, ErrConflict
	case err != nil:
		return v, saveError(err)
	}
	return next, nil
}

// rewritten returns what rewrite saves.
func (e *Engine) rewritten(v version, base ledger.Base, prev []ledger.Prev, now time.Time) (version, error) {
	var unchanged ledger.Draft
	next := v
	var err error
	if next.Base, err = unchanged.Apply(&e.style, &base, v.Meta.WithPrev(e.style.Meta, prev), now); err != nil {
		return v, err
	}
	data, err := e.encode(v.key, &next.Base)
	next.rec = store.Record{Data: data, Expires: v.rec.Expires}
	return next, err
}

// madeOf tells whether the values of a record are still what they were.
func madeOf(b *ledger.Base) string {
	h := sha256.New()
	var size [8]byte
	for i := range b.Fields {
		f := &b.Fields[i]
		if name := string(f.Name); name == ledger.NameMeta || name == ledger.NameCreated {
			continue
		}
		for _, part := range [][]byte{f.Name, f.Raw} {
			binary.BigEndian.PutUint64(size[:], uint64(len(part)))
			h.Write(size[:])
			h.Write(part)
		}
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}

// digest tells whether a record is still what it was.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
