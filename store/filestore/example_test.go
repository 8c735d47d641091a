//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/filestore"
)

// Sessions in files outlive a restart of the program. Take them for one machine
// without a server for sessions; memstore if they may end with the program.
func Example() {
	ctx := context.Background()
	temp, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(temp)
	dir := filepath.Join(temp, "sessions") // in earnest: /var/lib/app/sessions

	start := func() (*cloakroom.Manager, *filestore.Store) {
		records, err := filestore.New(dir, filestore.Options{})
		if err != nil {
			log.Fatal(err)
		}
		sessions, err := cloakroom.New(records, cloakroom.Options{})
		if err != nil {
			log.Fatal(err)
		}
		return sessions, records
	}

	sessions, records := start()
	s, err := sessions.Open(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	s.Set("user", "ada")
	ticket, err := sessions.Commit(ctx, s)
	if err != nil {
		log.Fatal(err)
	}
	records.Close()

	sessions, records = start()
	defer records.Close()
	if s, err = sessions.Open(ctx, ticket); err != nil {
		log.Fatal(err)
	}
	fmt.Println("after the restart:", s.Get("user"))
	// Output: after the restart: ada
}
