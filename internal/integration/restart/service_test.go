// Package restart_test is about services that share their sessions without a
// server between them: one of two dies by kill -9 under load and comes back.
package restart_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/sqlstore"

	_ "modernc.org/sqlite"
)

var openers = filestore.Openers().With(sqlstore.Openers())

// The services are this test binary again, told by its arguments where to
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
	h, err := service(s)
	if err != nil {
		return err
	}
	return http.ListenAndServe(addr, h)
}

const counter = cloakroom.Key[int]("counter")

// service counts a visitor's requests, and answers with the number.
func service(s store.Store) (http.Handler, error) {
	// Nobody is to be turned away because a disk is slow.
	m, err := cloakroom.New(s, cloakroom.Options{Insecure: true, StoreTimeout: time.Minute})
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

// The service that lives goes on, and what was answered 200 is there when the
// other one is back.
func TestServiceThatIsKilled(t *testing.T) {
	for _, c := range []struct{ name, url string }{
		{"SQLite", "sqlite:%s.db"},
		{"files", "file:%s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := fmt.Sprintf(c.url, filepath.Join(t.TempDir(), "sessions"))
			dies, lives := start(t, address), start(t, address)
			crowd := newCrowd(t, "http://"+dies.Addr(), "http://"+lives.Addr())
			atTheOther := func(tb *tab) bool { return strings.HasSuffix(tb.url, lives.Addr()) }
			for range 3 {
				crowd.await("200", 5, saved, everyTab)
				dies.Kill(t)
				crowd.await("200 from the service that lives", 5, saved, atTheOther)
				dies.Restart(t)
				crowd.await("200 after the restart", 2, saved, everyTab)
			}
			for _, tb := range crowd.tabs {
				if atTheOther(tb) && tb.turnedAway.Load() > 0 {
					t.Error("the service that lives turned visitors away")
				}
			}
			crowd.goHome()
		})
	}
}

// start starts a service of its own.
func start(t *testing.T, address string) *testserver.Process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return testserver.Start(t, testserver.Server{Program: exe, Args: func(p *testserver.Process) []string {
		return []string{serveFlag, p.Addr(), address}
	}})
}
