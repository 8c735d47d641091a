package dynamostore

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/cloakroom/cloakroom/internal/printtest"
)

func TestStoresPrintNoPassword(t *testing.T) {
	const secret = "canary-of-a-secret-access-key"
	s, err := New(dynamodb.New(dynamodb.Options{
		Region: "local", Credentials: credentials.NewStaticCredentialsProvider("id", secret, ""),
	}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	printtest.Silent(t, "*Store", s, secret)
}
