package cloakroomtest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/memstore"
)

const heldCookie = "__Host-cloakroomtest-session"

// WithSession returns r with a session that holds values, as a Manager would
// hand it to a handler that is tested alone: [cloakroom.From] finds it, in the
// handler and afterwards in the test. It is a session that was saved before,
// or a new one if there are no values. What the handler does to it stays in
// it, and is never saved; the answer has none of the headers that a Manager
// adds. [cloakroom.Manager.From] does not find it: it belongs to no Manager of
// the program, and passing one's Handler replaces it.
//
// WithSession panics if a value is not one that a session can hold.
func WithSession(r *http.Request, values map[string]any) *http.Request {
	// With a name that no Manager of the program has, lest it refuse to meet this one.
	m, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{CookieName: heldCookie})
	if err != nil {
		panic("cloakroomtest: WithSession: " + err.Error())
	}
	probe := httptest.NewRequestWithContext(r.Context(), http.MethodGet, "https://example.com/", nil)
	if len(values) > 0 {
		probe.Header.Set("Cookie", heldCookie+"="+string(saved(m, r, values)))
	}
	held := hold(m, probe)
	cloakroom.From(held).IsNew() // loads it, while the context lasts
	return r.WithContext(held.Context())
}

// saved saves a session and returns its ticket.
func saved(m *cloakroom.Manager, r *http.Request, values map[string]any) cloakroom.Ticket {
	s, err := m.Open(r.Context(), "")
	var ticket cloakroom.Ticket
	if err == nil {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			s.Set(name, values[name])
		}
		ticket, err = m.Commit(r.Context(), s)
	}
	if err != nil {
		panic(fmt.Sprintf("cloakroomtest: WithSession: %v", err))
	}
	return ticket
}

// SessionOf returns the session behind an answer: the one that m opens by the
// cookies of the answer's request, if it has one, as the answer has changed
// them. To the answer of a [httptest.ResponseRecorder] a test adds the request
// by itself.
//
// The session shows what is saved; changes that a test makes in it are not.
// Opening it asks the store and calls hooks, but does not move the session's
// expiry on.
func SessionOf(m *cloakroom.Manager, resp *http.Response) *cloakroom.Session {
	var cookies []*http.Cookie
	if resp.Request != nil {
		cookies = resp.Request.Cookies()
	}
	for _, c := range resp.Cookies() {
		cookies = slices.DeleteFunc(cookies, func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 && (c.Expires.IsZero() || c.Expires.After(time.Now())) {
			cookies = append(cookies, c)
		}
	}
	return open(m, cookies)
}

// open returns the session that m opens by cookies.
func open(m *cloakroom.Manager, cookies []*http.Cookie) *cloakroom.Session {
	r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	s := m.From(hold(m, r))
	s.IsNew() // loads it, so that what happens later does not show in it
	return s
}

// hold returns r as a handler within m gets it. The request never ends, so
// that its session can be used as long as the test likes, and is never saved.
func hold(m *cloakroom.Manager, r *http.Request) (held *http.Request) {
	enough := new(int) // what tells this panic from others
	defer func() {
		if p := recover(); p != enough {
			panic(p)
		}
	}()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		held = r
		panic(enough) // a request that panics is given up without a save
	})).ServeHTTP(httptest.NewRecorder(), r)
	return held
}
