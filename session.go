package cloakroom

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A Session is one visitor's data, a dictionary of named values, during one
// request. The first use loads it from the store, under the request's context
// and Options.StoreTimeout; what changed is saved before the answer's first
// byte leaves. It may be used by several goroutines of the request.
//
// Errors are sticky, as in bufio.Scanner: after a failed load or save, reads
// give zero values, writes do nothing, Err says why, and the visitor gets the
// answer of Options.ErrorHandler instead of the handler's. So handlers need
// not check.
type Session struct {
	m    *Manager
	ctx  context.Context // the request's: documented exception to passing it
	r    *http.Request   // nil for Open; its cookies are read at the first use
	save sync.Mutex      // held by commit

	mu         sync.Mutex
	loaded     bool
	used       bool   // by the handler
	finished   bool   // the request is over
	headerGone bool   // no cookie can be sent any more
	usedEarly  bool   // and the session had been used by then
	dead       bool   // a dead ticket came beside another one
	unread     string // key of the ticket's record, if it could not be read
	err        error
	base       base
	baseGen    uint32 // changes when base is replaced other than by commit
	draft      draft
	gen        uint32
	cookie     cookieNeed // what the answer has to do
}

// cookieNeed says what a commit means for the visitor's cookie.
type cookieNeed uint8

const (
	cookieKeep cookieNeed = iota
	cookieSet
	cookieRemove
)

func (s *Session) nextGen() uint32 {
	s.gen++
	return s.gen
}

// readable loads the session if need be and reports whether it can be used.
func (s *Session) readable() bool {
	if !s.loaded {
		s.load()
	}
	s.used = true
	return s.err == nil
}

// writable is readable for methods that change something.
func (s *Session) writable() bool {
	if s.finished {
		if s.err == nil {
			s.m.reportTo(s.ctx, s.base.handleText(), fmt.Errorf("cloakroom: change: %w: the request is over", ErrLate))
		}
		return false
	}
	if !s.readable() {
		return false
	}
	if d := s.m.opts.Dialect; d != nil && d.Null != nil {
		s.fail(fmt.Errorf("cloakroom: change: %w", d.Null))
		return false
	}
	return true
}

// fail makes err sticky and reports it, if it is the first.
func (s *Session) fail(err error) {
	if s.err == nil {
		s.err = err
		s.m.reportTo(s.ctx, s.base.handleText(), err)
	}
}

// Err returns why the session could not be loaded or saved, or nil. It does
// not load.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Permanent reports whether the visitor's cookie outlives the browser.
func (s *Session) Permanent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readable() && s.permanent()
}

func (s *Session) permanent() bool { return s.m.permanentAfter(&s.base, &s.draft) }

// SetPermanent says whether the visitor's cookie outlives the browser. How
// long the session lives is up to Options all the same.
func (s *Session) SetPermanent(permanent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writable() && (s.permanent() != permanent || s.m.opts.Dialect != nil) {
		s.draft.permanent = permanence{s.nextGen(), permanent}
	}
}

// IsNew reports whether there is no saved session for the visitor's ticket
// yet.
func (s *Session) IsNew() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readable() && !s.base.exists()
}

// Modified reports whether this request has changes that are not saved yet.
func (s *Session) Modified() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draft.pending()
}

// Expires returns when the session will end if it is not used again after this
// request. The zero time means that it has failed to load.
func (s *Session) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return time.Time{}
	}
	now := time.Now()
	if !s.base.exists() || s.draft.pending() {
		return s.m.expiry(s.base.created, now)
	}
	if s.m.refreshDue(&s.base, now) {
		return s.m.expiry(s.base.created, now)
	}
	expires := s.base.rec.Expires
	// The record may have been written under a longer Options.Lifetime.
	if deadline := s.m.deadline(s.base.created, now); s.base.created > 0 && !deadline.IsZero() && deadline.Before(expires) {
		return deadline
	}
	return expires
}

// Handle returns a short hash that names the session in logs and lists. It
// opens nothing. It is empty for a session that has not been saved yet, and
// changes with the ID.
func (s *Session) Handle() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return ""
	}
	return s.base.handleText()
}

func (b *base) handleText() string {
	if b.key != "" {
		return HandleOf(b.key)
	}
	return b.handle
}

// Regenerate gives the session a new ID when it is saved, and keeps its data
// and its age. Call it at every change of privilege, above all at login, so
// that an ID which somebody knew before is worthless after (OWASP ASVS 5.0,
// 7.2.4). The new record is durable before the old one goes; from then on the
// old ticket opens nothing, and what requests with the old ticket save is
// dropped.
func (s *Session) Regenerate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writable() && s.base.exists() {
		s.draft.regenerate = s.nextGen()
	}
}

// Destroy ends the session: its record is deleted and the cookie removed
// before the answer leaves, and no request in flight brings either back. The
// Session is empty and new afterwards; what is set now goes into a new session
// with a new ID, a goodbye message for instance.
func (s *Session) Destroy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	// The cookie goes once the record has gone: after a failure the visitor
	// must be able to try again.
	switch {
	case s.base.exists():
		s.draft.ended = append(s.draft.ended, ended{s.base.key, s.base.handleText()})
	case s.unread != "": // who can read it again must not find it
		s.draft.ended = append(s.draft.ended, ended{s.unread, HandleOf(s.unread)})
	case len(s.draft.ended) == 0:
		s.cookie = cookieRemove
	}
	s.unread = ""
	s.draft = draft{ended: s.draft.ended}
	s.base = base{}
	s.baseGen++
}
