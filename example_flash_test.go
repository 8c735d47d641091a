package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A message for the next page, which shows it once: the page that does
// something redirects, the page that it redirects to tells how it went.
func ExampleSession_Flash() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/save", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		s.Flash("success", "Saved.")
		s.Flash("warning", "The disk is nearly full.")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for _, f := range cloakroom.From(r).Flashes() { // or Flashes("warning") alone
			fmt.Fprintf(w, "[%s] %s\n", f.Category, f.Message)
		}
		fmt.Fprintln(w, "the page")
	})

	b := cloakroomtest.NewBrowser(sessions.Handler(mux))
	fmt.Print(b.Get("/save").Body)
	fmt.Print(b.Get("/").Body)
	// Output:
	// [success] Saved.
	// [warning] The disk is nearly full.
	// the page
	// the page
}
