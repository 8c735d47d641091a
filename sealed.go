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

// A tickets keeps whole sessions in their tickets.
type tickets interface {
	// open returns what is in a ticket, expired or not. Its error matches
	// ErrTicket, ErrNotFound, seal.ErrOpen or errUndecodable; with the last it
	// returns the handle.
	open(Ticket) (contents, error)
	// seal returns the ticket that holds c, and its handle: a new one if
	// c.handle is empty.
	seal(c contents) (Ticket, string)
}

// contents is what such a ticket holds.
type contents struct {
	data    []byte
	handle  string
	expires time.Time
}

// sealedTickets are base64url of a sealed payload:
//
//	expiry (8 bytes, Unix milliseconds) | ID (8 random bytes) | record
//
// The expiry is inside, so that nobody can live on by keeping a cookie. The
// ID is for handles alone.
type sealedTickets struct {
	sealer  *seal.Sealer
	context string // binds them to the cookie's name
}

const payloadHead = 16

func newSealedTickets(keys [][]byte, cookieName string) (tickets, error) {
	sealer, err := seal.New(keys...)
	if err != nil {
		return nil, err
	}
	return &sealedTickets{sealer, "cloakroom cookie\x00" + cookieName}, nil
}

func (s *sealedTickets) open(t Ticket) (contents, error) {
	if t == "" || len(t) > maxCookie || !isBase64URL(string(t)) { // the decoder lets line breaks pass
		return contents{}, ErrTicket
	}
	message, err := base64.RawURLEncoding.Strict().DecodeString(string(t))
	if err != nil {
		return contents{}, ErrTicket
	}
	payload, err := s.sealer.Open(nil, message, s.context)
	if err != nil {
		return contents{}, err
	}
	if len(payload) < payloadHead {
		return contents{}, ErrTicket
	}
	return contents{
		data:    payload[payloadHead:],
		handle:  hex.EncodeToString(payload[8:payloadHead]),
		expires: time.UnixMilli(int64(binary.BigEndian.Uint64(payload))),
	}, nil
}

func (s *sealedTickets) seal(c contents) (Ticket, string) {
	var id [payloadHead - 8]byte
	if old, err := hex.DecodeString(c.handle); err == nil && len(old) == len(id) {
		copy(id[:], old)
	} else {
		rand.Read(id[:])
	}
	payload := make([]byte, 0, payloadHead+len(c.data))
	payload = binary.BigEndian.AppendUint64(payload, uint64(c.expires.UnixMilli()))
	payload = append(append(payload, id[:]...), c.data...)
	message := s.sealer.Seal(make([]byte, 0, len(payload)+seal.Overhead), payload, s.context)
	return Ticket(base64.RawURLEncoding.EncodeToString(message)), hex.EncodeToString(id[:])
}

// openSealed returns the session that a ticket holds.
func (m *Manager) openSealed(ctx context.Context, t Ticket) (base, error) {
	c, err := m.tickets.open(t)
	b := base{ticket: t, handle: c.handle, rec: store.Record{Expires: c.expires}}
	if err == nil && !time.Now().Before(c.expires) {
		return base{}, ErrNotFound
	}
	if err == nil {
		err = m.parse(&b, c.data)
	}
	if isUndecodable(err) {
		m.undecodable(ctx, b.handle, err)
	}
	if err != nil {
		return base{}, err
	}
	if !m.alive(&b) {
		return base{}, ErrNotFound
	}
	fire(ctx, m.opts.Hooks.Loaded, Event{Handle: b.handle, Size: len(c.data)})
	return b, nil
}

// seal makes a new ticket of a session that lives in its ticket.
func (w *saving) seal(ctx context.Context) error {
	existed := w.base.exists()
	if !w.draft.dirty() && w.draft.regenerate == 0 && !w.m.refreshDue(&w.base, time.Now()) {
		return nil
	}
	b, err := w.next(&w.base, "")
	if err != nil {
		return err
	}
	if !b.exists() {
		w.void(ctx)
		return nil
	}
	c := contents{data: b.rec.Data, expires: b.rec.Expires}
	if w.draft.regenerate == 0 {
		c.handle = b.handle
	}
	b.ticket, b.handle = w.m.tickets.seal(c)
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
