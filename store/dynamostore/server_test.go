package dynamostore

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
)

// What dynalite 4 lacks of DynamoDB, so that these tests cannot show it:
//
//   - Time to live (UpdateTimeToLive is an unknown operation). So
//     EnsureTable answers ErrUnsupported, Cleaner counts exactly, and what
//     EnsureTable does where there is a time to live is tested with a client
//     that plays the server.
//   - Credentials and rights: it takes any. What DynamoDB denies and how it
//     throttles is tested with a server that says what DynamoDB says.
//   - Several regions.
var dynalite = testserver.Shared{Server: testserver.Dynalite()}

// server returns the address of the shared server.
func server(t testing.TB) string {
	t.Helper()
	return dynalite.Get(t).Addr()
}

var tables atomic.Int64

// fresh returns the URL of a table that nobody else uses. The server belongs
// to this test binary, so it need not be removed.
func fresh(addr, layout string) string {
	return fmt.Sprintf("dynamodb://test:test@t.%d.%d?region=local&endpoint=http://%s&layout=%s",
		os.Getpid(), tables.Add(1), addr, layout)
}

var layouts = []string{"native", "flask"}

// open opens a store that is closed with the test.
func open(t testing.TB, rawURL string) *Store {
	t.Helper()
	s, err := openURL(t.Context(), rawURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openURL(ctx context.Context, rawURL string) (*Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	s, err := Open(ctx, u)
	if err != nil {
		return nil, err
	}
	return s.(*Store), nil
}
