package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cloakroom": main, "sqlite": runSQL})
}

// runSQL runs the statements on its standard input in the database app.db.
func runSQL() {
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		var db *sql.DB
		if db, err = sql.Open("sqlite", "app.db"); err == nil {
			_, err = db.Exec(string(text))
			err = errors.Join(err, db.Close())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestScripts runs the scripts in testdata/script: one for each verb or
// failure. Beside testscript's own commands they have
//
//	visit METHOD PATH [NAME=VALUE...]  what $ADDR (127.0.0.1:$PORT) answers, its words on stdout
//	fails CODE COMMAND...              a command that ends with an exit code
//	mode FILE OCTAL                    a file's permissions
//	occupy                             makes $ADDR one on which somebody listens
//	mark FILE KIND                     a file with the mark of a session that ended at 2024-02-29 12:34:56.789 UTC
//	exec sqlite                        runs SQL on stdin in app.db
//	login, opens                       see users_script_test.go
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"visit":  visit,
			"fails":  fails,
			"mode":   mode,
			"mark":   mark,
			"occupy": occupy,
			"login":  login,
			"opens":  opens,
		},
	})
}

type clientKey struct{}

// setUp gives each script a free port, a home and a browser.
func setUp(env *testscript.Env) error {
	port := strconv.Itoa(testserver.FreePort())
	env.Setenv("ADDR", net.JoinHostPort("127.0.0.1", port))
	env.Setenv("PORT", port)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("XDG_CACHE_HOME", "")
	jar, err := cookiejar.New(nil)
	env.Values[clientKey{}] = &http.Client{Jar: jar}
	return err
}

var tags = regexp.MustCompile(`(?s)<head>.*?</head>|<[^>]*>`)

// visit sends a request, and waits for the server to come up if need be.
func visit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: visit METHOD PATH [NAME=VALUE...]")
	}
	form := url.Values{}
	for _, field := range args[2:] {
		name, value, _ := strings.Cut(field, "=")
		form.Set(name, value)
	}
	resp, err := patiently(func(ctx context.Context) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, args[0], "http://"+ts.Getenv("ADDR")+args[1], strings.NewReader(form.Encode()))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return ts.Value(clientKey{}).(*http.Client).Do(r)
	})
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	text := strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(string(body), " "))), " ")
	fmt.Fprintf(ts.Stdout(), "%d %s\n", resp.StatusCode, text)
}

// patiently tries again as long as nobody listens.
func patiently(try func(context.Context) (*http.Response, error)) (*http.Response, error) {
	ctx, cancel := context.WithCancel(context.Background())
	stop := time.AfterFunc(30*time.Second, cancel) // not deferred: it would end the body too
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := try(ctx)
		if err == nil || ctx.Err() != nil {
			stop.Stop()
			return resp, err
		}
		<-tick.C
	}
}

func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails CODE COMMAND...")
	}
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != code {
		ts.Fatalf("it ended with %v, want exit status %d", err, code)
	}
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE OCTAL")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

func mark(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || len(args[1]) != 1 {
		ts.Fatalf("usage: mark FILE KIND")
	}
	m := store.Mark{Kind: store.MarkKind(args[1][0]), At: time.Date(2024, 2, 29, 12, 34, 56, 789e6, time.UTC), Payload: []byte("session:hush")}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), m.Append(nil), 0o600))
}

func occupy(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv("ADDR", l.Addr().String())
}
