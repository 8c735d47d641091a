// Quickstart is the README's example.
package main

import (
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/memstore"
)

const visits = cloakroom.Key[int]("visits")

func main() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{Insecure: true}) // no TLS on localhost
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		visits.Update(s, func(n int) int { return n + 1 })
		n, _ := visits.Get(s)
		fmt.Fprintf(w, "You have been here %d times.\n", n)
	})
	log.Fatal(http.ListenAndServe("localhost:8080", sessions.Handler(http.DefaultServeMux)))
}
