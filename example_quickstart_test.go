package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A visit counter. Set would do for a name that the visitor types in; what
// grows step by step is a case for Update, which loses no step of requests that
// come at the same time.
func Example() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	const visits = cloakroom.Key[int]("visits")

	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		visits.Update(s, func(n int) int { return n + 1 })
		n, _ := visits.Get(s)
		fmt.Fprintln(w, "visit", n)
	})

	// In a program: http.ListenAndServe(addr, sessions.Handler(mux))
	b := cloakroomtest.NewBrowser(sessions.Handler(mux))
	fmt.Print(b.Get("/").Body)
	fmt.Print(b.Get("/").Body)
	// Output:
	// visit 1
	// visit 2
}
