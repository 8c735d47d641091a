package cloakroom_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store/filestore"
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
	never  = cloakroom.NoLimit
)

// A lifetimeRow is one of docs/lifetimes.md, in its words and in code.
type lifetimeRow struct {
	options, calls string
	opts           cloakroom.Options
	use            func(*cloakroom.Session)
	idle, age      time.Duration
	restart        string
}

func nothing(*cloakroom.Session) {}

var lifetimeRows = []lifetimeRow{
	{"none", "nothing", cloakroom.Options{}, nothing, 30 * minute, 24 * hour, "at once"},
	{"none", "`SetPermanent(true)`", cloakroom.Options{}, func(s *cloakroom.Session) { s.SetPermanent(true) }, 30 * minute, 24 * hour, "no"},
	{"`Permanent: true`", "nothing", cloakroom.Options{Permanent: true}, nothing, 30 * minute, 24 * hour, "no"},
	{"`Permanent: true`", "`SetPermanent(false)`", cloakroom.Options{Permanent: true},
		func(s *cloakroom.Session) { s.SetPermanent(false) }, 30 * minute, 24 * hour, "at once"},
	{"`Lifetime: 10 min`", "nothing", cloakroom.Options{Lifetime: 10 * minute}, nothing, 10 * minute, 10 * minute, "at once"},
	{"`IdleTimeout: 7 d, Lifetime: 30 d`", "nothing", cloakroom.Options{IdleTimeout: 7 * day, Lifetime: 30 * day}, nothing, 7 * day, 30 * day, "at once"},
	{"`IdleTimeout: 7 d, Lifetime: 30 d, Permanent: true`", "nothing",
		cloakroom.Options{IdleTimeout: 7 * day, Lifetime: 30 * day, Permanent: true}, nothing, 7 * day, 30 * day, "no"},
	{"`IdleTimeout: 7 d, Lifetime: NoLimit, Permanent: true`", "nothing",
		cloakroom.Options{IdleTimeout: 7 * day, Lifetime: never, Permanent: true}, nothing, 7 * day, never, "no"},
	{"`IdleTimeout: NoLimit, Lifetime: 8 h`", "nothing", cloakroom.Options{IdleTimeout: never, Lifetime: 8 * hour}, nothing, 8 * hour, 8 * hour, "at once"},
	{"none", "`SetIdleTimeout(5 min)`", cloakroom.Options{}, func(s *cloakroom.Session) { s.SetIdleTimeout(5 * minute) }, 5 * minute, 24 * hour, "at once"},
	{"none", "`SetLifetime(8 h)`", cloakroom.Options{}, func(s *cloakroom.Session) { s.SetLifetime(8 * hour) }, 30 * minute, 8 * hour, "at once"},
	{"none", "`SetLifetime(10 min)`", cloakroom.Options{}, func(s *cloakroom.Session) { s.SetLifetime(10 * minute) }, 10 * minute, 10 * minute, "at once"},
	{"`MaxIdleTimeout: 7 d, MaxLifetime: 30 d`", "nothing", cloakroom.Options{MaxIdleTimeout: 7 * day, MaxLifetime: 30 * day}, nothing, 30 * minute, 24 * hour, "at once"},
	{"`MaxIdleTimeout: 7 d, MaxLifetime: 30 d`", "`SetIdleTimeout(7 d)`, `SetLifetime(30 d)`",
		cloakroom.Options{MaxIdleTimeout: 7 * day, MaxLifetime: 30 * day},
		func(s *cloakroom.Session) { s.SetIdleTimeout(7 * day); s.SetLifetime(30 * day) }, 7 * day, 30 * day, "at once"},
	{"`MaxIdleTimeout: 7 d, MaxLifetime: 30 d`", "`SetIdleTimeout(7 d)`, `SetLifetime(30 d)`, `SetPermanent(true)`",
		cloakroom.Options{MaxIdleTimeout: 7 * day, MaxLifetime: 30 * day},
		func(s *cloakroom.Session) { s.SetIdleTimeout(7 * day); s.SetLifetime(30 * day); s.SetPermanent(true) }, 7 * day, 30 * day, "no"},
	{"`MaxLifetime: 30 d`", "`SetLifetime(30 d)`, `SetPermanent(true)`", cloakroom.Options{MaxLifetime: 30 * day},
		func(s *cloakroom.Session) { s.SetLifetime(30 * day); s.SetPermanent(true) }, 30 * minute, 30 * day, "no"},
	{"`MaxIdleTimeout: NoLimit, MaxLifetime: 30 d`", "`SetIdleTimeout(NoLimit)`, `SetLifetime(30 d)`, `SetPermanent(true)`",
		cloakroom.Options{MaxIdleTimeout: never, MaxLifetime: 30 * day},
		func(s *cloakroom.Session) { s.SetIdleTimeout(never); s.SetLifetime(30 * day); s.SetPermanent(true) }, 30 * day, 30 * day, "no"},
	{"`MaxIdleTimeout: 7 d, MaxLifetime: NoLimit`", "`SetIdleTimeout(7 d)`, `SetLifetime(NoLimit)`, `SetPermanent(true)`",
		cloakroom.Options{MaxIdleTimeout: 7 * day, MaxLifetime: never},
		func(s *cloakroom.Session) { s.SetIdleTimeout(7 * day); s.SetLifetime(never); s.SetPermanent(true) }, 7 * day, never, "no"},
	{"`AnonymousIdle: 5 min`", "nothing", cloakroom.Options{AnonymousIdle: 5 * minute}, nothing, 5 * minute, 24 * hour, "at once"},
	{"`AnonymousIdle: 5 min`", "`Login(user)`", cloakroom.Options{AnonymousIdle: 5 * minute}, func(s *cloakroom.Session) { s.Login("ada") }, 30 * minute, 24 * hour, "at once"},
	{"`AnonymousIdle: 5 min`", "`SetIdleTimeout(20 min)`", cloakroom.Options{AnonymousIdle: 5 * minute},
		func(s *cloakroom.Session) { s.SetIdleTimeout(20 * minute) }, 20 * minute, 24 * hour, "at once"},
}

