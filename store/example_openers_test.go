package store_test

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A program that reads its store from its configuration lists the stores that
// it offers. One that always uses the same store calls that package's New.
func ExampleOpeners() {
	openers := memstore.Openers().With(filestore.Openers())

	s, err := openers.Open(context.Background(), "memory:?max_bytes=268435456")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close(s)
	fmt.Printf("%T\n", s)

	_, err = openers.Open(context.Background(), "redis://user:secret@localhost/")
	fmt.Println(err)
	// Output:
	// *memstore.Store
	// store: open: no store for scheme "redis"; known are file, memory
}
