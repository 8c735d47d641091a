package sqlstore_test

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

// What Flask-Session 0.8.0 (with SQLAlchemy 1.4) and its PostgreSQL backend
// made and stored, as it was recorded from them.
const (
	flaskKey  = "session:kP3xTq0aYVw8n2bUe5rJm7LzC1dHs9GfXoQiR4tEyWA"
	flaskData = "83aa5f7065726d616e656e74c3a475736572a3616461a16e01"
)

var flaskTables = map[string]string{
	inPostgres.name: `CREATE TABLE "T" (id SERIAL NOT NULL, session_id VARCHAR(255), data BYTEA, expiry TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (id), UNIQUE (session_id))`,
	inMariaDB.name: "CREATE TABLE `T` (`id` int(11) NOT NULL AUTO_INCREMENT, `session_id` varchar(255) DEFAULT NULL, `data` blob DEFAULT NULL, `expiry` datetime DEFAULT NULL, " +
		"PRIMARY KEY (`id`), UNIQUE KEY `session_id` (`session_id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci",
	inSQLite.name: `CREATE TABLE "T" (id INTEGER NOT NULL, session_id VARCHAR(255), data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))`,
}

// A flaskTable is a table that Flask-Session made, and a store in it.
type flaskTable struct {
	*sqlstore.Store
	db   *sql.DB
	p    place
	name string // quoted
}

// asFlaskMadeIt calls f for each database with Flask's own table.
func asFlaskMadeIt(t *testing.T, f func(t *testing.T, ft *flaskTable)) {
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			u := p.fresh(t, "layout=flask-sqlalchemy")
			name := u.Query().Get("table")
			ft := &flaskTable{p: p, name: quoted(p, name), db: plain(t, p, u)}
			t.Cleanup(func() { ft.db.Close() })
			execute(t, ft.db, strings.Replace(flaskTables[p.name], quoted(p, "T"), ft.name, 1))
			ft.Store = open(t, u) // which makes nothing, as it is there
			f(t, ft)
		})
	}
}

// insert adds a row as Flask-Session would. An empty expiry is NULL.
func (ft *flaskTable) insert(t *testing.T, key, hexData, expiry string) {
	t.Helper()
	data := "X'" + hexData + "'"
	if ft.p.name == inPostgres.name {
		data = `'\x` + hexData + "'"
	}
	if expiry != "NULL" {
		expiry = "'" + expiry + "'"
	}
	execute(t, ft.db, "INSERT INTO "+ft.name+" (session_id, data, expiry) VALUES ('"+key+"', "+data+", "+expiry+")")
}

