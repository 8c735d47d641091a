package outage_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/internal/integration/visitors"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/cachestore"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
)

// A trouble is what a server may get into while a service runs.
type trouble struct {
	name   string
	server testserver.Server
	begin  func(t *testing.T, p *testserver.Process)
	end    func(t *testing.T, p *testserver.Process)
	reads  int    // the status of a request that reads meanwhile
	status int    // of one that writes
	size   string // of what is written, where that matters
	advice string // in the log
}

const (
	ok     = http.StatusOK
	closed = http.StatusServiceUnavailable
)

func nothing(*testing.T, *testserver.Process) {}

// do returns a function that sends a command to a Redis server.
func do(command string) func(*testing.T, *testserver.Process) {
	return func(t *testing.T, p *testserver.Process) { p.Do(t, strings.Fields(command)...) }
}

var redisTroubles = []trouble{
	{"full memory", testserver.Redis(), do("CONFIG SET maxmemory 1"), do("CONFIG SET maxmemory 0"), ok, closed, "", "raise maxmemory"},
	// Port 1 has no master for it, so that its records stay.
	{"it becomes a replica", testserver.Redis(), do("REPLICAOF 127.0.0.1 1"), do("REPLICAOF NO ONE"), ok, closed, "", "connect to the master"},
	{"it lacks replicas", testserver.Redis(), do("CONFIG SET min-replicas-to-write 1"), do("CONFIG SET min-replicas-to-write 0"), ok, closed, "", "min-replicas-to-write"},
	{"its password is changed", testserver.Redis(), func(t *testing.T, p *testserver.Process) {
		p.Do(t, "CLIENT", "KILL", "TYPE", "normal") // those who are in may stay
		p.Do(t, "CONFIG", "SET", "requirepass", "new")
	}, func(t *testing.T, p *testserver.Process) { p.Restart(t) }, closed, closed, "", "password"},
	{"it is paused", testserver.Redis(), func(t *testing.T, p *testserver.Process) { p.Pause(t) },
		func(t *testing.T, p *testserver.Process) { p.Resume(t) }, closed, closed, "", "in time"},
	{"item too large for the server", testserver.Redis("proto-max-bulk-len 1mb"), nothing, nothing, ok, closed, "huge", ""},
}

