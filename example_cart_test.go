package cloakroom_test

import (
	"fmt"
	"log"
	"net/http"
	"sync"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A struct in the session, changed by several requests at the same time. With
// Get, a change and Set, the later save would win and items would be missing.
func ExampleKey_Update() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	type Cart struct {
		Items []string `msgpack:"items"`
	}
	const cart = cloakroom.Key[Cart]("cart")

	mux := http.NewServeMux()
	mux.HandleFunc("/add", func(w http.ResponseWriter, r *http.Request) {
		cart.Update(cloakroom.From(r), func(c Cart) Cart {
			c.Items = append(c.Items, r.FormValue("item"))
			return c
		})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c, _ := cart.Get(cloakroom.From(r))
		fmt.Fprintln(w, len(c.Items), "items")
	})

	b := cloakroomtest.NewBrowser(sessions.Handler(mux))
	b.Get("/add?item=tea")
	var impatient sync.WaitGroup
	for range 5 {
		impatient.Go(func() { b.Get("/add?item=biscuit") })
	}
	impatient.Wait()
	fmt.Print(b.Get("/").Body)
	// Output: 6 items
}
