package cloakroom

// What handlers of long requests do with their session: streams, WebSockets,
// uploads. The page docs/long-requests.md has them at work.

// Save saves the changes now, in the middle of a request or between Open and
// Commit, as often as one likes. Its error does not fail the request as others do:
//
//   - After a failure of the store (ErrUnavailable), or of a session that is too large
//     (ErrTooLarge), the changes are still pending. The next Save, or the answer,
//     tries again.
//   - If the session has ended meanwhile, the changes are dropped, Hooks.Conflict is
//     called, and the error matches ErrEnded; after a login or a Regenerate elsewhere
//     it matches ErrMoved, too.
//   - A change that needs a new ticket when the header has left is dropped: ErrLate.
//     So is every Save when the request is over.
//   - A Login that is refused (ErrTooManySessions, ErrRevoked) is dropped with all
//     that was changed, and the session is as it was. So is a new session that
//     Hooks.Creating refuses, whose error it wraps.
//   - If the visitor has hung up and the change needs a new ticket, the error is that
//     of the request's context, and the answer fails.
//
// A session that has failed before returns Err. Before the first use of the session,
// and where nothing has changed, Save does nothing.
//
// A new ticket goes out with the answer, which saves the session once more for that:
// if it has ended meanwhile, the ticket stays here. In a sealed cookie all of it goes
// out with the answer, and Save but makes the cookie. Save must not be called in a
// function given to Update.
func (s *Session) Save() error { return s.core().Save() }

// Reload loads the session again, so that the request sees what others have changed.
// Its own changes that are not saved yet stay on top; functions given to Update run
// again, on the newest values. It is no use of the session, unlike the reads that
// follow. Before the first use it is the load itself.
//
// The error matches ErrEnded if the session is over (ErrMoved, too, after a login or
// a Regenerate elsewhere); it is empty then. If the store fails the error matches
// ErrUnavailable, the session stays as it was, and the request goes on. Reload must
// not be called in a function given to Update. A sealed cookie has nothing newer.
func (s *Session) Reload() error { return s.core().Reload() }

// Done returns a channel that is closed when the session has ended: when it has
// expired, after a logout or a revocation, and after a login or a Regenerate
// elsewhere; what the request itself does to move its session leaves the channel
// open. In this process that is at once, in others within Options.WatchInterval.
// From then on the session is empty, and Ended says why. After a login in another
// tab the new cookie may still be on its way: a page that connects again waits a
// second.
//
// The channel is also open while there is no session, and stays so until the request
// begins one that ends. It is closed if the session had ended before (see Ended; a
// ticket of which nothing is known counts as none). A store that fails never closes
// it. Watching is no use of the session: it keeps nobody logged in.
//
// The watch ends with the request, and for a session of Open when the context given
// to Open is done: then the channel stays open, so wait for the context, too. Of a
// sealed cookie only its expiry is seen and, with Options.Revocations, RevokeUser.
func (s *Session) Done() <-chan struct{} { return s.core().Done() }

// Ended returns why there is no session although the visitor brought a ticket: an
// error that matches ErrEnded, or ErrMoved, too, where the session goes on under
// another ticket; or ErrNotFound alone if nothing is known of the ticket: it was
// never given out, or its session expired or ended more than 15 minutes ago. It is nil
// if there is a session, and if the visitor brought no ticket. If the session
// could not be loaded it is Err.
//
// It is what one asks after Open, after the channel of Done was closed, and when Save
// has failed. In Flask mode, and of sealed cookies but for RevokeUser, nothing is
// known of a session that had ended before the request began.
func (s *Session) Ended() error { return s.core().Ended() }
