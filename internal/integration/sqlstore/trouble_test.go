package sqlstore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

// helps checks that err says what is wrong and what to do, and is not taken
// for the end of a session.
func helps(t *testing.T, err error, advice string) {
	t.Helper()
	if err == nil || !strings.Contains(store.Advice(err), advice) {
		t.Errorf("error = %v, advice %q, want one with %q", err, store.Advice(err), advice)
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		t.Errorf("error = %v, which says that there is no such record", err)
	}
	if err != nil && strings.Contains(err.Error(), "xWv9kJ") {
		t.Errorf("error = %v, which shows the password", err)
	}
}

func TestOpenFindsWhatIsWrong(t *testing.T) {
	pg, my := inPostgres.url(t), inMariaDB.url(t)
	user := func(u *url.URL, name, password string) *url.URL {
		c := *u
		c.User = url.UserPassword(name, password)
		return &c
	}
	at := func(u *url.URL, host, path string) *url.URL {
		c := *u
		c.Host, c.Path = host, path
		return &c
	}
	for _, c := range []struct {
		name   string
		url    *url.URL
		advice string
	}{
		{"wrong password, PostgreSQL", user(pg, "postgres", "wrong"), "password"},
		{"wrong password, MariaDB", user(my, "cloakroom", "wrong"), "password"},
		{"wrong user, PostgreSQL", user(pg, "nobody", testserver.Password), "password"},
		{"wrong database, PostgreSQL", at(pg, pg.Host, "/missing"), "name of the database"},
		{"wrong database, MariaDB", at(my, my.Host, "/missing"), "name of the database"},
		{"wrong schema, PostgreSQL", with(pg, "schema=missing", "create_table=true"), "name of the database or schema"},
		{"wrong port, PostgreSQL", at(pg, "127.0.0.1:1", pg.Path), "host and port"},
		{"wrong port, MariaDB", at(my, "127.0.0.1:1", my.Path), "host and port"},
		{"wrong socket, PostgreSQL", with(at(pg, "", pg.Path), "host=/nowhere"), "host and port"},
		{"wrong socket, MariaDB", with(at(my, "", my.Path), "socket=/nowhere"), "host and port"},
		{"no table, PostgreSQL", with(pg, "table=missing"), `"missing" with EnsureSchema`},
		{"no table, MariaDB", with(my, "table=missing"), "`missing` with EnsureSchema"},
		{"another table, PostgreSQL", with(pg, "table=pg_class"), "EnsureSchema"},
		{"another table, MariaDB", with(my, "schema=mysql", "table=user"), "EnsureSchema"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := openers.Open(t.Context(), c.url.String())
			if s != nil {
				t.Errorf("Open returns %v", s)
			}
			helps(t, err, c.advice)
		})
	}
}

