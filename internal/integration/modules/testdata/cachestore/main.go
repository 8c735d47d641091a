// A program with a near cache in front of a store.
package main

import (
	"fmt"
	"log"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/cachestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func main() {
	records, err := cachestore.New(memstore.New(memstore.Options{}), cachestore.Options{StaleFor: time.Second})
	if err != nil {
		log.Fatal(err)
	}
	_, err = cloakroom.New(records, cloakroom.Options{})
	fmt.Println("made:", err == nil)
}
