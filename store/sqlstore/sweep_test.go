package sqlstore

import (
	"database/sql"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// lines are what is logged.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default: // one is enough
	}
	return len(p), nil
}

// Who does not ask is told all the same that nothing is removed.
func TestSweepsThatFailAreLogged(t *testing.T) {
	logged := make(lines, 1)
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, nil)))
	db := sql.OpenDB(connectorTo{fakePostgres})
	defer db.Close()
	s, err := New(db, Options{Dialect: PostgreSQL, SweepInterval: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if line := <-logged; !strings.Contains(line, "sqlstore: sweep: "+errFake.Error()) {
		t.Errorf("logged %s, want the error of a sweep", line)
	}
}
