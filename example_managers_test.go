package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Two sessions for each visitor, with a cookie and lifetimes of their own: one
// for logins, and one for what may be kept longer. With one Manager alone the
// function From is shorter than the method.
func ExampleManager_From() {
	logins, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	tastes, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{
		CookieName:  "__Host-tastes",
		IdleTimeout: 90 * 24 * time.Hour,
		Lifetime:    cloakroom.NoLimit,
		Permanent:   true,
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		logins.From(r).Set("user", "Ada")
		tastes.From(r).Set("theme", "dark")
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) { logins.From(r).Destroy() })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "user:", logins.From(r).Get("user"), "theme:", tastes.From(r).Get("theme"))
	})

	b := cloakroomtest.NewBrowser(logins.Handler(tastes.Handler(mux)))
	b.Get("/login")
	fmt.Print(b.Get("/").Body)
	b.Get("/logout")
	fmt.Print(b.Get("/").Body)
	// Output:
	// user: Ada theme: dark
	// user: <nil> theme: dark
}
