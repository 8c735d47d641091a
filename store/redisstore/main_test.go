package redisstore_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/contend"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// single serves all tests that leave the server as it was.
var single = testserver.Shared{Server: testserver.Redis()}

func TestMain(m *testing.M) {
	contend.Child(func(ctx context.Context, text string) (store.Store, error) {
		u, err := url.Parse(text)
		if err != nil {
			return nil, err
		}
		return redisstore.Open(ctx, u)
	})
	testserver.Main(m, &single)
}

// open opens a URL for a test.
func open(t testing.TB, rawURL string) *redisstore.Store {
	t.Helper()
	s, err := tryOpen(t, rawURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func tryOpen(t testing.TB, rawURL string) (*redisstore.Store, error) {
	t.Helper()
	return openContext(t, t.Context(), rawURL)
}

func openContext(t testing.TB, ctx context.Context, rawURL string) (*redisstore.Store, error) {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	s, err := redisstore.Open(ctx, u)
	if err != nil {
		return nil, err
	}
	return s.(*redisstore.Store), nil
}

func urlOf(p *testserver.Process) string { return "redis://" + p.Addr() + "/" }

// client makes a client as a program of its own would have it.
func client(t testing.TB, o rueidis.ClientOption) rueidis.Client {
	t.Helper()
	c, err := rueidis.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// conform runs the whole suite on the stores of a URL.
func conform(t *testing.T, rawURL string, o storetest.Options) {
	t.Helper()
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, rawURL) }, o)
}
