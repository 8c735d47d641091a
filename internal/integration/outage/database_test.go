package outage_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/integration/visitors"
	"github.com/cloakroom/cloakroom/internal/testserver"
)

// A database dies under load, and hangs.
func TestDatabaseIsKilled(t *testing.T) {
	for _, c := range []struct {
		name    string
		server  testserver.Server
		forgets bool // what it has acknowledged, when it is killed
		url     func(t *testing.T, p *testserver.Process) string
	}{
		{"PostgreSQL", testserver.Postgres(), false, func(_ *testing.T, p *testserver.Process) string {
			return testserver.PostgresURL(p, "postgres").String() + "&create_table=true"
		}},
		{"MariaDB", testserver.MariaDB(), false, func(_ *testing.T, p *testserver.Process) string {
			return testserver.MariaDBURL(p, "cloakroom").String() + "?create_table=true"
		}},
		{"MongoDB's protocol", testserver.FerretDB(), false, func(t *testing.T, p *testserver.Process) string {
			gate, err := testserver.NewGate(p.Addr())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { gate.Close() })
			return "mongodb://" + gate.Addr() + "/?serverSelectionTimeoutMS=500"
		}},
		{"DynamoDB's protocol", testserver.Dynalite(), true, func(_ *testing.T, p *testserver.Process) string {
			return "dynamodb://test:test@Sessions?region=local&endpoint=http://" + p.Addr()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			lane(t)
			p := testserver.Start(t, c.server)
			s := visitors.Serve(t, open(t, c.url(t, p)))
			crowd := visitors.Enter(t, s)
			crowd.GoesOn(t)
			if c.forgets {
				crowd.Forgets()
			}
			for _, x := range []struct{ away, back func(testing.TB) }{
				{p.Kill, p.Restart}, {p.Pause, p.Resume}, {p.Kill, p.Restart},
			} {
				x.away(t)
				crowd.Away()
				crowd.Refused(t)
				crowd.Back()
				x.back(t)
				crowd.GoesOn(t)
			}
			crowd.Leave(t)
			log := s.Log()
			adviceIn(t, log)
			if strings.Contains(log, "xWv9kJ") {
				t.Error("the password is in the log")
			}
		})
	}
}
