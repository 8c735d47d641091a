// Package outage_test is about whole services: a visitor's request passes
// HTTP, a Manager and a store, and what is behind the store, or the service
// itself, dies by kill -9 under load and comes back.
package outage_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/dynamostore"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memcachedstore"
	"github.com/cloakroom/cloakroom/store/mongostore"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/sqlstore"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

var openers = store.Openers{
	"file": filestore.Open, "sqlite": sqlstore.Open, "postgres": sqlstore.Open, "mariadb": sqlstore.Open,
	"redis": redisstore.Open, "memcached": memcachedstore.Open, "mongodb": mongostore.Open, "dynamodb": dynamostore.Open,
}

// Other services are this test binary again, told by its arguments where to
// listen and which store to open.
const serveFlag = "-serve"

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == serveFlag {
		fmt.Fprintln(os.Stderr, serveUntilKilled(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	testserver.Main(m)
}

func serveUntilKilled(addr, address string) error {
	s, err := openers.Open(context.Background(), address)
	if err != nil {
		return err
	}
	// Nobody is to be turned away because a disk is slow.
	h, err := service(s, time.Minute, slog.Default())
	if err != nil {
		return err
	}
	return http.ListenAndServe(addr, h)
}

const counter = cloakroom.Key[int]("counter")

// service counts a visitor's requests, and answers with the number.
func service(s store.Store, timeout time.Duration, log *slog.Logger) (http.Handler, error) {
	m, err := cloakroom.New(s, cloakroom.Options{Insecure: true, StoreTimeout: timeout, Logger: log})
	if err != nil {
		return nil, err
	}
	return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session := cloakroom.From(r)
		if r.Method == http.MethodPost {
			counter.Update(session, func(n int) int { return n + 1 })
		}
		n, _ := counter.Get(session)
		fmt.Fprint(w, n)
	})), nil
}
