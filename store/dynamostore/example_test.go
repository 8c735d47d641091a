package dynamostore_test

import (
	"context"
	"errors"
	"log"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/dynamostore"
)

// A program that has a client already keeps sessions in a table of the same
// account and region.
func ExampleNew() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	s, err := dynamostore.New(dynamodb.NewFromConfig(cfg), dynamostore.Options{Table: "Sessions"})
	if err != nil {
		log.Fatal(err)
	}
	// Not where the table is created by other means.
	err = s.EnsureTable(ctx)
	if errors.Is(err, store.ErrUnsupported) {
		log.Print(err, ": ", store.Advice(err))
	} else if err != nil {
		log.Fatal(err)
	}
}

// A program that is configured by a URL opens whatever store that names.
func ExampleOpeners() {
	s, err := dynamostore.Openers().Open(context.Background(), "dynamodb://Sessions?region=eu-central-1")
	if err != nil {
		log.Fatal(err, ": ", store.Advice(err))
	}
	defer store.Close(s)
}
