package cachestore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/cachestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// The bound must be stated, because it is a choice: here a session that is
// revoked through another process may be used in this one for two seconds.
func Example() {
	ctx := context.Background()
	shared := memstore.New(memstore.Options{}) // in earnest a store that several processes use

	sessions, err := cachestore.New(shared, cachestore.Options{StaleFor: 2 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close() // closes the shared store, too

	sessions.Save(ctx, "session", store.Record{}, store.Record{Data: []byte("cart: 3 apples")})
	for range 3 {
		r, _ := sessions.Load(ctx, "session")
		fmt.Printf("%s\n", r.Data)
	}
	fmt.Println("loads from memory:", sessions.Stats().Hits)

	// A revocation through this process counts at once.
	sessions.Delete(ctx, "session")
	_, err = sessions.Load(ctx, "session")
	fmt.Println(errors.Is(err, store.ErrNotFound))
	// Output:
	// cart: 3 apples
	// cart: 3 apples
	// cart: 3 apples
	// loads from memory: 3
	// true
}
