package cloakroom

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/codec"
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
	finished   bool   // the request is over
	headerGone bool   // no cookie can be sent any more
	usedEarly  bool   // and the session had been used by then
	dead       bool   // a dead ticket came beside the live one
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

// draft is what a request wants to change.
type draft struct {
	changes    []change
	cleared    uint32 // generation of Clear, 0 if not called
	regenerate uint32 // likewise
	permanent  permanence
	flash      *flashes
	ended      []ended // sessions to destroy
}

type permanence struct {
	gen   uint32
	value bool
}

type ended struct {
	key, handle string
}

// change is one value set or deleted.
type change struct {
	name   string
	raw    []byte // in the Manager's codec; nil if deleted
	steps  []step // of Update, which led to raw from where they began
	from   []byte // the value in the base where they began
	ground uint32 // generation of the Set, Delete or Clear where they began instead, 0 if in the base
	gen    uint32
}

// A step computes a value from the raw bytes of the one before, nil if there
// is none.
type step func(codec.Codec, []byte) ([]byte, error)

func (d *draft) dirty() bool {
	return len(d.changes) > 0 || d.cleared != 0 || d.permanent.gen != 0 || d.flash.dirty()
}

func (d *draft) pending() bool {
	return d.dirty() || d.regenerate != 0 || len(d.ended) > 0
}

func (d *draft) find(name string) *change {
	for i := range d.changes {
		if d.changes[i].name == name {
			return &d.changes[i]
		}
	}
	return nil
}

// put records a change of one value.
func (d *draft) put(c change) {
	if old := d.find(c.name); old != nil {
		*old = c
		return
	}
	if d.changes == nil {
		d.changes = make([]change, 0, 2)
	}
	d.changes = append(d.changes, c)
}

func (s *Session) nextGen() uint32 {
	s.gen++
	return s.gen
}

// readable loads the session if need be and reports whether it can be used.
func (s *Session) readable() bool {
	if !s.loaded {
		s.load()
	}
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
	return s.readable()
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

// raw returns the bytes of a value and their codec; nil if there is none.
func (s *Session) raw(name string) ([]byte, codec.Codec) {
	if c := s.draft.find(name); c != nil {
		return c.raw, s.m.opts.Codec
	}
	if s.draft.cleared != 0 {
		return nil, nil
	}
	return s.base.find(name)
}

// lookup is raw for callers without the lock.
func (s *Session) lookup(name string) ([]byte, codec.Codec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return nil, nil
	}
	return s.raw(name)
}

// Get returns the value of name, or nil if there is none. Numbers come as
// int64, uint64 or float64, lists as []any, dictionaries as map[string]any,
// whatever they were set as; use a [Key] to get a certain type. Changing what
// Get returned does not change the session: Set it again.
func (s *Session) Get(name string) any {
	v, _ := Key[any](name).Get(s)
	return v
}

// Has reports whether the session has a value called name.
func (s *Session) Has(name string) bool {
	raw, _ := s.lookup(name)
	return raw != nil
}

// Set puts v into the session under name. It is encoded at once: later changes
// to what v points to are not seen. A v that cannot be encoded, or one of
// cloakroom's own names (_created, _permanent, _flashes), makes the request
// fail, see Err.
func (s *Session) Set(name string, v any) {
	raw, err := s.m.opts.Codec.Marshal(nil, v)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.writable():
	case err != nil:
		s.fail(fmt.Errorf("cloakroom: set %T: %w", v, err))
	case reserved(name):
		s.fail(fmt.Errorf("cloakroom: set: %w: use Flash or SetPermanent", ErrReserved))
	default:
		gen := s.nextGen()
		s.draft.put(change{name: name, raw: raw, ground: gen, gen: gen})
	}
}

// Delete removes the value of name. That there is none is fine.
func (s *Session) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() || reserved(name) {
		return
	}
	if raw, _ := s.raw(name); raw != nil {
		gen := s.nextGen()
		s.draft.put(change{name: name, ground: gen, gen: gen})
	}
}

// Pop is Get followed by Delete.
func (s *Session) Pop(name string) any {
	v, _ := Key[any](name).Pop(s)
	return v
}

// update runs st on the present value of name and remembers it for a newer
// one. st runs without the lock, since it may use the session; if the value
// has changed by then, it runs again.
func (s *Session) update(name string, st step) {
	for {
		before, c := s.lookup(name)
		if s.Err() != nil {
			return
		}
		after, err := st(c, before)
		if s.tryUpdate(name, before, after, err, st) {
			return
		}
	}
}

func (s *Session) tryUpdate(name string, before, after []byte, err error, st step) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.writable():
		return true
	case reserved(name):
		s.fail(fmt.Errorf("cloakroom: update: %w", ErrReserved))
		return true
	case err != nil:
		s.fail(err)
		return true
	}
	if now, _ := s.raw(name); !sameBytes(now, before) {
		return false
	}
	c := change{name: name, raw: after, steps: []step{st}, gen: s.nextGen()}
	switch old := s.draft.find(name); {
	case old != nil:
		c.steps, c.from, c.ground = append(slices.Clip(old.steps), st), old.from, old.ground
	case s.draft.cleared != 0:
		c.ground = s.draft.cleared
	default:
		c.from = before
	}
	s.draft.put(c)
	return true
}

// sameBytes reports whether a and b are the same slice: values are never
// changed in place, so nothing has happened to one that is.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (a == nil) == (b == nil) && (len(a) == 0 || &a[0] == &b[0])
}

// Keys returns the names of the session's values, in the order in which they
// were first set.
func (s *Session) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return nil
	}
	var names []string
	if s.draft.cleared == 0 {
		for i := range s.base.fields {
			f := &s.base.fields[i]
			if f.Name == nil || reserved(string(f.Name)) {
				continue
			}
			if c := s.draft.find(string(f.Name)); c == nil || c.raw != nil {
				names = append(names, string(f.Name))
			}
		}
	}
	for i := range s.draft.changes {
		c := &s.draft.changes[i]
		if old, _ := s.base.find(c.name); c.raw != nil && (old == nil || s.draft.cleared != 0) {
			names = append(names, c.name)
		}
	}
	return names
}

// Len returns how many values the session has.
func (s *Session) Len() int { return len(s.Keys()) }

// All yields the names and values of the session, as Keys and Get return them.
func (s *Session) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, name := range s.Keys() {
			if !yield(name, s.Get(name)) {
				return
			}
		}
	}
}

// Clear removes all values and flash messages. The session keeps its ID and
// its age; to log somebody out use Destroy.
func (s *Session) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	s.draft.changes = nil
	s.draft.cleared = s.nextGen()
	if f := s.draft.flash; f != nil {
		f.stored, f.added, f.taken = nil, nil, nil
		f.parsed = true
	}
}

// Permanent reports whether the visitor's cookie outlives the browser.
func (s *Session) Permanent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readable() && s.permanent()
}

func (s *Session) permanent() bool {
	switch {
	case s.draft.permanent.gen != 0:
		return s.draft.permanent.value
	case s.base.exists():
		return s.base.permanent
	default:
		return s.m.opts.Permanent
	}
}

// SetPermanent says whether the visitor's cookie outlives the browser. How
// long the session lives is up to Options all the same.
func (s *Session) SetPermanent(permanent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writable() && s.permanent() != permanent {
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
	if next, due := s.m.touchDue(&s.base, now); due {
		return next
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
