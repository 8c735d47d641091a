package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// A Session is one visitor's session during one request, or between Open and
// Commit. It may be used by several goroutines.
type Session struct {
	e       *Engine
	ctx     context.Context // the request's: documented exception to passing it
	bearer  Bearer          // nil without a request
	commits sync.Mutex      // held by Commit

	mu       sync.Mutex
	phase    phase
	loadedIn phase // when the session was loaded
	asked    bool  // the handler has used it
	found    bool  // the visitor's ticket has led to it, and it has not ended since
	passive  bool  // reading it is no use
	reissued bool  // a commit has changed the ticket, or whether it is permanent
	needed   bool  // the same, since the handler has changed something

	loggedIn  bool // the session has been saved after Regenerate
	loggedOut bool // the handler has ended the visitor's session, and it is gone
	destroyed bool // Destroy was called since the last commit began
	emptied   bool // a commit has left nothing to store
	half      bool // a commit has given it a new ID, perhaps not to the end

	committing bool // a commit is under way
	fate       fate // why there is no session, if there is none

	err     error
	version version
	draft   draft
	aside   *aside // nil for most requests

	began int64         // the request, in Unix nanoseconds
	used  time.Duration // when a use of the session was last counted, see sinceStart; 0 if never
}

// An aside is what a request's tickets have led to beside its session.
type aside struct {
	// rest are the tickets that nobody has looked at yet, and unended what others
	// led to that Destroy has to end.
	rest    []string
	unended []end

	flight *marked // the session ended while the request was on its way

	watch *watch // of Done
	dying bool   // Destroy was called, which ends what is watched
}

// beside returns s's aside, to be changed.
func (s *Session) beside() *aside {
	if s.aside == nil {
		s.aside = new(aside)
	}
	return s.aside
}

// flight returns the mark of the session that ended while the request was on
// its way, or nil.
func (s *Session) flight() *marked {
	if s.aside == nil || s.version.Exists() {
		return nil
	}
	return s.aside.flight
}

// A Bearer is a visitor's request, which bears tickets.
type Bearer interface {
	// Present calls s.Find with the tickets that the visitor sent. They are
	// not returned, so that they need not leave the stack.
	Present(s *Session) error
	// Navigates reports whether the browser waits for a page, rather than a page
	// for an answer.
	Navigates() bool
	// Device describes what the visitor sits at, as he would recognise it.
	Device() string
}

// A phase is how far a request is: whether its handler still runs, and whether
// the header of the answer has left.
type phase uint8

const (
	notYet phase = iota // the request has not begun; as loadedIn: not loaded
	open                // the handler runs, the header can still carry a cookie
	ending              // the handler has returned, the header can still carry a cookie
	sent                // the handler runs, the header has left
	over                // neither
)

// headerLeft reports whether no cookie can be sent any more.
func (p phase) headerLeft() bool { return p >= sent }

// returned reports whether changes come too late.
func (p phase) returned() bool { return p == ending || p == over }

// draft is what the request wants to change.
type draft struct {
	ledger.Draft
	regenerate uint32 // number of Regenerate, 0 if it was not called
	login      bool   // Regenerate was called, on a new session too
	ends       []end  // sessions to end
}

func (d *draft) pending() bool {
	return d.Dirty() || d.regenerate != 0 || len(d.ends) > 0
}

// goesOn reports whether d is carried out although the session has ended with the
// mark m, nil if there is none: a login is, and a regeneration where another one
// was faster, with what its own request has changed.
func (d *draft) goesOn(m *marked) bool {
	return d.LogsIn() || d.regenerate != 0 && m != nil && m.kind == store.MarkMoved
}

// moves reports whether d gives the session a new ID.
func (d *draft) moves() bool { return d.regenerate != 0 || d.LogsIn() }

// discard takes everything back but the ends.
func (d *draft) discard() {
	d.Discard()
	d.regenerate, d.login = 0, false
}

// Begin makes s the session of a request, which is loaded at its first use.
func (s *Session) Begin(e *Engine, ctx context.Context, b Bearer) {
	s.e, s.ctx, s.bearer, s.phase, s.began = e, ctx, b, open, time.Now().UnixNano()
}

// Open makes s the session of a ticket, without a request.
func (s *Session) Open(e *Engine, ctx context.Context, ticket string) error {
	s.e, s.ctx, s.phase, s.loadedIn = e, withoutCancel{ctx}, open, open
	if ticket == "" {
		return nil
	}
	f, err := e.find(ctx, []string{ticket}, time.Now(), false)
	if err != nil {
		e.Report(ctx, "", err)
		return err
	}
	s.take(f, true)
	return nil
}

// A withoutCancel is a context.WithoutCancel that knows what it is made of.
type withoutCancel struct{ of context.Context }

func (withoutCancel) Deadline() (deadline time.Time, ok bool) { return }
func (withoutCancel) Done() <-chan struct{}                   { return nil }
func (withoutCancel) Err() error                              { return nil }
func (c withoutCancel) Value(key any) any                     { return context.WithoutCancel(c.of).Value(key) }

