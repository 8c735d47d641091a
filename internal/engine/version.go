package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// A version is a session as it was last read or written: its values, and where
// they come from. The zero version is a session that does not exist yet.
type version struct {
	ledger.Base
	key    string       // store key; empty where the ticket holds the session
	ticket string       // what the visitor holds
	handle string       // where the ticket holds the session
	rec    store.Record // as the store knows it; only Expires where there is none
	via    *marked      // the mark of a renewal under which the ticket has led here, or nil
}

// name returns the handle of the session.
func (v *version) name() string {
	if v.key != "" {
		return HandleOf(v.key)
	}
	return v.handle
}

// presented notes what the visitor holds, as an earlier version of the session has
// it.
func (v *version) presented(before *version) {
	v.ticket, v.handle = before.ticket, before.handle
	if v.via == nil {
		v.via = before.via
	}
}

// unsettled reports whether the move that made v's record was not finished.
func (v *version) unsettled() bool {
	return v.Meta != nil && slices.ContainsFunc(v.Meta.Prev, func(p ledger.Prev) bool {
		return store.MarkKind(p.Kind) != store.MarkRenewed
	})
}

// unseen reports whether v was renewed and its ticket has not been seen before.
func (v *version) unseen() bool { return v.via == nil && v.Meta != nil && len(v.Meta.Prev) > 0 }

// decode makes the version of a record as the store has it. Its error matches
// rules.ErrUndecodable, or ErrUnavailable for a record that may be a session's
// and is closed to this process.
func (e *Engine) decode(key string, rec store.Record) (version, error) {
	v := version{key: key, rec: rec}
	if e.records == nil {
		err := e.parse(&v, rec.Data)
		if err != nil && seal.Sealed(rec.Data) {
			err = store.WithAdvice(errNoKeys, e.Rules.AdviceSealed)
		}
		return v, err
	}
	data, err := e.records.Open(nil, rec.Data, key)
	switch {
	case err == nil:
		return v, e.parse(&v, data)
	case e.records.Key(rec.Data) >= 0: // changed, or copied from another store key
		return v, fmt.Errorf("%w: %w", rules.ErrUndecodable, err)
	}
	err = e.parse(&v, rec.Data)
	switch {
	case err == nil && !time.Now().Before(e.ReadUnsealedUntil):
		err = errUnsealed
	case err != nil && seal.Sealed(rec.Data):
		err = errUnknownKey
	}
	return v, err
}

// openPayload opens the payload of a mark. Its error matches seal.ErrOpen, or
// ErrUnavailable, as decode's does.
func (e *Engine) openPayload(payload []byte, context string) ([]byte, error) {
	switch {
	case len(payload) == 0:
		return nil, nil
	case e.records == nil && seal.Sealed(payload):
		return nil, store.WithAdvice(errNoKeys, e.Rules.AdviceSealed)
	case e.records == nil:
		return payload, nil
	case seal.Sealed(payload) && e.records.Key(payload) < 0:
		return nil, errUnknownKey
	case !seal.Sealed(payload) && time.Now().Before(e.ReadUnsealedUntil):
		return payload, nil
	}
	return e.records.Open(nil, payload, context)
}

// parse indexes the bytes of a session.
func (e *Engine) parse(v *version, data []byte) error {
	if len(data) > codec.MaxSize {
		return fmt.Errorf("%w: %d bytes", rules.ErrUndecodable, len(data))
	}
	c, fields := e.indexes.find(e.seed, v.key, v.rec.Token, data)
	if c == nil {
		if c = codec.Detect(data, e.readers...); c == nil {
			return fmt.Errorf("%w: none of the codecs knows it", rules.ErrUndecodable)
		}
		var err error
		if fields, err = c.Split(nil, data); err != nil {
			return fmt.Errorf("%w: %s: %w", rules.ErrUndecodable, c.Name(), err)
		}
		e.indexes.note(e.seed, v.key, v.rec.Token, data, c, fields)
	}
	v.Base = ledger.Read(&e.style, c, fields)
	return nil
}

// encode makes the record of a session's values, sealed if there are keys for
// it.
func (e *Engine) encode(key string, b *ledger.Base) ([]byte, error) {
	size := 16
	for i := range b.Fields {
		f := &b.Fields[i]
		size += max(len(f.Key), len(f.Name)+8) + len(f.Raw)
	}
	data, err := b.Codec.Join(make([]byte, 0, size), b.Fields)
	if err != nil {
		return nil, fmt.Errorf("cloakroom: save: %w", err)
	}
	if len(data) > e.MaxSize {
		advice := "Keep less in the session, or raise Options.MaxSize."
		if e.inTicket() {
			advice = "Keep less in the session, or keep it on the server with " + e.Rules.AdviceServer + "."
		}
		return nil, store.WithAdvice(fmt.Errorf("cloakroom: save: %w", store.TooLarge(len(data), e.MaxSize)), advice)
	}
	if e.records != nil && key != "" {
		data = e.records.Seal(make([]byte, 0, len(data)+64), data, key)
	}
	return data, nil
}