func TestReadOnlyPostgreSQL(t *testing.T) {
	u := inPostgres.fresh(t)
	put(t, open(t, u), "k", "data")
	u = with(u, "options=-c default_transaction_read_only=on", "create_table=false")
	_, err := openers.Open(t.Context(), u.String())
	helps(t, err, "primary")

	db := openDB(t, "pgx", with(inPostgres.url(t), "options=-c default_transaction_read_only=on").String())
	defer db.Close()
	s, err := sqlstore.New(db, sqlstore.Options{Table: u.Query().Get("table")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := holds(t, s, "k", "data")
	_, err = s.Save(t.Context(), "k", r, rec("more"))
	helps(t, err, "primary")
	helps(t, s.Touch(t.Context(), "k", r, time.Time{}), "primary")
	helps(t, s.Delete(t.Context(), "k"), "primary")
}

// A user who may not create tables, as careful administrators have it.
func TestUserWithFewRights(t *testing.T) {
	for _, c := range []struct {
		place place
		setUp string
	}{
		{inPostgres, `CREATE USER %[1]s PASSWORD 'app'; REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT SELECT, INSERT, UPDATE, DELETE ON %[2]s TO %[1]s`},
		{inMariaDB, `CREATE USER %[1]s IDENTIFIED BY 'app'; GRANT SELECT, INSERT, UPDATE, DELETE ON %[2]s TO %[1]s`},
	} {
		t.Run(c.place.name, func(t *testing.T) {
			t.Parallel()
			u := c.place.fresh(t)
			open(t, u)
			db := plain(t, c.place, u)
			defer db.Close()
			user := "app" + strings.ToLower(rand.Text()[:10])
			for text := range strings.SplitSeq(fmt.Sprintf(c.setUp, user, quoted(c.place, u.Query().Get("table"))), ";") {
				execute(t, db, text)
			}
			u.User = url.UserPassword(user, "app")
			_, err := openers.Open(t.Context(), u.String())
			helps(t, err, "have an administrator run what `cloakroom ddl` prints")
			s := open(t, with(u, "create_table=false"))
			put(t, s, "k", "data")
			holds(t, s, "k", "data")
		})
	}
}

// A replica that follows a primary, as a URL with the wrong host may name it.
func TestReplicaOfPostgreSQL(t *testing.T) {
	t.Parallel()
	primary := testserver.Start(t, testserver.Postgres("fsync=off"))
	s := open(t, with(testserver.PostgresURL(primary, "postgres"), "create_table=true"))
	r := put(t, s, "k", "data")
	server := testserver.Postgres("fsync=off")
	server.Prepare = func(p *testserver.Process) error {
		return p.Run("pg_basebackup", "-h", primary.Dir, "-p", strconv.Itoa(primary.Port), "-U", "postgres",
			"-D", p.Path("data"), "-R", "-c", "fast", "--no-sync")
	}
	u := testserver.PostgresURL(testserver.Start(t, server), "postgres")
	for _, params := range [][]string{nil, {"create_table=true"}} {
		_, err := openers.Open(t.Context(), with(u, params...).String())
		helps(t, err, "primary")
	}
	db := openDB(t, "pgx", u.String())
	defer db.Close()
	replica, err := sqlstore.New(db, sqlstore.Options{SweepInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer replica.Close()
	holds(t, replica, "k", "data")
	_, err = replica.Save(t.Context(), "k", r, rec("more"))
	helps(t, err, "primary")
	helps(t, replica.Touch(t.Context(), "k", r, time.Time{}), "primary")
	helps(t, replica.Delete(t.Context(), "k"), "primary")
	_, err = replica.DeleteExpired(t.Context(), 10)
	helps(t, err, "primary")
}

func TestTableThatVanishes(t *testing.T) {
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			u := p.fresh(t)
			s := open(t, u)
			r := put(t, s, "k", "data")
			db := plain(t, p, u)
			name := u.Query().Get("table")
			execute(t, db, "DROP TABLE "+quoted(p, name))
			_, err := s.Load(t.Context(), "k")
			helps(t, err, "EnsureSchema")
			_, err = s.Save(t.Context(), "k", r, rec("more"))
			helps(t, err, "EnsureSchema")
			_, err = s.DeleteExpired(t.Context(), 10)
			helps(t, err, "EnsureSchema")
			for range 2 { // it is no error if it is there
				if err := s.EnsureSchema(t.Context()); err != nil {
					t.Errorf("EnsureSchema = %v, want nil", err)
				}
			}
			gone(t, s, "k")
			put(t, s, "k", "new")
		})
	}
}

// plain opens the database of a place without a store.
func plain(t testing.TB, p place, u *url.URL) *sql.DB {
	t.Helper()
	switch p.name {
	case inPostgres.name:
		c := *u
		c.RawQuery = "sslmode=disable"
		return openDB(t, "pgx", c.String())
	case inMariaDB.name:
		return mysql(t)(t)
	}
	return openDB(t, "sqlite", u.Path)
}

// quoted is a name as a place wants it.
func quoted(p place, name string) string {
	if p.name == inMariaDB.name {
		return "`" + name + "`"
	}
	return `"` + name + `"`
}

func execute(t testing.TB, db *sql.DB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := db.ExecContext(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// A server with little of everything.
func TestMariaDBInTrouble(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.MariaDB("max-allowed-packet=1M", "innodb-file-per-table=0",
		"innodb-data-file-path=ibdata1:12M:autoextend:max:24M", "max-connections=8"))
	u := with(testserver.MariaDBURL(p, "cloakroom"), "create_table=true", "sweep_interval=-1s")
	s := open(t, u)
	r := put(t, s, "k", "data")

	t.Run("packet too large", func(t *testing.T) {
		big := store.Record{Data: bytes.Repeat([]byte("x"), 1<<20+1), Expires: time.Now().Add(time.Hour)}
		_, err := s.Save(t.Context(), "k", r, big)
		if !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("Save = %v, want ErrTooLarge", err)
		}
		helps(t, err, "max_allowed_packet")
		big.Data = big.Data[:1<<20-8<<10]
		if r, err = s.Save(t.Context(), "k", holds(t, s, "k", "data"), big); err != nil {
			t.Errorf("Save of what is just small enough = %v, want nil", err)
		}
	})
	t.Run("too many connections", func(t *testing.T) {
		var held []*sql.Conn
		db := openDB(t, "mysql", "cloakroom:"+testserver.Password+"@tcp("+p.Addr()+")/cloakroom")
		defer db.Close()
		for range 20 {
			c, err := db.Conn(t.Context())
			if err != nil {
				break
			}
			held = append(held, c)
		}
		_, err := openers.Open(t.Context(), with(u, "create_table=false").String())
		helps(t, err, "max_open_conns")
		for _, c := range held {
			c.Close()
		}
	})
	t.Run("full", func(t *testing.T) {
		var err error
		for i := 0; err == nil && i < 60; i++ {
			_, err = s.Save(t.Context(), strings.Repeat("f", i+1), store.Record{}, store.Record{Data: bytes.Repeat([]byte("x"), 900<<10)})
		}
		helps(t, err, "Make room")
	})
	t.Run("read-only", func(t *testing.T) {
		root := openDB(t, "mysql", "root@unix("+testserver.MariaDBSocket(p)+")/cloakroom")
		defer root.Close()
		execute(t, root, "CREATE USER app@'%' IDENTIFIED BY 'app'", "GRANT SELECT, INSERT, UPDATE, DELETE ON cloakroom.* TO app@'%'",
			"SET GLOBAL read_only = 1")
		app := *u
		app.User = url.UserPassword("app", "app")
		_, err := openers.Open(t.Context(), with(&app, "create_table=false").String())
		helps(t, err, "primary")
		db := openDB(t, "mysql", "app:app@tcp("+p.Addr()+")/cloakroom")
		defer db.Close()
		s, err := sqlstore.New(db, sqlstore.Options{SweepInterval: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		helps(t, s.Delete(t.Context(), "k"), "primary")
		helps(t, s.EnsureSchema(t.Context()), "") // nor may it create
	})
}

// Another one waits for what the first one holds, and the server ends one of
// them. The store tries again.
func TestUndoneStatementsAreRunAgain(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		// Every conflict is a serialization failure here.
		u := inPostgres.fresh(t, "options=-c default_transaction_isolation=serializable")
		s := open(t, u)
		put(t, s, "counter", "0")
		if err := countTogether(t.Context(), s, "counter"); err != nil {
			t.Error(err)
		}
		holds(t, s, "counter", strconv.Itoa(writers*steps))
	})
}

func TestSQLiteInTrouble(t *testing.T) {
	u := inSQLite.fresh(t)
	s := open(t, u)
	r := put(t, s, "k", "data")

	t.Run("locked by another process", func(t *testing.T) {
		db := plain(t, inSQLite, u)
		defer db.Close()
		db.SetMaxOpenConns(1)
		execute(t, db, "BEGIN IMMEDIATE")
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		begin := time.Now()
		_, err := s.Save(ctx, "k", r, rec("more"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 3*time.Second {
			t.Errorf("Save = %v after %v, want DeadlineExceeded soon", err, time.Since(begin))
		}
		helps(t, err, "a lock")
		holds(t, s, "k", "data") // readers need not wait
		done := make(chan error)
		go func() { // and a writer gets its turn
			_, err := s.Save(context.Background(), "k", r, rec("more"))
			done <- err
		}()
		execute(t, db, "COMMIT")
		if err := <-done; err != nil {
			t.Errorf("Save after the lock was free = %v, want nil", err)
		}
		holds(t, s, "k", "more")
	})
	t.Run("full", func(t *testing.T) {
		db := openDB(t, "sqlite", "file:"+u.Path+"?_pragma=max_page_count(60)")
		defer db.Close()
		full, err := sqlstore.New(db, sqlstore.Options{Table: u.Query().Get("table")})
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		_, err = full.Save(t.Context(), "big", store.Record{}, rec(strings.Repeat("x", 1<<20)))
		helps(t, err, "Make room")
	})
	t.Run("no directory", func(t *testing.T) {
		db := openDB(t, "sqlite", "file:"+u.Path+".missing/sessions.db")
		defer db.Close()
		s, err := sqlstore.New(db, sqlstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		helps(t, s.Ping(t.Context()), "directory must exist")
	})
	t.Run("read-only", func(t *testing.T) {
		db := openDB(t, "sqlite", "file:"+u.Path+"?mode=ro")
		defer db.Close()
		s, err := sqlstore.New(db, sqlstore.Options{Table: u.Query().Get("table")})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		holds(t, s, "k", "more")
		helps(t, s.Delete(t.Context(), "k"), "takes no changes")
	})
}
