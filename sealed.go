package cloakroom

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// A sealed ticket is base64url of a sealed payload:
//
//	expiry (8 bytes, Unix milliseconds) | ID (8 random bytes) | record
//
// The expiry is inside, so that nobody can live on by keeping a cookie. The
// ID is for handles alone.
const (
	payloadHead   = 16
	sealedContext = "cloakroom cookie\x00"
)

// unseal returns the payload of a sealed ticket.
func (m *Manager) unseal(t Ticket) ([]byte, error) {
	if t == "" || len(t) > maxCookie || !isBase64URL(string(t)) { // the decoder lets line breaks pass
		return nil, ErrTicket
	}
	message, err := base64.RawURLEncoding.Strict().DecodeString(string(t))
	if err != nil {
		return nil, ErrTicket
	}
	payload, err := m.sealer.Open(nil, message, sealedContext+m.opts.CookieName)
	if err == nil && len(payload) < payloadHead {
		err = ErrTicket
	}
	return payload, err
}

func (m *Manager) openSealed(ctx context.Context, t Ticket) (base, error) {
	payload, err := m.unseal(t)
	if err != nil {
		return base{}, err
	}
	b := base{
		ticket: t,
		handle: hex.EncodeToString(payload[8:payloadHead]),
		rec:    store.Record{Expires: time.UnixMilli(int64(binary.BigEndian.Uint64(payload)))},
	}
	if !time.Now().Before(b.rec.Expires) {
		return base{}, ErrNotFound
	}
	if err := m.parse(&b, payload[payloadHead:]); err != nil {
		m.undecodable(ctx, b.handle, err)
		return base{}, err
	}
	if !m.alive(&b) {
		return base{}, ErrNotFound
	}
	fire(ctx, m.opts.Hooks.Loaded, Event{Handle: b.handle, Size: len(payload) - payloadHead})
	return b, nil
}

// seal makes a new ticket of a session that lives in its cookie.
func (w *saving) seal(ctx context.Context) error {
	_, due := w.m.touchDue(&w.base, time.Now())
	if !w.draft.dirty() && w.draft.regenerate == 0 && !(w.base.exists() && due) {
		return nil
	}
	existed := w.base.exists()
	b, err := w.next(&w.base, "")
	if err != nil || !b.exists() {
		return err
	}
	var id [payloadHead - 8]byte
	if old, err := hex.DecodeString(b.handle); err == nil && len(old) == len(id) && w.draft.regenerate == 0 {
		copy(id[:], old)
	} else {
		rand.Read(id[:])
	}
	b.handle = hex.EncodeToString(id[:])
	payload := make([]byte, 0, payloadHead+len(b.rec.Data))
	payload = binary.BigEndian.AppendUint64(payload, uint64(b.rec.Expires.UnixMilli()))
	payload = append(append(payload, id[:]...), b.rec.Data...)
	message := w.m.sealer.Seal(make([]byte, 0, len(payload)+seal.Overhead), payload, sealedContext+w.m.opts.CookieName)
	b.ticket = Ticket(base64.RawURLEncoding.EncodeToString(message))
	if _, err := w.m.cookie.set(b.ticket, 0); err != nil {
		return err
	}
	rec := b.rec
	w.tries++
	w.adopt(b, rec)
	w.cookie = cookieSet
	w.fireSealed(ctx, existed)
	return nil
}

func (w *saving) fireSealed(ctx context.Context, existed bool) {
	hooks := &w.m.opts.Hooks
	switch {
	case !existed:
		w.fire(ctx, hooks.Created)
	case w.draft.regenerate != 0:
		w.fire(ctx, hooks.Regenerated)
	case w.draft.dirty():
		w.fire(ctx, hooks.Saved)
	default:
		w.fire(ctx, hooks.Touched)
	}
}
