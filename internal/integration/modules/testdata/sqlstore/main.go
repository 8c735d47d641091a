// A program with sqlstore and the driver for SQLite.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	_ "modernc.org/sqlite"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

const visits = cloakroom.Key[int]("visits")

func main() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	records, err := sqlstore.New(db, sqlstore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if err := records.EnsureSchema(ctx); err != nil {
		log.Fatal(err)
	}
	sessions, err := cloakroom.New(records, cloakroom.Options{})
	if err != nil {
		log.Fatal(err)
	}
	var ticket cloakroom.Ticket
	for range 2 {
		s, err := sessions.Open(ctx, ticket)
		if err != nil {
			log.Fatal(err)
		}
		visits.Update(s, func(n int) int { return n + 1 })
		if ticket, err = sessions.Commit(ctx, s); err != nil {
			log.Fatal(err)
		}
		n, _ := visits.Get(s)
		fmt.Println("visits:", n)
	}
}