// caller returns the context of those who use s: the request's, or the one that
// was given to Open.
func (s *Session) caller() context.Context {
	if c, ok := s.ctx.(withoutCancel); ok {
		return c.of
	}
	return s.ctx
}

// Engine returns the Engine that keeps s.
func (s *Session) Engine() *Engine { return s.e }

// InRequest reports whether s belongs to a request.
func (s *Session) InRequest() bool { return s.bearer != nil }

// Context returns the request's context.
func (s *Session) Context() context.Context { return s.ctx }

// take makes s the session of what was found. It is told whether there was a
// ticket at all.
func (s *Session) take(f found, ticket bool) {
	s.version, s.found = f.version, f.version.Exists()
	if ticket {
		s.fate = unknown
	}
	if len(f.rest) > 0 || len(f.unended) > 0 {
		a := s.beside()
		a.rest, a.unended = f.rest, f.unended
	}
	for _, m := range f.marks {
		s.fate = max(s.fate, m.fate())
		if s.bearer == nil || s.version.Exists() || !m.inFlight(time.Unix(0, s.began), s.bearer.Navigates()) {
			fire(s.ctx, s.e.Hooks.Rejected, Event{Err: ErrNotFound})
		} else if a := s.beside(); a.flight == nil || m.kind == store.MarkMoved {
			a.flight = m
		}
	}
}

// Find makes s the session that distinct tickets lead to, and is called by s
// itself, as Bearer says. It is told whether there were malformed ones beside
// them. Only a failing store is an error.
func (s *Session) Find(tickets []string, malformed bool) error {
	if malformed {
		fire(s.ctx, s.e.Hooks.Rejected, Event{Err: ErrTicket})
	}
	f, err := s.e.find(s.ctx, tickets, time.Now(), true)
	if err == nil {
		s.take(f, malformed || len(tickets) > 0)
	}
	return err
}

// LoadsLate reports within Bearer.Present whether the answer's header has left.
func (s *Session) LoadsLate() bool { return s.phase.headerLeft() }

// load finds the session of the request's tickets.
func (s *Session) load() {
	s.loadedIn = s.phase
	if err := s.bearer.Present(s); err != nil {
		s.fail(err)
	}
}

// loadUnasked loads the session of a handler that did not ask for it, where
// every request of a visitor counts as use. A failure to load does not fail a
// page that does without.
func (s *Session) loadUnasked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loadedIn != notYet || s.err != nil || s.passive {
		return
	}
	if err := s.bearer.Present(s); err != nil {
		s.Report(err)
	} else if s.version.Exists() {
		s.loadedIn = s.phase
	}
}

// readable loads the session if need be and reports whether it can be used.
func (s *Session) readable() bool {
	s.ready()
	switch {
	case s.used == 0:
		s.firstUse()
	case sinceStart()-s.used >= time.Second && sinceStart()-s.used >= s.e.useInterval(&s.version):
		s.useAgain()
	}
	return s.err == nil
}

// ready loads the session if need be.
func (s *Session) ready() {
	if s.loadedIn == notYet {
		s.load()
	}
	s.asked = true
	s.notice()
}

// writable is readable for methods that change something.
func (s *Session) writable() bool {
	if s.phase.returned() {
		if s.err == nil {
			s.e.Report(s.ctx, s.version.name(), store.WithAdvice(fmt.Errorf("cloakroom: change: %w: the request is over", ErrLate),
				"change the session before the handler returns; where a framework's error handler does it, put Manager.Handler around the whole router"))
		}
		return false
	}
	if !s.readable() {
		return false
	}
	if err := s.e.Rules.Unavailable; err != nil {
		s.fail(fmt.Errorf("cloakroom: change: %w", err))
		return false
	}
	return true
}

// fail makes err sticky and reports it, if it is the first.
func (s *Session) fail(err error) {
	if s.err == nil {
		s.err = err
		s.e.Report(s.ctx, s.version.name(), err)
	}
}

// Report tells about an error that does not fail the request.
func (s *Session) Report(err error) { s.e.Report(s.ctx, "", err) }

// Ready loads the session and reports whether it can be used. It is no use of it.
func (s *Session) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready()
	return s.err == nil
}

// Err returns the error that failed the session. It does not load.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// HeaderLeft notes that no cookie can be sent from now on. An error fails the
// session.
func (s *Session) HeaderLeft(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.phase {
	case open:
		s.phase = sent
	case ending:
		s.phase = over
	}
	if err != nil {
		s.fail(err)
	}
}

// HandlerReturned refuses changes from now on. It comes before the last commit,
// lest a change that just misses it be lost without a word.
func (s *Session) HandlerReturned() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.phase {
	case open:
		s.phase = ending
	case sent:
		s.phase = over
	}
	s.unwatch()
}
