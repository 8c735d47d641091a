package engine

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// sealedTickets are base64url of a sealed payload:
//
//	expiry (8 bytes, Unix milliseconds) | ID (8 random bytes) | record
//
// The expiry is inside, so that nobody can live on by keeping a cookie. The
// ID is for handles alone.
type sealedTickets struct {
	sealer  *seal.Sealer
	context string // binds them to the cookie's name
	limit   int    // bytes of the longest that browsers keep
}

const payloadHead = 16

// shortestSealed is the length of a ticket that holds an empty record.
var shortestSealed = base64.RawURLEncoding.EncodedLen(seal.Overhead + payloadHead)

// A closedRecord says why a record that may be a session's was not opened. It
// matches ErrUnavailable, and seal.ErrUnknownKey where that is the reason. It
// does not match seal.ErrOpen: a ticket that is not sealed by us is anonymous,
// as anyone can make one, but such a record is not.
type closedRecord struct {
	text       string
	unknownKey bool
}

func (e *closedRecord) Error() string { return "cloakroom: load: " + e.text }

func (e *closedRecord) Is(target error) bool {
	return target == ErrUnavailable || e.unknownKey && target == seal.ErrUnknownKey
}

var (
	errNoKeys     = &closedRecord{"the record is sealed, and this process has no keys for records", true}
	errUnknownKey = store.WithAdvice(&closedRecord{"the record is sealed with a key that this process does not list", true},
		"Append the key to Options.RecordKeys in all processes before it is promoted to the front in one; the record was left as it is, and opens again once this process lists its key.")
	errUnsealed = store.WithAdvice(&closedRecord{"Options.RecordKeys are set, and the record is not sealed", false},
		"Give RecordKeys to all processes on the store; to go on with sessions from before sealing was switched on, set Options.ReadUnsealedUntil. The record was left as it is.")
)

// SealedTickets returns the native rules' Tickets, sealed under the first of
// keys.
func SealedTickets(keys [][]byte, cookieName string, limit int) (rules.Tickets, error) {
	sealer, err := seal.New(keys...)
	if err != nil {
		return nil, err
	}
	return &sealedTickets{sealer, "cloakroom cookie\x00" + cookieName, limit}, nil
}

// WellFormed checks the alphabet too: the decoder lets line breaks pass.
func (s *sealedTickets) WellFormed(ticket string) bool {
	return len(ticket) >= shortestSealed && len(ticket) <= s.limit && isBase64URL(ticket)
}

func (s *sealedTickets) Open(ticket string) (rules.Contents, error) {
	if !s.WellFormed(ticket) {
		return rules.Contents{}, ErrTicket
	}
	message, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil {
		return rules.Contents{}, ErrTicket
	}
	payload, err := s.sealer.Open(nil, message, s.context)
	if err != nil {
		return rules.Contents{}, err
	}
	if len(payload) < payloadHead {
		return rules.Contents{}, ErrTicket
	}
	return rules.Contents{
		Data:    payload[payloadHead:],
		Handle:  hex.EncodeToString(payload[8:payloadHead]),
		Expires: time.UnixMilli(int64(binary.BigEndian.Uint64(payload))),
	}, nil
}

func (s *sealedTickets) Seal(c rules.Contents) (ticket, handle string) {
	var id [payloadHead - 8]byte
	if old, err := hex.DecodeString(c.Handle); err == nil && len(old) == len(id) {
		copy(id[:], old)
	} else {
		rand.Read(id[:])
	}
	payload := make([]byte, 0, payloadHead+len(c.Data))
	payload = binary.BigEndian.AppendUint64(payload, uint64(c.Expires.UnixMilli()))
	payload = append(append(payload, id[:]...), c.Data...)
	message := s.sealer.Seal(make([]byte, 0, len(payload)+seal.Overhead), payload, s.context)
	return base64.RawURLEncoding.EncodeToString(message), hex.EncodeToString(id[:])
}

// unseal returns the session that a ticket holds.
func (e *Engine) unseal(ctx context.Context, ticket string, now time.Time) (version, error) {
	c, err := e.Rules.InTicket.Open(ticket)
	v := version{ticket: ticket, handle: c.Handle, rec: store.Record{Expires: c.Expires}}
	if err == nil && !now.Before(c.Expires) {
		return version{}, ErrNotFound
	}
	if err == nil {
		err = e.parse(&v, c.Data)
	}
	if errors.Is(err, rules.ErrUndecodable) {
		e.undecodable(ctx, v.handle, err)
	}
	if err != nil {
		return version{}, err
	}
	if e.aged(&v, now) || e.idled(&v, now) {
		return version{}, ErrNotFound
	}
	switch revoked, err := e.revoked(ctx, v.Meta); {
	case err != nil:
		return version{}, err
	case revoked:
		return version{}, &marked{kind: store.MarkEnded}
	}
	fire(ctx, e.Hooks.Loaded, Event{Handle: v.handle, Size: len(c.Data)})
	return v, nil
}

// sealTicket makes a new ticket of a session that lives in its ticket.
func (c *commit) sealTicket(ctx context.Context) error {
	existed := c.version.Exists()
	if !c.draft.Dirty() && !c.draft.moves() && !c.e.refreshDue(&c.version, c.now) {
		return nil
	}
	if err := c.enter(ctx); err != nil {
		return err
	}
	v, err := c.next(&c.version, "")
	if err != nil {
		return err
	}
	if !v.Exists() {
		if c.outcome = emptied; existed {
			c.fire(ctx, c.e.Hooks.Destroyed)
		}
		return nil
	}
	held := rules.Contents{Data: v.rec.Data, Expires: v.rec.Expires}
	if !c.draft.moves() {
		held.Handle = v.handle
	}
	v.ticket, v.handle = c.e.Rules.InTicket.Seal(held)
	if err := c.e.checkTicket(v.ticket); err != nil {
		return err
	}
	if err := c.admit(); err != nil {
		return err
	}
	c.tries++
	c.adopt(v, v.rec)
	c.fire(ctx, c.sealedHook(existed))
	return nil
}

func (c *commit) sealedHook(existed bool) Hook {
	hooks := &c.e.Hooks
	switch {
	case !existed:
		return hooks.Created
	case c.draft.moves():
		return hooks.Regenerated
	case c.draft.Dirty():
		return hooks.Saved
	default:
		return hooks.Touched
	}
}
