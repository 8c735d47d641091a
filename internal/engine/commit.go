package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/internal/rules"
)

// An outcome is what a commit has come to.
type outcome uint8

const (
	unchanged      outcome = iota // there was nothing to do, or it failed
	notDue                        // a use that need not move the expiry on yet
	touched                       // the expiry has been moved on
	stored                        // the changes are in the store, or in a new ticket
	emptied                       // the changes have left nothing to store
	endedElsewhere                // the session was ended by somebody else
)

// A commit is one save in progress. It works on copies of the session's version
// and draft and holds no lock of the session, since it waits for the store and
// runs the functions given to Update.
type commit struct {
	e       *Engine
	now     time.Time // when it began, see clock
	version version   // the session as it is by now
	draft   draft
	ended   int32 // how many of draft.ends have been carried out
	tries   int32
	outcome outcome
	waited  bool // for the store, before what it does next

	reload    bool    // the session may have ended since it was read, which Touch would not see
	keepEmpty bool    // a session in which nothing is left keeps its record
	mayResend bool    // an unchanged cookie can still be sent again
	resend    bool    // it is
	confirms  bool    // the answer hands out a ticket that an earlier commit has made
	unsettled bool    // an earlier commit has failed half way through a move
	met       *marked // where the session has ended elsewhere, and a mark says so
	renewal   bool    // it is time for a new ID, once the rest has been saved
	renews    bool    // the new record is that of a renewal
	moves     bool    // the new record takes the place of the one it is made of
	bearer    Bearer  // nil without a request
	after     *marked // the session ended while the request was on its way
	epoch     string  // of a user who logs in, where tickets hold sessions
	listed    int64   // until when the user's record is sure to stay, if that has changed
}

// clock returns the time that what is written next goes by: that of the
// commit's beginning, but the present once it has waited for the store, lest
// a second try move an expiry back.
func (c *commit) clock() time.Time {
	if c.waited {
		return time.Now()
	}
	return c.now
}

// Commit saves what is pending and moves the expiry on if that is due. The
// store's calls do not stop when ctx is done, only after Options.StoreTimeout:
// a visitor who hangs up does not lose a write.
func (s *Session) Commit(ctx context.Context) error {
	_, _, err := s.save(ctx, inBetween)
	return err
}

// A moment is when a commit is made.
type moment uint8

const (
	inBetween    moment = iota // without an answer, or after its first byte
	atTheAnswer                // the header is about to leave
	byTheHandler               // by Save
)

// CommitAnswer is Commit for the moment before the header leaves. What the
// visitor has to be told it returns also with an error: a new ticket that is
// already durable, say.
func (s *Session) CommitAnswer() (Answer, error) {
	if s.e.Rules.Use == rules.UseVisited {
		s.loadUnasked()
	}
	now, outcome, err := s.save(s.ctx, atTheAnswer)
	a := s.answer(now, outcome)
	if a.Cookie == SetCookie && err == nil {
		if err = s.e.checkTicket(a.Ticket); err != nil {
			a.Cookie = KeepCookie
		}
	}
	return a, err
}

// save returns the time that it went by, zero if the session was not loaded.
func (s *Session) save(ctx context.Context, at moment) (now time.Time, o outcome, err error) {
	s.commits.Lock()
	defer s.commits.Unlock()
	c, now, late := s.takeCommit(ctx, at)
	if c == nil {
		return now, unchanged, late
	}
	defer s.committed()
	call := newCallContext(ctx, s.e.StoreTimeout, true)
	defer call.close()
	err = c.run(call)
	if c.renewal && err == nil && !c.draft.moves() && c.version.Exists() && c.outcome <= stored {
		c.renew(call)
	}
	s.settle(c)
	c.reportFlashes(ctx)
	if err == nil {
		err = late
	}
	return now, c.outcome, err
}

