package cloakroom_test

import (
	"context"
	"fmt"
	"log"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A server that speaks no HTTP opens the session for each message and commits it: so
// it sees what other requests have changed, and notices a logout.
func ExampleManager_Open() {
	ctx := context.Background()
	sessions, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	const messages = cloakroom.Key[int]("messages")

	// handle is called for each message, with the ticket of the request that
	// opened the connection.
	handle := func(ticket cloakroom.Ticket, text string) error {
		s, err := sessions.Open(ctx, ticket)
		if err != nil {
			return err // the store is unavailable
		}
		if err := s.Ended(); err != nil {
			fmt.Println(err)
			return nil
		}
		messages.Update(s, func(n int) int { return n + 1 })
		n, _ := messages.Get(s)
		fmt.Printf("%d: %s\n", n, text)
		_, err = sessions.Commit(ctx, s)
		return err
	}

	s, err := sessions.Open(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	s.Set("user", "Ada")
	ticket, err := sessions.Commit(ctx, s)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the ticket prints as", ticket)
	handle(ticket, "hello")
	handle(ticket, "are you there?")
	s.Destroy()
	sessions.Commit(ctx, s)
	handle(ticket, "hello?")
	// Output:
	// the ticket prints as [redacted]
	// 1: hello
	// 2: are you there?
	// the session has ended
}