// rows counts the rows of a condition.
func (ft *flaskTable) rows(t *testing.T, where string) int {
	t.Helper()
	var n int
	if err := ft.db.QueryRow("SELECT COUNT(*) FROM " + ft.name + " WHERE " + where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFlaskSQLAlchemyRecordsBothWays(t *testing.T) {
	asFlaskMadeIt(t, func(t *testing.T, ft *flaskTable) {
		expiry := time.Date(2094, 2, 2, 3, 4, 5, 678901000, time.UTC)
		text := "2094-02-02 03:04:05.678901"
		if ft.p.name == inMariaDB.name { // which drops the fraction
			expiry, text = expiry.Truncate(time.Second), "2094-02-02 03:04:05"
		}
		ft.insert(t, flaskKey, flaskData, "2094-02-02 03:04:05.678901")
		r, err := ft.Load(t.Context(), flaskKey)
		if err != nil || hex.EncodeToString(r.Data) != flaskData || !r.Expires.Equal(expiry) {
			t.Fatalf("Load = %x, %v, %v, want what Flask wrote, until %v", r.Data, r.Expires, err, expiry)
		}
		// The other way: the same row, with what Flask would write.
		if _, err := ft.Save(t.Context(), flaskKey, r, store.Record{Data: []byte("ours"), Expires: expiry.AddDate(0, 0, 1)}); err != nil {
			t.Fatal(err)
		}
		if _, err := ft.Save(t.Context(), "other", store.Record{}, store.Record{Data: []byte("new"), Expires: expiry}); err != nil {
			t.Fatal(err)
		}
		cast := "CAST(expiry AS CHAR(26))"
		var id int
		var data []byte
		var got string
		row := ft.db.QueryRow("SELECT id, data, " + cast + " FROM " + ft.name + " WHERE session_id = '" + flaskKey + "'")
		if err := row.Scan(&id, &data, &got); err != nil || id != 1 || string(data) != "ours" {
			t.Errorf("the row is %d, %s, %v, want 1, ours", id, data, err)
		}
		if want := strings.Replace(text, "-02-02", "-02-03", 1); strings.TrimSpace(got) != want {
			t.Errorf("expiry is written as %q, want %q", got, want)
		}
		if ft.p.name == inSQLite.name && ft.rows(t, "typeof(expiry) = 'text' AND typeof(data) = 'blob' AND expiry LIKE '____-__-__ __:__:__.______'") != 2 {
			t.Error("SQLAlchemy could not read what is in SQLite")
		}
	})
}

func TestFlaskSQLAlchemyExpiries(t *testing.T) {
	asFlaskMadeIt(t, func(t *testing.T, ft *flaskTable) {
		ft.insert(t, "live", "01", "2094-02-02 03:04:05")
		ft.insert(t, "expired", "02", time.Now().UTC().Add(-2*time.Second).Format(time.DateTime))
		ft.insert(t, "null", "03", "NULL") // as 0.3.2 left it, and 0.8.0 deletes it
		holds(t, ft, "live", "\x01")
		gone(t, ft, "expired")
		gone(t, ft, "null")
		n := 0
		for e, err := range ft.List(t.Context(), "") {
			if n++; err != nil || e.Key != "live" {
				t.Errorf("List yields %q, %v, want the live one only", e.Key, err)
			}
		}
		if n != 1 {
			t.Errorf("List yields %d records, want 1", n)
		}
		put(t, ft, "null", "new") // over the old row
		if n, err := ft.DeleteExpired(t.Context(), 10); n != 1 || err != nil {
			t.Errorf("DeleteExpired = %d, %v, want 1", n, err)
		}
		if got := ft.rows(t, "1 = 1"); got != 2 {
			t.Errorf("%d rows are left, want 2", got)
		}
		if _, err := ft.Save(t.Context(), "never", store.Record{}, store.Record{Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		if ft.rows(t, "session_id = 'never' AND expiry >= '9999-12-31 00:00:00' AND expiry < '9999-12-31 00:00:01'") != 1 {
			t.Error("never is not written as the last day")
		}
	})
}

func TestFlaskSQLAlchemyDataThatIsNull(t *testing.T) {
	asFlaskMadeIt(t, func(t *testing.T, ft *flaskTable) {
		execute(t, ft.db, "INSERT INTO "+ft.name+" (session_id, data, expiry) VALUES ('k', NULL, '2094-02-02 03:04:05')")
		r := holds(t, ft, "k", "")
		if _, err := ft.Save(t.Context(), "k", r, rec("new")); err != nil {
			t.Errorf("Save = %v, want nil", err)
		}
		holds(t, ft, "k", "new")
	})
}

// MySQL's index takes two keys that differ by case for one.
func TestFlaskSQLAlchemyTellsKeysApart(t *testing.T) {
	asFlaskMadeIt(t, func(t *testing.T, ft *flaskTable) {
		r := put(t, ft, "session:Abc", "data")
		gone(t, ft, "session:abc")
		holdsAll(t, ft, []string{"session:abc", "session:Abc"}, "", "data")
		holdsAll(t, ft, []string{"session:abc", "session:ABC"}, "", "")
		if err := ft.Delete(t.Context(), "session:ABC"); err != nil {
			t.Error(err)
		}
		if err := ft.Touch(t.Context(), "session:ABC", r, time.Time{}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Touch of another key = %v, want ErrNotFound", err)
		}
		_, err := ft.Save(t.Context(), "session:aBC", store.Record{}, rec("wrong"))
		if ft.p.name == inMariaDB.name {
			helps(t, err, "utf8mb4_bin")
		} else if err != nil {
			t.Errorf("Save = %v, want nil", err)
		}
		holds(t, ft, "session:Abc", "data")
		// One that has expired is not in the way.
		ft.insert(t, "session:Old", "01", "2001-01-01 00:00:00")
		put(t, ft, "session:oLD", "new")
		holds(t, ft, "session:oLD", "new")
		gone(t, ft, "session:Old")
	})
}

// A column of 64 KiB, into which a server that is not strict would put the
// beginning of more.
func TestFlaskSQLAlchemyNarrowColumn(t *testing.T) {
	u := inMariaDB.fresh(t, "layout=flask-sqlalchemy", "sql_mode=''")
	db := plain(t, inMariaDB, u)
	defer db.Close()
	execute(t, db, strings.Replace(flaskTables[inMariaDB.name], "`T`", quoted(inMariaDB, u.Query().Get("table")), 1))
	s := open(t, u)
	r := put(t, s, "k", strings.Repeat("x", 65535))
	_, err := s.Save(t.Context(), "k", r, rec(strings.Repeat("y", 65536)))
	if !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("Save = %v, want ErrTooLarge", err)
	}
	helps(t, err, "LONGBLOB")
	holds(t, s, "k", strings.Repeat("x", 65535))
}

// Tables that lost their unique index may have several rows of one key.
// Flask-Session sees the first.
func TestFlaskSQLAlchemyWithoutUniqueIndex(t *testing.T) {
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			u := p.fresh(t, "layout=flask-sqlalchemy")
			ft := &flaskTable{p: p, name: quoted(p, u.Query().Get("table")), db: plain(t, p, u)}
			defer ft.db.Close()
			text := flaskTables[p.name]
			text = strings.Replace(text, ", UNIQUE (session_id)", "", 1)
			text = strings.Replace(text, ", UNIQUE KEY `session_id` (`session_id`)", "", 1)
			execute(t, ft.db, strings.Replace(text, quoted(p, "T"), ft.name, 1))
			ft.insert(t, "k", "01", "2001-01-01 00:00:00")
			ft.insert(t, "k", "02", "2094-01-01 00:00:00")
			ft.insert(t, "k", "03", "2094-01-01 00:00:00")
			s, err := openers.Open(t.Context(), u.String())
			if p.name == inMariaDB.name { // which would create the same record twice
				helps(t, err, "unique index")
				s, err = sqlstore.New(ft.db, sqlstore.Options{Layout: sqlstore.FlaskSQLAlchemy, Table: u.Query().Get("table")})
			}
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close(s)
			holds(t, s, "k", "\x02")
			holdsAll(t, s, []string{"k", "l", "k"}, "\x02", "", "\x02")
			_, err = s.Save(t.Context(), "new", store.Record{}, rec("new"))
			helps(t, err, "unique index")
			if err := s.Delete(t.Context(), "k"); err != nil {
				t.Error(err)
			}
			gone(t, s, "k")
			if n := ft.rows(t, "1 = 1"); n != 0 {
				t.Errorf("%d rows are left, want 0: the second would be next", n)
			}
		})
	}
}

