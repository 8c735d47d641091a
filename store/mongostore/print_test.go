package mongostore

import (
	"context"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/cloakroom/cloakroom/internal/printtest"
)

func TestStoresPrintNoPassword(t *testing.T) {
	const secret = "canary-of-a-password"
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://user:" + secret + "@127.0.0.1:1/"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(context.WithoutCancel(t.Context()))
	s, err := New(client.Database("d").Collection("c"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	printtest.Silent(t, "*Store", s, secret)
}
