// Package cloakroomtest helps to test programs that use cloakroom.
//
// A [Browser] is one visitor with a cookie jar, for tests of a whole
// application: on its handler alone, or on a server of package httptest.
//
//	b := cloakroomtest.NewBrowser(app)
//	b.PostForm("/login", url.Values{"name": {"Ada"}})
//	if got := b.Get("/").Body; got != "Hello, Ada." {
//		t.Errorf("got %q", got)
//	}
//
// [WithSession] gives a request a session, for tests of one handler without a
// Manager. [Browser.Session] and [SessionOf] open the session behind what a
// visitor got. [Faulty] is a store that fails, hangs, conflicts or loses its
// answers when it is told to.
//
// As in package httptest, what only a test can have got wrong panics, and
// nothing needs a testing.T. All of it works within bubbles of
// testing/synctest, but for servers.
package cloakroomtest
