package mongostore_test

import (
	"context"
	"errors"
	"log"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/mongostore"
)

// A program that has a client already keeps sessions in a collection of its
// database.
func ExampleNew() {
	ctx := context.Background()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://localhost:27017"))
	if err != nil {
		log.Fatal(err)
	}
	s, err := mongostore.New(client.Database("app").Collection("sessions"), mongostore.Options{})
	if err != nil {
		log.Fatal(err)
	}
	err = s.EnsureIndexes(ctx)
	if errors.Is(err, store.ErrUnsupported) {
		log.Print(err, ": ", store.Advice(err))
	} else if err != nil {
		log.Fatal(err)
	}
}

// A program that is configured by a URL opens whatever store that names.
func ExampleOpeners() {
	s, err := mongostore.Openers().Open(context.Background(), "mongodb://localhost:27017/app?ensure_indexes=true")
	if err != nil {
		log.Fatal(err, ": ", store.Advice(err))
	}
	defer store.Close(s)
}
