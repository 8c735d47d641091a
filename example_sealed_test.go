package cloakroom_test

import (
	"crypto/rand"
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// The cookie is the session: no store to run. Right for a little data whose
// loss or return does no harm; see NewCookie for what it cannot do. A key is
// rotated as ExampleManager_CountKeys shows; cookies cannot be counted.
func ExampleNewCookie() {
	key := make([]byte, 32) // in a program: from a file or a secret manager, the same in every process
	rand.Read(key)
	sessions, err := cloakroom.NewCookie([][]byte{key}, cloakroom.Options{Permanent: true})
	if err != nil {
		log.Fatal(err)
	}
	const language = cloakroom.Key[string]("language")

	mux := http.NewServeMux()
	mux.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) {
		language.Set(cloakroom.From(r), r.FormValue("language"))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		choice, _ := language.Get(cloakroom.From(r))
		fmt.Fprintf(w, "language: %q\n", choice)
	})

	b := cloakroomtest.NewBrowser(sessions.Handler(mux))
	fmt.Print(b.Get("/").Body)
	b.Get("/set?language=nl")
	fmt.Print(b.Get("/").Body)
	// Output:
	// language: ""
	// language: "nl"
}

// Sealed sessions of a user can be ended with a small store of revocations. The one
// that asks for it logs in again in the same request.
func ExampleNewCookie_revocations() {
	key := make([]byte, 32)
	rand.Read(key)
	sessions, err := cloakroom.NewCookie([][]byte{key}, cloakroom.Options{
		Revocations: memstore.New(memstore.Options{}), // in a program: one that all processes share
	})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Login("user-42")
	})
	mux.HandleFunc("/password", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		// Store the new password first. Then:
		if err := sessions.RevokeUser(r.Context(), s.User()); err != nil {
			http.Error(w, "Please try again.", http.StatusServiceUnavailable)
			return
		}
		s.Login(s.User())
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "user: %q\n", cloakroom.From(r).User())
	})

	app := sessions.Handler(mux)
	desk, phone := cloakroomtest.NewBrowser(app), cloakroomtest.NewBrowser(app)
	desk.Get("/login")
	phone.Get("/login")
	desk.Get("/password")
	fmt.Print(desk.Get("/").Body, phone.Get("/").Body)
	// Output:
	// user: "user-42"
	// user: ""
}