// takeCommit takes copies of what there is to save; nil if there is nothing.
// The error says why, or what could not be taken along.
func (s *Session) takeCommit(ctx context.Context, at moment) (c *commit, now time.Time, late error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loadedIn == notYet {
		return nil, now, s.err
	}
	now = time.Now()
	mayResend := at == atTheAnswer && s.mayResend()
	confirms := at == atTheAnswer && s.confirms()
	if s.err != nil || !confirms && !s.draft.pending() && !s.refreshes(now, mayResend) {
		return nil, now, s.err
	}
	after := s.flight()
	if after != nil {
		s.dropInFlight(after)
	}
	if s.phase.headerLeft() && s.needsCookie() {
		late = fmt.Errorf("cloakroom: save: %w: the change needs a new cookie, and the header has left: "+
			"change the session before the first write", ErrLate)
		s.dropLate()
	}
	if ctx.Err() != nil {
		if s.needsTicket() {
			late = goneError(ctx)
			if s.bearer == nil || at == byTheHandler {
				return nil, now, late
			}
			s.draft.discard()
		}
		if s.bearer != nil {
			s.draft.ForgetPermanent() // the cookie would not say so
		}
	}
	if !confirms && !s.draft.pending() && !s.refreshes(now, mayResend) {
		return nil, now, late
	}
	c = &commit{e: s.e, now: now, version: s.version, draft: s.draft, bearer: s.bearer, after: after,
		mayResend: mayResend, confirms: confirms, reload: s.bearer == nil, unsettled: s.unsettled()}
	s.beginCommit()
	c.draft.Draft = s.draft.Snapshot()
	c.renewal = c.mayResend && !s.passive && s.e.renewDue(&s.version, now)
	s.destroyed = false
	c.draft.ends = s.draft.ends[:len(s.draft.ends):len(s.draft.ends)]
	return c, now, late
}

// refreshes reports whether a commit without changes has something to do. It
// moves the expiry on once: before the header leaves, or at the end for a
// session that was loaded only then.
func (s *Session) refreshes(now time.Time, mayResend bool) bool {
	if s.unsettled() {
		return true
	}
	if s.phase.headerLeft() && (!s.loadedIn.headerLeft() || s.e.inTicket()) {
		return false
	}
	if s.passive {
		return false
	}
	return s.e.refreshDue(&s.version, now) || mayResend && (s.e.resendDue(&s.version, now) || s.e.renewDue(&s.version, now))
}

// unsettled reports whether a commit of s has failed half way through a move.
func (s *Session) unsettled() bool {
	return s.version.unsettled() && (s.bearer == nil || s.half)
}

// confirms reports whether an answer is about to hand out a ticket that Save has
// made. The session may have ended since, and the ticket must not come after the
// logout that did it.
func (s *Session) confirms() bool {
	return s.reissued && s.version.Exists() && !s.e.inTicket() && !s.phase.headerLeft()
}

// mayResend reports whether a cookie that has not changed can be sent again.
func (s *Session) mayResend() bool {
	return s.bearer != nil && !s.phase.headerLeft() && s.ctx.Err() == nil
}

// needsCookie reports whether saving the draft changes the visitor's ticket or
// how long it lasts.
func (s *Session) needsCookie() bool {
	switch {
	case s.e.inTicket():
		return s.draft.pending()
	case !s.version.Exists():
		return s.draft.Dirty()
	default:
		return s.draft.moves() || s.draft.SetsPermanent()
	}
}

// needsTicket reports whether what the handler did gives the visitor a new
// ticket.
func (s *Session) needsTicket() bool {
	switch {
	case s.e.inTicket():
		return s.draft.Dirty() || s.draft.regenerate != 0
	case !s.version.Exists():
		return s.draft.Dirty()
	default:
		return s.draft.moves()
	}
}

// dropInFlight drops the changes of a request that was in flight when its
// session ended, but those that come with a new ID after a login.
func (s *Session) dropInFlight(m *marked) {
	if s.draft.goesOn(m) {
		return
	}
	if s.draft.Dirty() || s.draft.regenerate != 0 {
		fire(s.ctx, s.e.Hooks.Conflict, Event{Handle: HandleOf(m.key), Err: ErrNotFound})
	}
	s.draft.discard()
}

