package cloakroom_test

import (
	"crypto/rand"
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
)

// The cookie is the session: no store to run. Right for a little data whose
// loss or return does no harm; see NewCookie for what it cannot do. A key is
// rotated as ExampleManager_CountKeys shows; cookies cannot be counted.
func ExampleNewCookie() {
	key := make([]byte, 32) // in a program: from a file or a secret manager, the same in every process
	rand.Read(key)
	sessions, err := cloakroom.NewCookie([][]byte{key}, cloakroom.Options{Permanent: true})
	if err != nil {
		log.Fatal(err)
	}
	const language = cloakroom.Key[string]("language")

	mux := http.NewServeMux()
	mux.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) {
		language.Set(cloakroom.From(r), r.FormValue("language"))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		choice, _ := language.Get(cloakroom.From(r))
		fmt.Fprintf(w, "language: %q\n", choice)
	})

	b := cloakroomtest.NewBrowser(sessions.Handler(mux))
	fmt.Print(b.Get("/").Body)
	b.Get("/set?language=nl")
	fmt.Print(b.Get("/").Body)
	// Output:
	// language: ""
	// language: "nl"
}
