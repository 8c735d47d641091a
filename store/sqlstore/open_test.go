package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

var openers = Openers().With(store.Openers{"x": Open})

// sourceOf returns what the driver is told to connect to for a URL.
func sourceOf(t *testing.T, f fake, rawURL string) string {
	t.Helper()
	_, err := openers.Open(t.Context(), rawURL)
	if err == nil || !strings.Contains(err.Error(), errFake.Error()) {
		t.Fatalf("Open = %v, want it to get as far as the driver", err)
	}
	return <-f.sources
}

func TestOpenTellsTheDriver(t *testing.T) {
	for _, c := range []struct {
		name, url, want string
		driver          fake
	}{
		{"PostgreSQL", "postgres://u:p%40ss@host:5433/db?sslmode=disable&table=t&sweep_interval=1h",
			"postgres://u:p%40ss@host:5433/db?sslmode=disable", fakePostgres},
		{"PostgreSQL's other scheme", "postgresql://host/db?layout=flask-postgresql&expiry_time_zone=Asia/Tokyo",
			"postgres://host/db", fakePostgres},
		{"PostgreSQL through a socket", "postgres:///db?host=/run/postgresql&create_table=1&options=-c+a%3Db",
			"postgres:///db?host=%2Frun%2Fpostgresql&options=-c%20a%3Db", fakePostgres},
		{"MySQL", "mysql://u:p%40s%2Fs%3A%25@host/db?tls=true&max_open_conns=3", "u:p@s/s:%@tcp(host:3306)/db?tls=true", fakeMySQL},
		{"MySQL by IPv6", "mysql://u@[::1]:3307/db", "u:@tcp([::1]:3307)/db?", fakeMySQL},
		{"MariaDB through a socket", "mariadb://u@/d%20b?socket=/run/my.sock&loc=US/Pacific",
			"u:@unix(/run/my.sock)/d%20b?loc=US%2FPacific", fakeMySQL},
		{"MySQL here", "mysql:///db?unprepared=true", "tcp(127.0.0.1:3306)/db?", fakeMySQL},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sourceOf(t, c.driver, c.url); got != c.want {
				t.Errorf("the driver is told %s, want %s", got, c.want)
			}
		})
	}
}

