package cloakroom_test

import (
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A page of one's own for sessions that could not be loaded or saved. The
// handler below checks no error: what it writes is dropped.
func ExampleOptions_errorHandler() {
	failing := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	failing.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: errors.New("connection refused")})

	sessions, err := cloakroom.New(failing, cloakroom.Options{
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			status := http.StatusInternalServerError
			if errors.Is(err, cloakroom.ErrUnavailable) {
				status = http.StatusServiceUnavailable
			}
			w.WriteHeader(status)
			fmt.Fprintln(w, "<h1>Please come back in a minute</h1>")
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	b := cloakroomtest.NewBrowser(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Set("user", "Ada")
		fmt.Fprintln(w, "<h1>Welcome</h1>")
	})))
	resp := b.Get("/")
	fmt.Print(resp.StatusCode, " ", resp.Body)
	// Output: 503 <h1>Please come back in a minute</h1>
}
