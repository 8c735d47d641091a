// A program that needs the root module only: one visitor, two requests.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

const visits = cloakroom.Key[int]("visits")

func main() {
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	var ticket cloakroom.Ticket
	for range 2 {
		s, err := sessions.Open(context.Background(), ticket)
		if err != nil {
			log.Fatal(err)
		}
		visits.Update(s, func(n int) int { return n + 1 })
		if ticket, err = sessions.Commit(context.Background(), s); err != nil {
			log.Fatal(err)
		}
		n, _ := visits.Get(s)
		fmt.Println("visits:", n)
	}
	dir, err := os.MkdirTemp("", "cloakroom")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	files, err := filestore.New(dir, filestore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("files:", files.Close())
	_, err = flask.New(nil, flask.Config{}, cloakroom.Options{})
	fmt.Println("flask without a key is refused:", err != nil)
}
