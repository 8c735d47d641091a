package cloakroom_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A new ticket each hour. The old one leads to the same session until 30 seconds after
// the browser has come back with the new one: nobody is logged out because he sends
// several requests at once, or because an answer was lost.
//
// The hour passes at once, in a bubble of testing/synctest. Tests of your own hand in
// their testing.T, which an example has none of.
func ExampleOptions_renewEvery() {
	synctest.Test(new(testing.T), func(*testing.T) {
		sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{
			RenewEvery:  time.Hour, // two minutes at least
			IdleTimeout: 2 * time.Hour,
		})
		if err != nil {
			log.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) { cloakroom.From(r).Login("ada") })
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, cloakroom.From(r).User()) })

		b := cloakroomtest.NewBrowser(sessions.Handler(mux))
		b.Get("/login")
		stolen := cloakroom.Ticket(b.Cookies("/")[0].Value) // from a log, say
		visit := func() {
			who := b.Get("/").Body
			renewed := cloakroom.Ticket(b.Cookies("/")[0].Value) != stolen
			fmt.Printf("%s is logged in, with another ticket: %t\n", who, renewed)
		}
		try := func() {
			s, err := sessions.Open(context.Background(), stolen)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("  the first ticket is of %q: %v\n", s.User(), s.Ended())
		}

		time.Sleep(59 * time.Minute)
		visit()
		time.Sleep(time.Minute)
		visit() // the answer brings the new ticket
		try()
		visit() // with the new one
		time.Sleep(31 * time.Second)
		visit()
		try()
	})
	// Output:
	// ada is logged in, with another ticket: false
	// ada is logged in, with another ticket: true
	//   the first ticket is of "ada": <nil>
	// ada is logged in, with another ticket: true
	// ada is logged in, with another ticket: true
	//   the first ticket is of "": the session has moved to another ticket
}