// The visitor gets a 503 and the operator is told what to do. When the trouble
// is over, the service goes on.
func TestRedisInTrouble(t *testing.T) {
	for _, l := range libraries {
		for _, tr := range redisTroubles {
			t.Run(l.name+"/"+tr.name, func(t *testing.T) {
				lane(t)
				p := testserver.Start(t, tr.server)
				tr.try(t, p, l.single(t, p))
			})
		}
	}
	t.Run("cachestore/"+redisTroubles[0].name, func(t *testing.T) {
		lane(t)
		tr := redisTroubles[0]
		p := testserver.Start(t, tr.server)
		s, err := cachestore.New(open(t, "redis://"+p.Addr()), cachestore.Options{StaleFor: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		tr.try(t, p, s)
	})
}

func TestMemcachedInTrouble(t *testing.T) {
	for _, tr := range []trouble{
		{"full memory", testserver.Memcached("-M", "-m", "2"), fill, func(t *testing.T, p *testserver.Process) { p.Restart(t) },
			ok, closed, "large", "more memory"},
		{"it is paused", testserver.Memcached(), func(t *testing.T, p *testserver.Process) { p.Pause(t) },
			func(t *testing.T, p *testserver.Process) { p.Resume(t) }, closed, closed, "", "in time"},
		{"item too large", testserver.Memcached(), nothing, nothing, ok, closed, "huge", "larger items"},
	} {
		t.Run(tr.name, func(t *testing.T) {
			lane(t)
			p := testserver.Start(t, tr.server)
			tr.try(t, p, open(t, "memcached://"+p.Addr()))
		})
	}
}

// fill fills a server that may not evict with large items.
func fill(t *testing.T, p *testserver.Process) {
	t.Helper()
	s := open(t, "memcached://"+p.Addr())
	for i := range 1000 {
		if _, err := s.Save(t.Context(), "fill:"+strconv.Itoa(i), store.Record{}, store.Record{Data: make([]byte, 500_000)}); err != nil {
			return
		}
	}
	t.Fatal("it takes whatever it gets")
}

// try gets a server into trouble, and out again.
func (tr *trouble) try(t *testing.T, p *testserver.Process, s store.Store) {
	service := visitors.Serve(t, s)
	status, ticket := service.Visit(t, "POST", "/login?user=ada", "")
	if status != ok {
		t.Fatalf("login: %d\n%s", status, service.Log())
	}
	tr.begin(t, p)
	over := false
	defer func() {
		if !over {
			tr.end(t, p) // else it could not even be stopped
		}
	}()
	if status, _ := service.Visit(t, "GET", "/read", ticket); status != tr.reads {
		t.Errorf("reading is answered %d, want %d", status, tr.reads)
	}
	path := "/write?tab=0&number=1"
	if tr.size != "" {
		path = "/fill?size=" + tr.size
	}
	if status, _ := service.Visit(t, "POST", path, ticket); status != tr.status {
		t.Errorf("writing is answered %d, want %d", status, tr.status)
	}
	log := service.Log()
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "level=ERROR") || !strings.Contains(line, "advice=") || !strings.Contains(line, tr.advice) {
			t.Errorf("logged: %swant an error with advice that has %q", line, tr.advice)
		}
	}
	if log == "" {
		t.Error("nothing is logged")
	}
	tr.end(t, p)
	over = true
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status, _ := service.Visit(t, "POST", "/login?user=ada", "")
		if status == ok {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("afterwards a login is still answered %d\n%s", status, service.Log())
		}
	}
}

// A program that holds a client asks by Ping when it starts.
func TestPingSaysWhatIsWrong(t *testing.T) {
	locked := testserver.Start(t, testserver.Redis("requirepass secret"))
	master := testserver.Start(t, testserver.Redis())
	replica := testserver.Start(t, testserver.Redis("replicaof 127.0.0.1 1"))
	full := testserver.Start(t, testserver.Redis("maxmemory 1"))
	node := testserver.Start(t, testserver.Redis("cluster-enabled yes"))
	for _, c := range []struct {
		name   string
		o      redis.UniversalOptions
		advice string
	}{
		{"nothing listens", redis.UniversalOptions{Addrs: []string{"127.0.0.1:1"}}, "start the server"},
		{"no such host", redis.UniversalOptions{Addrs: []string{"no-such-host.invalid:6379"}}, ""},
		{"no password", redis.UniversalOptions{Addrs: []string{locked.Addr()}}, "password"},
		{"wrong password", redis.UniversalOptions{Addrs: []string{locked.Addr()}, Password: "hunter2"}, "Correct user name and password"},
		{"wrong database", redis.UniversalOptions{Addrs: []string{master.Addr()}, DB: 99}, "databases in redis.conf"},
		{"replica", redis.UniversalOptions{Addrs: []string{replica.Addr()}}, "connect to the master"},
		{"full memory", redis.UniversalOptions{Addrs: []string{full.Addr()}}, "raise maxmemory"},
		{"node of a cluster", redis.UniversalOptions{Addrs: []string{node.Addr()}}, "CLUSTER INFO"},
		{"no Sentinel", redis.UniversalOptions{Addrs: []string{master.Addr()}, MasterName: "mymaster"}, "Sentinel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := redis.NewUniversalClient(&c.o)
			defer client.Close()
			s, err := goredisstore.New(client, goredisstore.Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = s.Ping(t.Context())
			if err == nil || errors.Is(err, store.ErrNotFound) || !strings.Contains(store.Advice(err), c.advice) {
				t.Errorf("Ping = %v\nadvice: %s\nwant an error with advice that has %q", err, store.Advice(err), c.advice)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Ping = %v, which shows the password", err)
			}
		})
	}
}