func (r *lifetimeRow) String() string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", r.options, r.calls, inWords(r.idle), inWords(r.age), r.restart)
}

func inWords(d time.Duration) string {
	switch {
	case d == never:
		return "never"
	case d < hour:
		return fmt.Sprintf("%d minutes", d/minute)
	case d <= day:
		return fmt.Sprintf("%d hours", d/hour)
	default:
		return fmt.Sprintf("%d days", d/day)
	}
}

// The table in docs/lifetimes.md is true.
func TestTableOfLifetimes(t *testing.T) {
	text, err := os.ReadFile("docs/lifetimes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| Options | in the handler |")
	_, table, _ = strings.Cut(table, "| --- | --- | --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var rows []string
	for i := range lifetimeRows {
		rows = append(rows, lifetimeRows[i].String())
	}
	if got := strings.Split(table, "\n"); !slices.Equal(got, rows) {
		t.Errorf("the table is\n%s\nwant\n%s", table, strings.Join(rows, "\n"))
	}
	for i := range lifetimeRows {
		row := &lifetimeRows[i]
		for name, manager := range map[string]func(*testing.T) (*cloakroom.Manager, error){
			"on a store": func(t *testing.T) (*cloakroom.Manager, error) {
				quick := filestore.Options{SweepInterval: -1, Unsynced: true} // a month is a long time for sweeps
				return cloakroom.New(sitetest.Files(t, t.TempDir(), quick), row.opts)
			},
			"sealed": func(*testing.T) (*cloakroom.Manager, error) {
				return cloakroom.NewCookie([][]byte{sitetest.CookieKey}, row.opts)
			},
		} {
			t.Run(row.String()+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m, err := manager(t)
					if err != nil {
						t.Fatal(err)
					}
					row.walk(t, m)
				})
			})
		}
	}
}

// walk is what visitors see of a row.
func (r *lifetimeRow) walk(t *testing.T, m *cloakroom.Manager) {
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, q *http.Request) {
		s := cloakroom.From(q)
		s.Set("user", "ada")
		r.use(s)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		if cloakroom.From(q).Has("user") {
			io.WriteString(w, "Hello, Ada.")
		} else {
			io.WriteString(w, "Please log in.")
		}
	})
	app := m.Handler(mux)
	visitor := func() *cloakroomtest.Browser {
		b := cloakroomtest.NewBrowser(app)
		b.Get("/login")
		return b
	}
	see := func(b *cloakroomtest.Browser, when string, known bool) {
		t.Helper()
		want := "Please log in."
		if known {
			want = "Hello, Ada."
		}
		if got := b.Get("/").Body; got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	for _, restarts := range []bool{false, true} {
		again := func(b *cloakroomtest.Browser) {
			if restarts {
				b.Restart()
			}
		}
		if restarts && r.restart != "no" {
			b := visitor()
			again(b)
			see(b, "after a restart", false)
			return
		}
		b := visitor()
		time.Sleep(r.idle - time.Second)
		again(b)
		see(b, "just before it has been unused for too long", true)
		b = visitor()
		time.Sleep(r.idle)
		again(b)
		see(b, "unused for too long", false)

		b = visitor()
		step := r.idle * 4 / 5
		age := r.age
		if age == never {
			age = 10 * r.idle
		}
		for left := age; left > 0; left -= step {
			again(b)
			see(b, "in use, younger than its lifetime", true)
			time.Sleep(min(step, left))
		}
		again(b)
		see(b, "at its age", r.age == never)
	}
}
