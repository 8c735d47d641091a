package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A mobile app keeps no cookies: it gets its ticket in a header and sends it in
// one. Browsers go on with the cookie; to begin with nothing is the app's way
// here, since the bearer is the first of the list.
func ExampleOptions_transport() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{
		Transport: []cloakroom.Transport{cloakroom.TransportBearer, cloakroom.TransportCookie},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Login("user-42")
		fmt.Fprint(w, "welcome")
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "you are %q", cloakroom.From(r).User())
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Destroy()
		fmt.Fprint(w, "goodbye")
	})
	app := sessions.Handler(mux)

	ticket := "" // what the app keeps
	call := func(method, path string) {
		r := httptest.NewRequest(method, path, nil)
		if ticket != "" {
			r.Header.Set("Authorization", "Bearer "+ticket)
		}
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, r)
		news := "as before"
		if lines := answer.Header()["Session-Ticket"]; len(lines) > 0 {
			ticket = lines[0] // empty: the session has ended
			news = "new"
			if ticket == "" {
				news = "none any more"
			}
		}
		fmt.Printf("%s: %s; ticket: %s; cookies: %d\n", path, answer.Body, news, len(answer.Result().Cookies()))
	}
	call("POST", "/login")
	call("GET", "/me")
	call("POST", "/logout")
	call("GET", "/me")
	// Output:
	// /login: welcome; ticket: new; cookies: 0
	// /me: you are "user-42"; ticket: as before; cookies: 0
	// /logout: goodbye; ticket: none any more; cookies: 0
	// /me: you are ""; ticket: as before; cookies: 0
}

// Code that gets a context, such as a resolver of gqlgen or a method of
// connect, finds the session there.
func ExampleFromContext() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	resolve := func(r *http.Request) string {
		s, ok := cloakroom.FromContext(r.Context())
		if !ok {
			return "no session here"
		}
		return fmt.Sprintf("a session with %d values", s.Len())
	}
	request := httptest.NewRequest("GET", "/", nil)
	fmt.Println(resolve(request))
	sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(resolve(r))
	})).ServeHTTP(httptest.NewRecorder(), request)
	// Output:
	// no session here
	// a session with 0 values
}

// A server that does not speak net/http opens and commits sessions itself, and
// gets the cookie for its answer.
func ExampleManager_Cookie() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{Permanent: true})
	if err != nil {
		log.Fatal(err)
	}
	ctx := httptest.NewRequest("GET", "/", nil).Context()
	s, err := sessions.Open(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	s.Set("user", "Ada")
	ticket, err := sessions.Commit(ctx, s)
	if err != nil {
		log.Fatal(err)
	}
	c := sessions.Cookie(s)
	fmt.Println(c.Value == string(ticket), c.Name, c.Path, c.Secure, c.HttpOnly, c.MaxAge > 0)
	s.Destroy()
	if _, err := sessions.Commit(ctx, s); err != nil {
		log.Fatal(err)
	}
	fmt.Println(sessions.Cookie(s))
	// Output:
	// true __Host-session / true true true
	// __Host-session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax
}
