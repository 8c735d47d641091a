package mongostore

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// What FerretDB 1.24 lacks of a MongoDB, so that these tests cannot show it:
//
//   - Commands that change a document are not atomic: the document is read,
//     compared and written in steps that others may come between. A
//     testserver.Gate in front of it lets in one command at a time.
//   - Indexes that remove expired documents (error 238). So
//     TestEnsureIndexes sees EnsureIndexes answer ErrUnsupported, and Cleaner
//     counts exactly.
//   - Replica sets: no failover, no retryable writes, and a write concern of
//     majority is satisfied by the one server there is.
//   - Roles: a user may do everything or nothing. The texts and codes of what
//     a MongoDB denies are tested without a server.
//   - Collations.
//   - The code for a unique index over documents that are not (11000): it has
//     an internal error instead.
var ferretDB = testserver.Shared{Server: testserver.FerretDB()}

// gateOnce is the gate to the shared server.
var gateOnce sync.Once
var sharedGate *testserver.Gate

// server returns the address of the shared server.
func server(t testing.TB) string {
	t.Helper()
	p := ferretDB.Get(t)
	gateOnce.Do(func() {
		g, err := testserver.NewGate(p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		sharedGate = g
	})
	return sharedGate.Addr()
}

// own starts a server for one test.
func own(t *testing.T, s testserver.Server) (p *testserver.Process, addr string) {
	t.Helper()
	p = testserver.Start(t, s)
	g, err := testserver.NewGate(p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return p, g.Addr()
}

var collections atomic.Int64

// fresh returns the URL of a collection that nobody else uses. The server
// belongs to this test binary, so it need not be removed.
func fresh(addr, layout string) string {
	return fmt.Sprintf("mongodb://%s/test?collection=c%d&layout=%s", addr, collections.Add(1), layout)
}

var layouts = []string{"native", "flask"}

// open opens a store that is closed with the test.
func open(t testing.TB, rawURL string) *Store {
	t.Helper()
	s, err := openURL(t.Context(), rawURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
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

// client returns a client of the program's own.
func client(t *testing.T, addr string) *mongo.Client {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Disconnect(context.Background()) })
	return c
}

var _ store.Store = (*Store)(nil)
