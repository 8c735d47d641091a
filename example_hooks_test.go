package cloakroom_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Hooks count, trace and audit. An event names its session by the handle,
// which opens nothing and may be logged.
func ExampleHooks() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{
		Hooks: cloakroom.Hooks{
			Created:   func(_ context.Context, e cloakroom.Event) { fmt.Println("created,", e.Size, "bytes") },
			Saved:     func(_ context.Context, e cloakroom.Event) { fmt.Println("saved at try", e.Attempts) },
			Destroyed: func(_ context.Context, e cloakroom.Event) { fmt.Println("destroyed", e.Handle != "") },
			Rejected:  func(_ context.Context, e cloakroom.Event) { fmt.Println("rejected:", e.Err) },
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) { cloakroom.From(r).Set("x", r.FormValue("x")) })
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) { cloakroom.From(r).Destroy() })

	b := cloakroomtest.NewBrowser(sessions.Handler(mux))
	b.Get("/set?x=1")
	b.Get("/set?x=2")
	b.Get("/logout")
	sessions.Open(context.Background(), "made up")
	// Output:
	// created, 51 bytes
	// saved at try 1
	// destroyed true
	// rejected: malformed ticket
}
