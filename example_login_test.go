package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Regenerate at every change of privilege: an ID that somebody has planted in
// the browser before the login is worthless after it. Destroy at logout; Clear
// would empty the session and keep its ID.
func ExampleSession_Regenerate() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	const user = cloakroom.Key[string]("user")

	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		s.Regenerate()
		user.Set(s, r.FormValue("name")) // after a look at the password
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Destroy()
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if name, ok := user.Get(cloakroom.From(r)); ok {
			fmt.Fprintln(w, "Hello,", name)
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
