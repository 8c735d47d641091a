package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/rogpeppe/go-internal/testscript"
)

// login URL USER NAME [AGENT [KEY]] logs a user in as an application does that
// keeps sessions for weeks: $NAME is the session's handle then, the file NAME holds
// its ticket. With the KEY "cookie" sessions are sealed in their cookies, and the
// store is for revocations.
func login(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 5 {
		ts.Fatalf("usage: login URL USER NAME [AGENT [KEY]]")
	}
	args = append(args, "", "")
	onApplication(ts, args[0], args[4], func(m *cloakroom.Manager) {
		app := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cloakroom.From(r).Login(args[1])
		}))
		b := cloakroomtest.NewBrowser(app)
		r, err := http.NewRequest("POST", "/", nil)
		ts.Check(err)
		r.Header.Set("User-Agent", args[3])
		answer := b.Do(r)
		if answer.StatusCode != http.StatusOK {
			ts.Fatalf("login answered %s", answer.Status)
		}
		for _, c := range b.Cookies("/") {
			ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(c.Value), 0o600))
		}
		ts.Setenv(args[2], b.Session(m).Handle())
	})
}

// opens URL NAME [KEY] is whether the ticket in a file still opens a session.
func opens(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: [!] opens URL NAME [KEY]")
	}
	args = append(args, "")
	onApplication(ts, args[0], args[2], func(m *cloakroom.Manager) {
		s, err := m.Open(context.Background(), cloakroom.Ticket(ts.ReadFile(args[1])))
		ts.Check(err)
		if opens := s.User() != ""; opens == neg {
			ts.Fatalf("the ticket opens a user's session: %v", opens)
		}
	})
}

func onApplication(ts *testscript.TestScript, where, key string, do func(*cloakroom.Manager)) {
	st, err := openers().Open(context.Background(), where)
	ts.Check(err)
	defer store.Close(st)
	opts := cloakroom.Options{IdleTimeout: 20 * 24 * time.Hour, Lifetime: 60 * 24 * time.Hour}
	var m *cloakroom.Manager
	if key == "cookie" {
		opts.Revocations = st
		m, err = cloakroom.NewCookie([][]byte{[]byte("the key of cookies, of 32 bytes.")}, opts)
	} else {
		if key != "" {
			opts.RecordKeys = [][]byte{[]byte(key)}
		}
		m, err = cloakroom.New(st, opts)
	}
	ts.Check(err)
	do(m)
}
