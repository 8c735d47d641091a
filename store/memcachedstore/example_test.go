package memcachedstore_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memcachedstore"
)

// Several servers, spread over as all programs that share the records must
// spread over them: here as pymemcache's HashClient does. With one server, or
// with this library alone, the zero Options do.
func Example() {
	sessions, err := memcachedstore.New(
		[]string{"10.0.0.5:11211", "10.0.0.6:11211", "10.0.0.7:11211"},
		memcachedstore.Options{Distribution: memcachedstore.Pymemcache})
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()

	// New does not connect. To refuse to start without all servers:
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := sessions.Ping(ctx); err != nil {
		log.Fatal(err, " ", store.Advice(err))
	}
}

// A program that reads the address from its configuration.
func ExampleOpeners() {
	_, err := memcachedstore.Openers().Open(context.Background(), "memcached://cache1,cache2:11212/?distribution=random")
	fmt.Println(err)
	// Output:
	// store: open memcached: memcachedstore: open: unknown distribution "random"; known are ketama, pymemcache, python-memcached, pylibmc
}
