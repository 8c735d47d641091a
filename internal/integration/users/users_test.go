// Package users_test lets users log in, renew and revoke their sessions on real
// servers.
package users_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/cloakroom/cloakroom/internal/logins"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/dynamostore"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memcachedstore"
	"github.com/cloakroom/cloakroom/store/memstore"
	"github.com/cloakroom/cloakroom/store/mongostore"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
	"github.com/cloakroom/cloakroom/store/sqlstore"

	"github.com/redis/go-redis/v9"
)

var (
	redisServer = testserver.Shared{Server: testserver.Redis()}
	postgres    = testserver.Shared{Server: testserver.Postgres("fsync=off")}
	mariadb     = testserver.Shared{Server: testserver.MariaDB("innodb-flush-log-at-trx-commit=0")}
	memcached   = testserver.Shared{Server: testserver.Memcached()}
	ferretDB    = testserver.Shared{Server: testserver.FerretDB()}
	dynalite    = testserver.Shared{Server: testserver.Dynalite()}
)

var openers = store.Openers{"redis": redisstore.Open, "memcached": memcachedstore.Open, "postgres": sqlstore.Open, "mariadb": sqlstore.Open,
	"sqlite": sqlstore.Open, "mongodb": mongostore.Open, "dynamodb": dynamostore.Open, "file": filestore.Open, "memory": memstore.Open}

func TestMain(m *testing.M) {
	if text := os.Getenv(deathEnv); text != "" {
		if err := die(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	testserver.Main(m, &redisServer, &postgres, &mariadb, &memcached, &ferretDB, &dynalite)
}

// places are URLs of all stores. Shared servers are told apart by prefixes.
var places = []struct {
	name string
	url  func(t *testing.T) string
}{
	{"memory", func(*testing.T) string { return "memory:" }},
	{"files", func(t *testing.T) string { return "file:" + t.TempDir() }},
	{"Redis", func(t *testing.T) string { return "redis://" + redisServer.Get(t).Addr() }},
	{"PostgreSQL", func(t *testing.T) string {
		return testserver.PostgresURL(postgres.Get(t), "postgres").String() + "&create_table=true"
	}},
	{"MariaDB", func(t *testing.T) string {
		return testserver.MariaDBURL(mariadb.Get(t), "cloakroom").String() + "?create_table=true"
	}},
	{"SQLite", func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/sessions.db" }},
	{"Memcached", func(t *testing.T) string { return "memcached://" + memcached.Get(t).Addr() }},
	{"MongoDB's protocol", func(t *testing.T) string {
		gate, err := testserver.NewGate(ferretDB.Get(t).Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { gate.Close() })
		return "mongodb://" + gate.Addr() + "/"
	}},
	{"DynamoDB's protocol", func(t *testing.T) string {
		return "dynamodb://test:test@Sessions?region=local&endpoint=http://" + dynalite.Get(t).Addr()
	}},
}

// open opens a store for a test.
func open(t *testing.T, address string) store.Store {
	t.Helper()
	s, err := openers.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(s) })
	return s
}

// prefix returns one for the keys of a test.
func prefix(name string) string { return fmt.Sprintf("%s-%d:", name, time.Now().UnixNano()) }

func TestRequestsAtTheMomentOfARenewal(t *testing.T) {
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if err := logins.Renewal(open(t, p.url(t)), prefix("renewal"), 64); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("Redis, by go-redis", func(t *testing.T) {
		t.Parallel()
		client := redis.NewClient(&redis.Options{Addr: redisServer.Get(t).Addr()})
		t.Cleanup(func() { client.Close() })
		s, err := goredisstore.New(client, goredisstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := logins.Renewal(s, prefix("renewal-go"), 64); err != nil {
			t.Error(err)
		}
	})
}

// schedules is how many are played on each server.
const (
	schedules      = 250
	shortSchedules = 25
	loginsEnv      = "CLOAKROOM_TEST_LOGINS" // a plan, or its seed, to be played again
)

// What the tests of guarantees do on stores in memory and files.
func TestRandomLogins(t *testing.T) {
	for _, p := range places {
		if p.name != "Redis" && p.name != "PostgreSQL" {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, p.url(t))
			play := func(p logins.Plan) string { return logins.Play(logins.Stage{Store: s, Prefix: prefix("plan")}, p) }
			if text := os.Getenv(loginsEnv); text != "" {
				p, err := logins.ReadPlan(text)
				if seed, failed := strconv.ParseUint(text, 10, 64); failed == nil {
					p, err = logins.NewPlan(seed), nil
				}
				if err != nil {
					t.Fatal(err)
				}
				if wrong := play(p); wrong != "" {
					t.Error(wrong)
				}
				return
			}
			n, first := schedules, uint64(time.Now().UnixNano())
			if testing.Short() {
				n = shortSchedules
			}
			for i := range n {
				p := logins.NewPlan(first + uint64(i))
				if wrong := play(p); wrong != "" {
					t.Fatalf("%s='%s' plays it again, %s=%d made it:\n%s", loginsEnv, p, loginsEnv, p.Seed, wrong)
				}
			}
		})
	}
}

// deathEnv tells a child of TestKilledLogins its part.
const deathEnv = "CLOAKROOM_TEST_DEATH"

type death struct {
	URL string
	logins.Death
}

func die(text string) error {
	var d death
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return err
	}
	s, err := openers.Open(context.Background(), d.URL)
	if err != nil {
		return err
	}
	return logins.Die(s, d.Death)
}

// A process is killed at each step of a login.
func TestKilledLogins(t *testing.T) {
	for _, p := range places {
		if !slices.Contains([]string{"files", "Redis", "PostgreSQL", "MariaDB", "SQLite"}, p.name) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			address := p.url(t)
			if u, err := url.Parse(address); err != nil || u.Scheme == "" {
				t.Fatal(address, err)
			}
			run := fmt.Sprint(time.Now().UnixNano(), "-")
			if err := logins.Deaths(open(t, address), run, func(d logins.Death) bool {
				text, err := json.Marshal(death{address, d})
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), deathEnv+"="+string(text))
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != -1) {
					t.Fatalf("%v: %s", err, out)
				}
				return err != nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}
