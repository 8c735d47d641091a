package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Login gives the session to a user, under a new ID: one that somebody has planted in
// the browser before is worthless after it. Destroy at logout; Clear would empty the
// session and keep its user.
func ExampleSession_Login() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		// After a look at the password. The user is the account's number, say.
		cloakroom.From(r).Login(r.FormValue("name"))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Destroy()
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if user := cloakroom.From(r).User(); user != "" {
			fmt.Fprintln(w, "Hello,", user)
			return
		}
		fmt.Fprintln(w, "Please log in.")
	})

	b := cloakroomtest.NewBrowser(sessions.Handler(mux))
	fmt.Print(b.Get("/").Body)
	fmt.Print(b.Get("/login?name=Ada").Body)
	fmt.Print(b.Get("/").Body)
	fmt.Print(b.Get("/logout").Body)
	// Output:
	// Please log in.
	// Hello, Ada
	// Hello, Ada
	// Please log in.
}
