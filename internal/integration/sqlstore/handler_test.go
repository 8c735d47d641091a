package sqlstore_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

// What the package's documentation advises about handlers that use the same
// SQLite as their sessions. Each request has a ticket, so that its session is
// loaded from the store.
func TestHandlersThatUseSQLiteThemselves(t *testing.T) {
	order := func(w http.ResponseWriter, r *http.Request, db *sql.DB, commitFirst bool) {
		tx, err := db.Begin()
		if err != nil {
			t.Error(err)
			return
		}
		defer tx.Commit()
		if _, err := tx.Exec("insert into orders values ('shoes')"); err != nil {
			t.Error(err)
		}
		if commitFirst {
			tx.Commit()
		}
		cloakroom.From(r).Flash("success", "ordered")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	rows := func(w http.ResponseWriter, r *http.Request, db *sql.DB) {
		rows, err := db.Query("select what from orders")
		if err != nil {
			t.Error(err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			fmt.Fprintln(w, cloakroom.From(r).Get("user"))
		}
	}
	for name, c := range map[string]struct {
		ownFile, preload bool
		conns            int
		handle           func(http.ResponseWriter, *http.Request, *sql.DB)
		status           int
	}{
		"answers before it commits": {handle: func(w http.ResponseWriter, r *http.Request, db *sql.DB) { order(w, r, db, false) },
			status: http.StatusServiceUnavailable},
		"commits first": {handle: func(w http.ResponseWriter, r *http.Request, db *sql.DB) { order(w, r, db, true) },
			status: http.StatusSeeOther},
		"answers before it commits, sessions elsewhere": {ownFile: true,
			handle: func(w http.ResponseWriter, r *http.Request, db *sql.DB) { order(w, r, db, false) }, status: http.StatusSeeOther},
		"first use amidst rows, one connection":   {conns: 1, handle: rows, status: http.StatusServiceUnavailable},
		"the same with Preload":                   {conns: 1, preload: true, handle: rows, status: http.StatusOK},
		"the same with sessions in another file":  {conns: 1, ownFile: true, handle: rows, status: http.StatusOK},
		"first use amidst rows, more connections": {handle: rows, status: http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openSQLiteFile(t, c.conns)
			if _, err := db.Exec("create table orders (what text); insert into orders values ('hat'), ('coat')"); err != nil {
				t.Fatal(err)
			}
			records := db
			if c.ownFile {
				records = openSQLiteFile(t, c.conns)
			}
			st, err := sqlstore.New(records, sqlstore.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			if err := st.EnsureSchema(t.Context()); err != nil {
				t.Fatal(err)
			}
			opts := cloakroom.Options{}
			if c.status == http.StatusServiceUnavailable {
				opts.StoreTimeout = 100 * time.Millisecond // all of it is waited for
			}
			m, err := cloakroom.New(st, opts)
			if err != nil {
				t.Fatal(err)
			}
			var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.handle(w, r, db) })
			if c.preload {
				h = m.Preload(h)
			}
			s, err := m.Open(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			s.Set("user", "ada")
			ticket, err := m.Commit(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("POST", "https://www.example.com/", nil)
			r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(ticket)})
			w := httptest.NewRecorder()
			m.Handler(h).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
		})
	}
}

func openSQLiteFile(t *testing.T, conns int) *sql.DB {
	path := "file:" + filepath.Join(t.TempDir(), "app.db") + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(conns)
	t.Cleanup(func() { db.Close() })
	return db
}