// Our own tables of this layout have the columns and constraints that
// SQLAlchemy makes, but for the two that docs name.
func TestFlaskSQLAlchemyTableThatWeMake(t *testing.T) {
	u := inPostgres.fresh(t, "layout=flask-sqlalchemy", "sequence=Seq 1")
	s := open(t, u)
	put(t, s, "a", "1")
	put(t, s, "b", "2")
	db := plain(t, inPostgres, u)
	defer db.Close()
	var last int
	if err := db.QueryRow(`SELECT last_value FROM "Seq 1"`).Scan(&last); err != nil || last != 2 {
		t.Errorf("the sequence is at %d, %v, want 2", last, err)
	}

	m := inMariaDB.fresh(t, "layout=flask-sqlalchemy", "sequence=Seq 1")
	ms := open(t, m)
	r := put(t, ms, "a", "1")
	put(t, ms, "b", "2")
	if _, err := ms.Save(t.Context(), "a", store.Record{}, r); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save = %v, want ErrConflict", err)
	}

	for _, c := range []struct{ layout, want string }{
		{"flask-sqlalchemy", "id integer NO nextval, session_id character varying YES , data bytea YES , expiry timestamp without time zone YES "},
		{"flask-postgresql", "session_id character varying NO , created timestamp without time zone YES (now() AT, data bytea YES , expiry timestamp without time zone YES "},
	} {
		u := inPostgres.fresh(t, "layout="+c.layout)
		open(t, u)
		var got string
		err := db.QueryRow(`SELECT string_agg(concat_ws(' ', column_name, data_type, is_nullable, left(coalesce(split_part(column_default, '''', 1), ''), 9)), ', ' ORDER BY ordinal_position)
			FROM information_schema.columns WHERE table_name = $1`, u.Query().Get("table")).Scan(&got)
		got = strings.ReplaceAll(got, "nextval(", "nextval")
		if err != nil || got != c.want {
			t.Errorf("%s: columns are\n%s, want\n%s (%v)", c.layout, got, c.want, err)
		}
	}
}

// Flask's PostgreSQL backend writes NOW() as the time of day in the zone of its
// connection.
func TestFlaskPostgreSQLTimeZones(t *testing.T) {
	for _, zone := range []string{"UTC", "Asia/Kolkata", "America/New_York"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			u := inPostgres.fresh(t, "layout=flask-postgresql")
			name := quoted(inPostgres, u.Query().Get("table"))
			flask := openDB(t, "pgx", with(inPostgres.url(t), "timezone="+zone).String())
			defer flask.Close()
			for _, c := range []struct {
				name   string
				params string
			}{
				{"as the connection's", "timezone=" + zone},
				{"as an option", "expiry_time_zone=" + zone},
			} {
				t.Run(c.name, func(t *testing.T) {
					s := open(t, with(u, c.params))
					execute(t, flask, "DELETE FROM "+name,
						"INSERT INTO "+name+` (session_id, data, expiry) VALUES ('k', '\x01', NOW() + interval '90 seconds'), ('e', '\x02', NOW() - interval '1 second')`)
					r := holds(t, s, "k", "\x01")
					if left := time.Until(r.Expires); left < 60*time.Second || left > 91*time.Second {
						t.Errorf("it expires in %v, want 90s", left)
					}
					gone(t, s, "e")
					if n, err := s.DeleteExpired(t.Context(), 10); n != 1 || err != nil {
						t.Errorf("DeleteExpired = %d, %v, want 1", n, err)
					}
					put(t, s, "ours", "data") // for an hour
					var left float64
					err := flask.QueryRow("SELECT EXTRACT(epoch FROM expiry - NOW()) FROM " + name + " WHERE session_id = 'ours' AND NOT expiry < NOW()").Scan(&left)
					if err != nil || left < 3500 || left > 3600 {
						t.Errorf("to Flask it lives for %vs, %v, want an hour", left, err)
					}
				})
			}
		})
	}
}
