package sqlstore_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

// rights are what loads and saves need on the table.
var rights = []string{"SELECT", "INSERT", "UPDATE", "DELETE"}

// Of a user who lacks a right, Ping says so; one who has them all may ping.
func TestPingOfAUserWhoLacksARight(t *testing.T) {
	for _, p := range []place{inPostgres, inMariaDB} {
		for _, layout := range []string{"native", "flask-sqlalchemy"} {
			for i := range len(rights) + 1 {
				name, granted := "all", rights
				if i < len(rights) {
					name, granted = rights[i], slices.Delete(slices.Clone(rights), i, i+1)
				}
				t.Run(p.name+"/"+layout+"/"+name, func(t *testing.T) {
					u := p.fresh(t, "layout="+layout)
					owner := open(t, u)
					put(t, owner, "k", "data")
					app := grant(t, p, u, layout, granted)
					db := plain(t, p, app)
					if p.name == inMariaDB.name {
						db.Close()
						db = openDB(t, "mysql", app.User.String()+"@tcp("+mariadb.Get(t).Addr()+")/cloakroom")
					}
					defer db.Close()
					s, err := sqlstore.New(db, sqlstore.Options{Table: u.Query().Get("table"), Layout: sqlstore.Layout(layout), SweepInterval: -1})
					if err != nil {
						t.Fatal(err)
					}
					defer s.Close()
					if err := s.Ping(t.Context()); name != "all" {
						helps(t, err, "Grant the user")
					} else if err != nil {
						t.Errorf("Ping = %v, want nil", err)
					}
					if n := keys(t, owner); name != "DELETE" && n != 1 {
						t.Errorf("%d records after Ping, want 1", n)
					}
				})
			}
		}
	}
}

// grant makes a user with these rights on a table, and returns his URL.
func grant(t *testing.T, p place, u *url.URL, layout string, granted []string) *url.URL {
	t.Helper()
	name := strings.ToLower(strings.ReplaceAll(tableName(), " ", "_"))
	table := quoted(p, u.Query().Get("table"))
	admin := u
	user, host := quoted(p, name), ""
	if p.name == inMariaDB.name {
		host = "@'%'"
		db := openDB(t, "mysql", "root@unix("+testserver.MariaDBSocket(mariadb.Get(t))+")/cloakroom")
		defer db.Close()
		execute(t, db, "CREATE USER "+user+host+" IDENTIFIED BY 'app'", "GRANT "+strings.Join(granted, ", ")+" ON cloakroom."+table+" TO "+user+host)
	} else {
		db := plain(t, p, admin)
		defer db.Close()
		execute(t, db, "CREATE USER "+user+" PASSWORD 'app'", "GRANT "+strings.Join(granted, ", ")+" ON "+table+" TO "+user)
		if layout == "flask-sqlalchemy" && slices.Contains(granted, "INSERT") {
			execute(t, db, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "+user)
		}
	}
	app := *u
	app.User = url.UserPassword(name, "app")
	return &app
}

// keys counts the records of a store.
func keys(t *testing.T, s *sqlstore.Store) (n int) {
	t.Helper()
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// A row number of Flask's table comes from a sequence, which is another right.
func TestPingWithoutTheSequence(t *testing.T) {
	u := inPostgres.fresh(t, "layout=flask-sqlalchemy")
	open(t, u)
	name := strings.ToLower(strings.ReplaceAll(tableName(), " ", "_"))
	admin := plain(t, inPostgres, u)
	defer admin.Close()
	execute(t, admin, "CREATE USER "+quoted(inPostgres, name)+" PASSWORD 'app'",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON "+quoted(inPostgres, u.Query().Get("table"))+" TO "+quoted(inPostgres, name))
	app := *u
	app.User = url.UserPassword(name, "app")
	db := plain(t, inPostgres, &app)
	defer db.Close()
	s, err := sqlstore.New(db, sqlstore.Options{Table: u.Query().Get("table"), Layout: sqlstore.FlaskSQLAlchemy, SweepInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	helps(t, s.Ping(t.Context()), "Grant the user")
}

func TestPingOfADatabaseThatTakesNoChanges(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		u := inPostgres.fresh(t)
		open(t, u)
		c := *u
		c.RawQuery = "sslmode=disable&default_transaction_read_only=on"
		db := openDB(t, "pgx", c.String())
		defer db.Close()
		s, err := sqlstore.New(db, sqlstore.Options{Table: u.Query().Get("table"), SweepInterval: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		helps(t, s.Ping(t.Context()), "takes no changes")
	})
	t.Run("SQLite", func(t *testing.T) {
		u := inSQLite.fresh(t)
		put(t, open(t, u), "k", "data")
		db := openDB(t, "sqlite", "file:"+u.Path+"?mode=ro")
		defer db.Close()
		s, err := sqlstore.New(db, sqlstore.Options{Table: u.Query().Get("table"), SweepInterval: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		holds(t, s, "k", "data")
		helps(t, s.Ping(t.Context()), "takes no changes")
	})
}

func TestPingOfAMissingTable(t *testing.T) {
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			db := plain(t, p, p.url(t))
			defer db.Close()
			s, err := sqlstore.New(db, sqlstore.Options{Table: tableName(), SweepInterval: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			helps(t, s.Ping(t.Context()), "create_table")
		})
	}
}

// Nothing is left behind, also where rows could not be listed by their keys.
func TestPingLeavesNoRow(t *testing.T) {
	for _, p := range places {
		for _, layout := range []string{"native", "flask-sqlalchemy"} {
			t.Run(p.name+"/"+layout, func(t *testing.T) {
				u := p.fresh(t, "layout="+layout)
				s := open(t, u)
				for range 3 {
					if err := s.Ping(t.Context()); err != nil {
						t.Errorf("Ping = %v, want nil", err)
					}
				}
				db := plain(t, p, u)
				defer db.Close()
				if n := count(t, db, quoted(p, u.Query().Get("table"))); n != 0 {
					t.Errorf("%d rows after Ping, want 0", n)
				}
			})
		}
	}
}