func TestOpenSetsOptions(t *testing.T) {
	u, err := url.Parse("postgres://h/db?layout=flask-sqlalchemy&schema=s&table=t&sequence=q&unprepared=true&sweep_interval=-1s&max_open_conns=7&create_table=true")
	if err != nil {
		t.Fatal(err)
	}
	s, create, err := openURL(u)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := s.opts
	if !create || o.Layout != FlaskSQLAlchemy || o.Schema != "s" || o.Table != "t" || o.Sequence != "q" ||
		!o.Unprepared || o.SweepInterval != -time.Second || o.Dialect != PostgreSQL {
		t.Errorf("options = %+v, create %v", o, create)
	}
	if n := s.db.Stats().MaxOpenConnections; n != 7 {
		t.Errorf("%d connections at most, want 7", n)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ name, url, want string }{
		{"an unknown parameter", "postgres://h/db?sslmode=disable&tabel=x&ttl=3", `"tabel", "ttl"; known are`},
		{"another database's parameter", "mysql://h/db?sslmode=disable", `"sslmode"`},
		{"a parameter given twice", "mysql://h/db?table=a&table=b", `"table" is given 2 times`},
		{"a bad truth", "mysql://h/db?create_table=perhaps", `"create_table"`},
		{"a bad duration", "mysql://h/db?sweep_interval=soon", `"sweep_interval"`},
		{"no connections", "mysql://h/db?max_open_conns=0", "above zero"},
		{"an unknown layout", "mysql://h/db?layout=flask", `layout "flask"`},
		{"a layout of another database", "mysql://h/db?layout=flask-postgresql", "for postgresql, not for mysql"},
		{"a time zone that does not matter", "postgres://h/db?expiry_time_zone=UTC", "TimeZone"},
		{"a time zone that is none", "postgres://h/db?layout=flask-postgresql&expiry_time_zone=a'b", "not the name of a time zone"},
		{"a sequence that does not matter", "postgres://h/db?sequence=s", "Sequence"},
		{"a long name", "postgres://h/db?table=" + strings.Repeat("t", 51), "at most 50"},
		{"a name with a line feed", "postgres://h/db?table=a%0ab", "no name may have"},
		{"no database", "mysql://h/", "names no database"},
		{"a host and a socket", "mysql://h/db?socket=/s", "a host and a socket"},
		{"a fragment", "mysql://h/db#x", "fragment"},
		{"a bad query", "mysql://h/db?x=%zz", "query"},
		{"a missing driver", "sqlite:x.db", "no database driver for sqlite"},
		{"a scheme of others", "x://h/db", `scheme "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := openers.Open(t.Context(), c.url)
			if err == nil || s != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, %v, want an error with %s", s, err, c.want)
			}
		})
	}
}

func TestOpenersHaveEveryScheme(t *testing.T) {
	_, err := openers.Open(t.Context(), "x://h/db")
	_, known, _ := strings.Cut(err.Error(), "known are ")
	for _, scheme := range strings.Split(strings.Replace(known, " and ", ", ", 1), ", ") {
		if Openers()[scheme] == nil {
			t.Errorf("Open knows %q, and Openers does not", scheme)
		}
	}
	for scheme := range Openers() {
		if _, err := openers.Open(t.Context(), scheme+"://h/db?wrong=1"); err == nil || strings.Contains(err.Error(), "unknown scheme") {
			t.Errorf("Openers has %q, of which Open says %v", scheme, err)
		}
	}
}

func TestOpenSaysWhichImportIsMissing(t *testing.T) {
	_, err := openers.Open(t.Context(), "sqlite:x.db")
	if got, want := store.Advice(err), `import _ "modernc.org/sqlite"`; !strings.Contains(got, want) {
		t.Errorf("advice = %q, want %s in it", got, want)
	}
}

func TestOpenKeepsThePassword(t *testing.T) {
	for _, rawURL := range []string{
		"postgres://u:hunter2@h/db", "postgres://u@h/db?password=hunter2", "mysql://u:hunter2@h/db",
		"mysql://u:hunter2@h/db?wrong=1", "mysql://u:hunter2@h/db?x=%zz", "postgres://u:hunter2@h/db?password=hunter2%zz",
	} {
		_, err := openers.Open(t.Context(), rawURL)
		if err == nil || strings.Contains(err.Error()+store.Advice(err), "hunter2") {
			t.Errorf("Open = %v, want an error without the password", err)
		}
		for len(fakePostgres.sources)+len(fakeMySQL.sources) > 0 {
			select {
			case <-fakePostgres.sources:
			case <-fakeMySQL.sources:
			}
		}
	}
}

func TestNewTellsTheDialect(t *testing.T) {
	if _, err := New(nil, Options{}); err == nil {
		t.Error("New without a database = nil, want an error")
	}
	unknown := sql.OpenDB(connectorTo{fakePostgres})
	defer unknown.Close()
	if _, err := New(unknown, Options{}); err == nil || !strings.Contains(err.Error(), "Options.Dialect") {
		t.Errorf("New with an unknown driver = %v, want a hint at Options.Dialect", err)
	}
	s, err := New(unknown, Options{Dialect: SQLite})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := New(unknown, Options{Dialect: "oracle"}); err == nil || !strings.Contains(err.Error(), `"oracle"`) {
		t.Errorf("New for Oracle = %v, want an error that names it", err)
	}
}

// A mute server takes connections and says nothing.
type mute struct{ driver.Connector }

func (mute) Connect(ctx context.Context) (driver.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestOpenDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := sql.OpenDB(mute{connectorTo{fakePostgres}})
		defer db.Close()
		s, err := New(db, Options{Dialect: PostgreSQL, SweepInterval: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, create := range []bool{true, false} {
			err := s.start(context.Background(), create)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(store.Advice(err), "does not answer in time") {
				t.Errorf("start = %v with advice %q, want DeadlineExceeded with some", err, store.Advice(err))
			}
		}
	})
}
