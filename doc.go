// Package cloakroom keeps HTTP sessions: what a web application remembers of
// its visitors from one request to the next.
//
// A visitor hands in a coat and gets a ticket: the data stays in a store on
// the server, and a cookie holds an ID that names it. Or the cookie holds the
// whole session, sealed.
//
//	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
//	…
//	http.ListenAndServe(addr, sessions.Handler(mux))
//
// Within the handlers of mux, [From] gives the session of the request, a
// dictionary of named values:
//
//	const theme = cloakroom.Key[string]("theme")
//
//	func login(w http.ResponseWriter, r *http.Request) {
//		s := cloakroom.From(r)
//		s.Login("user-42") // when the password has been checked
//		theme.Set(s, "dark")
//		s.Flash("success", "Welcome!")
//		http.Redirect(w, r, "/", http.StatusSeeOther)
//	}
//
// # One request
//
// From touches no store. The first use of the session loads it; it is saved
// before the first byte of the answer leaves, if it was changed. A request
// that does not use its session costs no store call, and one that only reads costs
// one load, plus a touch now and then that moves the expiry on.
//
// Errors are sticky: if the session cannot be loaded or saved, its methods do
// nothing, and the visitor gets Options.ErrorHandler's answer (503 if the
// store is unreachable) instead of the handler's. [Session.Err] says why;
// nobody has to ask.
//
// # At the same time
//
// With sessions in a store, requests that change one session at the same time all
// keep their changes: they are kept for each value apart, and applied to the newest record if
// somebody else was faster. Of two that set the same value the later save
// wins; [Key.Update] is for counters and carts, where no step may be lost.
// What has been ended by [Session.Destroy] or [Session.Regenerate] stays
// ended, whatever was in flight. None of this holds for sealed cookies: see
// [NewCookie].
//
// # Lifetimes
//
// A session ends when it was not used for Options.IdleTimeout, and at the age
// of Options.Lifetime however much it was used. The cookie goes when the
// browser closes, unless the session is permanent. [Session.SetIdleTimeout],
// [Session.SetLifetime] and [Session.SetPermanent] give one session more or less
// time than others, to remember a login say; the page docs/lifetimes.md has the
// recipe. [Hooks].Creating can refuse new sessions of strangers.
//
// # Users
//
// [Session.Login] says whose session it is. [Manager.Devices] lists a user's
// sessions, [Manager.Revoke] and [Manager.RevokeUser] end them.
//
// # Long requests
//
// Streams, WebSockets and uploads save their changes by [Session.Save], see those of
// others by [Session.Reload], and learn by [Session.Done] that their visitor has logged
// out in another tab.
//
// # Without cookies
//
// [Options].Transport lets programs that are no browsers send their ticket in a
// header. [FromContext] is for code that gets a context alone, and [Manager.Open],
// [Manager.Commit] and [Manager.Cookie] for servers that do not speak net/http.
//
// # Stores
//
// Package [github.com/cloakroom/cloakroom/store] is the contract; memstore and
// filestore come with this module and need no server. Records are
// named by a hash of the ID, so that a reader of the store cannot open its
// sessions; Options.PlainIDs and Flask mode give that up.
//
// # Tests
//
// Package [github.com/cloakroom/cloakroom/cloakroomtest] is for tests of your
// own: a browser on a handler, a request that holds a session, the session
// behind an answer, and a store that fails when told to.
package cloakroom