// dropLate drops the changes that would need a cookie. Those that come with a
// new ID go with it: at a login, say, they must not be saved under the old one.
func (s *Session) dropLate() {
	switch {
	case s.e.inTicket():
		s.draft.discard()
		s.draft.ends = nil
	case s.version.Exists() && !s.draft.moves():
		s.draft.ForgetPermanent()
	default:
		s.draft.discard() // a logout needs no cookie
	}
}

// run writes the draft. What it has done by the time an error stops it stands
// in c all the same.
func (c *commit) run(ctx context.Context) error {
	for _, x := range c.draft.ends {
		if err := c.e.end(ctx, x); err != nil {
			return err
		}
		c.ended++
		c.waited = true
	}
	if c.unsettled {
		v, err := c.e.settle(ctx, c.version, c.now)
		if errors.Is(err, ErrNotFound) {
			c.met = asMark(err)
			c.dropped(ctx)
			return nil
		}
		if err != nil {
			return err
		}
		c.version, c.outcome, c.waited = v, stored, true
	}
	if err := c.draft.Rebase(&c.e.style, &c.version.Base); err != nil {
		return err
	}
	if err := c.checkOwn(); err != nil {
		return err
	}
	c.resend = c.confirms || c.mayResend && c.version.Exists() && (c.relives() || c.e.resendDue(&c.version, c.now))
	switch {
	case c.e.inTicket():
		return c.sealTicket(ctx)
	case !c.version.Exists():
		return c.create(ctx)
	case c.draft.moves():
		return c.move(ctx)
	case c.draft.Dirty(), c.confirms:
		return c.update(ctx)
	default:
		c.touch(ctx)
		return nil
	}
}

// settle takes over what a commit has done, and keeps what other goroutines
// have changed meanwhile.
func (s *Session) settle(c *commit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draft.ends = s.draft.ends[c.ended:]
	s.loggedOut = s.loggedOut || c.ended > 0 && int(c.ended) == len(c.draft.ends)
	s.emptied = s.emptied || c.outcome == emptied
	s.settleWatch()
	if s.destroyed { // meanwhile, by another goroutine
		if c.outcome == stored && !slices.ContainsFunc(s.draft.ends, func(x end) bool { return x.key == c.version.key }) {
			s.draft.ends = append(s.draft.ends, s.e.endOf(&c.version))
		}
		return
	}
	switch c.outcome {
	case touched:
		s.follow(&c.version)
		s.version = c.version
	case stored:
		reissued := c.version.ticket != s.version.ticket || c.version.Permanent != s.version.Permanent
		s.half = s.half || c.version.ticket != s.version.ticket
		s.reissued = s.reissued || reissued || c.resend || s.e.Rules.SlidingCookie
		s.needed = s.needed || reissued && (c.draft.Dirty() || c.draft.regenerate != 0)
		s.loggedIn = s.loggedIn || c.draft.login
		s.emptied = false
		s.follow(&c.version)
		s.version = c.version
		s.forget(c)
	case emptied:
		if !c.version.Exists() {
			s.forget(c)
			return
		}
		s.follow(&version{})
		s.version, s.found = version{}, false
		s.draft.discard()
	case endedElsewhere:
		s.empty(c.met)
	}
}

// forget removes from the draft what c has saved.
func (s *Session) forget(c *commit) {
	if s.draft.regenerate == c.draft.regenerate {
		s.draft.regenerate = 0
	}
	s.draft.Forget(&c.draft.Draft)
}

// fire calls a hook with what the commit has come to.
func (c *commit) fire(ctx context.Context, hook Hook) {
	if hook != nil {
		hook(ctx, c.event())
	}
}

func (c *commit) event() Event {
	return Event{Handle: c.version.name(), Size: len(c.version.rec.Data), Attempts: int(c.tries), Duration: time.Since(c.now)}
}
