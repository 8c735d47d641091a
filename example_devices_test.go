package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A page "Your devices", and what a change of the password does: it ends all other
// sessions of the user.
func ExampleManager_Devices() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{
		Describe: func(r *http.Request) string { return r.FormValue("at") }, // see DescribeBrowser
	})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Login("user-42")
	})
	mux.HandleFunc("/devices", func(w http.ResponseWriter, r *http.Request) {
		devices, err := sessions.Devices(r.Context(), cloakroom.From(r).User())
		if err != nil {
			http.Error(w, "Please try again.", http.StatusServiceUnavailable)
			return
		}
		for _, d := range devices {
			fmt.Fprint(w, d.Description)
			if d.Current {
				fmt.Fprint(w, " (this one)")
			}
			fmt.Fprintln(w)
		}
	})
	mux.HandleFunc("/password", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		// Store the new password first. Then:
		if err := sessions.RevokeUser(r.Context(), s.User(), s.Handle()); err != nil {
			http.Error(w, "The password is changed, but your other sessions may go on: please try again.", http.StatusServiceUnavailable)
			return
		}
		s.Login(s.User()) // a new ID for this one
	})

	app := sessions.Handler(mux)
	desk, phone := cloakroomtest.NewBrowser(app), cloakroomtest.NewBrowser(app)
	desk.Get("/login?at=Firefox+on+Linux")
	phone.Get("/login?at=Safari+on+iPhone")
	fmt.Print(phone.Get("/devices").Body)
	desk.Get("/password?at=Firefox+on+Linux")
	fmt.Printf("the phone sees: %q\n", phone.Get("/devices").Body)
	fmt.Print(desk.Get("/devices").Body)
	// Output:
	// Safari on iPhone (this one)
	// Firefox on Linux
	// the phone sees: "Please try again.\n"
	// Firefox on Linux (this one)
}
