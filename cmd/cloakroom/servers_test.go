package main

import (
	"fmt"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cloakroom/cloakroom/internal/testserver"
)

// TestServers runs the scripts in testdata/servers with each kind of server.
func TestServers(t *testing.T) {
	on := func(s testserver.Server, url func(p *testserver.Process) string) func(t *testing.T) string {
		return func(t *testing.T) string { return url(testserver.Start(t, s)) }
	}
	for name, url := range map[string]func(t *testing.T) string{
		"redis":      on(testserver.Redis("requirepass hush"), func(p *testserver.Process) string { return "redis://:hush@" + p.Addr() + "/1" }),
		"redis+unix": on(testserver.Redis(), func(p *testserver.Process) string { return "redis+unix://" + testserver.RedisSocket(p) }),
		"redis+sentinel": func(t *testing.T) string {
			return "redis+sentinel://" + testserver.StartRedisSentinel(t).Addrs() + "/mymaster"
		},
		"redis+cluster": func(t *testing.T) string { return "redis+cluster://" + testserver.StartRedisCluster(t).Addrs() },
		"memcached": func(t *testing.T) string {
			a, b := testserver.Start(t, testserver.Memcached()), testserver.Start(t, testserver.Memcached())
			return "memcached://" + a.Addr() + "," + b.Addr()
		},
		"postgres": on(testserver.Postgres(), func(p *testserver.Process) string { return testserver.PostgresURL(p, "postgres").String() }),
		"mariadb":  on(testserver.MariaDB(), func(p *testserver.Process) string { return testserver.MariaDBURL(p, "cloakroom").String() }),
		"mongodb":  on(testserver.FerretDB(), func(p *testserver.Process) string { return "mongodb://" + p.Addr() + "/demo" }),
		"dynamodb": on(testserver.Dynalite(), func(p *testserver.Process) string {
			return "dynamodb://ada:hush@demo?region=local&endpoint=http://" + p.Addr()
		}),
		"cachelib": func(t *testing.T) string { return "cachelib:" + t.TempDir() + "/sessions" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where := url(t)
			testscript.Run(t, testscript.Params{
				Dir:                 "testdata/servers",
				RequireExplicitExec: true,
				Condition: func(cond string) (bool, error) {
					switch cond {
					case "flask": // is it laid out as Flask's?
						return address(where).isFlasks(), nil
					case "table": // does somebody have to make it?
						return name == "postgres" || name == "mariadb" || name == "dynamodb", nil
					}
					return false, fmt.Errorf("unknown condition %s", cond)
				},
				Setup: func(env *testscript.Env) error {
					env.Setenv("STORE", where)
					return setUp(env)
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){"visit": visit, "login": login, "opens": opens},
			})
		})
	}
}
