package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A stream of events. The session is saved, and its cookie sent, at the first
// Flush. What changes after that is saved when the handler returns, as long as
// it needs no new cookie: so begin with the session's first use.
func ExampleManager_Handler_stream() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		s.Set("seen", 0)
		out := http.NewResponseController(w)
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n", i)
			if err := out.Flush(); err != nil {
				return
			}
			s.Set("seen", i+1)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "seen:", cloakroom.From(r).Get("seen"))
	})

	b := cloakroomtest.NewBrowser(sessions.Handler(mux))
	fmt.Print(b.Get("/events").Body)
	fmt.Print(b.Get("/").Body)
	// Output:
	// data: 0
	// data: 1
	// data: 2
	// seen: 3
}
