package outage_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// log is where a service logs to.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The server dies under load, or hangs. While it is gone visitors see 503 and keep their
// tickets, the log says what to do, and the service goes on by itself. What
// was answered 200 is there afterwards, if the server keeps it.
func TestServerThatIsKilled(t *testing.T) {
	for _, c := range []struct {
		name    string
		server  testserver.Server
		durable bool
		always  bool // the log says what to do for each way in which connections end
		url     func(t *testing.T, p *testserver.Process) string
	}{
		{"PostgreSQL", testserver.Postgres(), true, true, func(_ *testing.T, p *testserver.Process) string {
			return testserver.PostgresURL(p, "postgres").String() + "&create_table=true"
		}},
		{"MariaDB", testserver.MariaDB(), true, true, func(_ *testing.T, p *testserver.Process) string {
			return testserver.MariaDBURL(p, "cloakroom").String() + "?create_table=true"
		}},
		{"Redis", testserver.Redis("appendonly yes", "appendfsync always"), true, false, func(_ *testing.T, p *testserver.Process) string {
			return "redis://" + p.Addr()
		}},
		{"MongoDB's protocol", testserver.FerretDB(), true, true, func(t *testing.T, p *testserver.Process) string {
			gate, err := testserver.NewGate(p.Addr())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { gate.Close() })
			return "mongodb://" + gate.Addr() + "/?serverSelectionTimeoutMS=500"
		}},
		{"DynamoDB's protocol", testserver.Dynalite(), false, true, func(_ *testing.T, p *testserver.Process) string {
			return "dynamodb://test:test@Sessions?region=local&endpoint=http://" + p.Addr()
		}},
		{"Memcached", testserver.Memcached(), false, false, func(_ *testing.T, p *testserver.Process) string {
			return "memcached://" + p.Addr()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := testserver.Start(t, c.server)
			s, err := openers.Open(t.Context(), c.url(t, p))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close(s) })
			var lines log
			h, err := service(s, 2*time.Second, slog.New(slog.NewTextHandler(&lines, nil)))
			if err != nil {
				t.Fatal(err)
			}
			front := httptest.NewServer(h)
			t.Cleanup(front.Close)
			crowd := newCrowd(t, c.durable, false, front.URL)
			for range 2 {
				crowd.await("200", 5, saved, everyTab)
				p.Kill(t)
				crowd.await("503 without the server", 1, turnedAway, everyTab)
				p.Restart(t)
				crowd.await("200 after the restart", 2, saved, everyTab)
			}
			p.Pause(t)
			crowd.await("503 while the server hangs", 1, turnedAway, everyTab)
			p.Resume(t)
			crowd.await("200 when it goes on", 2, saved, everyTab)
			crowd.goHome()
			advised := 0
			for line := range strings.Lines(lines.String()) {
				if strings.Contains(line, "advice=") {
					advised++
				} else if c.always {
					t.Errorf("logged without advice: %s", line)
				}
				if strings.Contains(line, "sesame") {
					t.Errorf("logged with the password: %s", line)
				}
			}
			if advised == 0 {
				t.Error("no line of the log says what to do")
			}
		})
	}
}

// Where there is no server the service itself dies, one of two that share the
// sessions. The other one goes on.
func TestServiceThatIsKilled(t *testing.T) {
	for _, c := range []struct{ name, url string }{
		{"SQLite", "sqlite:%s.db"},
		{"files", "file:%s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := fmt.Sprintf(c.url, filepath.Join(t.TempDir(), "sessions"))
			dies, lives := start(t, address), start(t, address)
			crowd := newCrowd(t, true, true, "http://"+dies.Addr(), "http://"+lives.Addr())
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
