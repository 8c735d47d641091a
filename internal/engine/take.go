package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// Take removes a value and returns its bytes, if accept has nothing against
// them. Of many requests one gets it: that it is gone has been saved by then.
func (s *Session) Take(name string, accept func(codec.Codec, []byte) error) (raw []byte, from codec.Codec) {
	s.commits.Lock()
	defer s.commits.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() || s.e.style.Reserved(name) {
		return nil, nil
	}
	if s.e.inTicket() {
		s.fail(fmt.Errorf("cloakroom: take: %w: a copy of an old cookie has the value still: keep the session on the server with %s",
			store.ErrUnsupported, s.e.Rules.AdviceServer))
		return nil, nil
	}
	raw, from = s.draft.Raw(&s.e.style, &s.version.Base, name)
	if raw == nil {
		return nil, nil
	}
	if err := accept(from, raw); err != nil {
		s.Report(err)
		return nil, nil
	}
	switch s.draft.Origin(name) {
	case ledger.FromDraft: // nobody else has seen it
		s.draft.Set(name, nil, nil)
		return raw, from
	case ledger.FromBoth:
		s.fail(fmt.Errorf("cloakroom: take: %w: the same request has updated the value, which is not saved yet", store.ErrUnsupported))
		return nil, nil
	}
	call := newCallContext(s.ctx, s.e.StoreTimeout, true)
	defer call.close()
	raw, from, err := s.takeStored(call, name, accept)
	if err != nil {
		s.fail(err)
	}
	return raw, from
}

// takeStored removes a value from the record, and nothing else.
func (s *Session) takeStored(ctx context.Context, name string, accept func(codec.Codec, []byte) error) ([]byte, codec.Codec, error) {
	// A session in which nothing is left goes with the commit, if it is so still.
	c := commit{e: s.e, now: time.Now(), version: s.version, keepEmpty: true}
	c.draft.Set(name, nil, nil)
	queue := turn{e: s.e}
	defer queue.pass()
	for prev := s.version; ; {
		raw, from := prev.Find(name)
		if raw == nil {
			return nil, nil, nil // somebody else has got it
		}
		if err := accept(from, raw); err != nil {
			s.Report(err)
			return nil, nil, nil
		}
		if s.e.aged(&prev, c.clock()) {
			s.ended(nil)
			return nil, nil, nil
		}
		if err := c.relist(ctx, &prev); err != nil {
			return nil, nil, err
		}
		c.tries++
		v, err := c.next(&prev, prev.key)
		if err != nil {
			return nil, nil, err
		}
		rec, err := s.e.store.Save(ctx, prev.key, prev.rec, v.rec)
		switch {
		case err == nil && !rec.Exists():
			s.ended(nil)
			return nil, nil, nil
		case err == nil:
			c.adopt(v, rec)
			s.version = c.version
			if s.e.style.EmptyEnds && v.Bare() {
				s.draft.Set(name, nil, from)
			}
			c.fire(ctx, s.e.Hooks.Saved)
			return raw, from, nil
		case !errors.Is(err, store.ErrConflict):
			return nil, nil, saveError(err)
		}
		prev, err = c.newest(ctx, &queue, prev)
		if errors.Is(err, ErrNotFound) {
			s.ended(asMark(err))
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, err
		}
		s.version = prev // what the request has updated is rebased with the commit
	}
}
