package testserver

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A RedisSentinel is a master and a replica, watched by three Sentinels under
// the name "mymaster".
type RedisSentinel struct {
	Servers   [2]*Process // the first is the master at the beginning
	Sentinels [3]*Process
}

// StartRedisSentinel starts them for one test and waits until the Sentinels
// know everything. The settings are those of the two servers.
func StartRedisSentinel(t testing.TB, settings ...string) *RedisSentinel {
	t.Helper()
	s := &RedisSentinel{}
	s.Servers[0] = Start(t, Redis(settings...))
	s.Servers[1] = Start(t, Redis(append(settings, fmt.Sprintf("replicaof 127.0.0.1 %d", s.Servers[0].Port))...))
	s.Servers[1].Await(t, "master_link_status:up", "INFO", "replication")
	for i := range s.Sentinels {
		s.Sentinels[i] = Start(t, sentinel(s.Servers[0]))
	}
	for _, p := range s.Sentinels {
		p.Await(t, "slaves=1,sentinels=3", "INFO", "sentinel")
	}
	return s
}

// sentinel is a Sentinel that watches one master. It is patient with one on a
// busy machine: a second failover that no test asks for would lose what the
// first had just begun to copy.
func sentinel(master *Process) Server {
	s := Redis()
	s.Prepare = func(p *Process) error {
		text := fmt.Sprintf(`port %d
bind 127.0.0.1
unixsocket %s
dir %s
sentinel monitor mymaster 127.0.0.1 %d 2
sentinel down-after-milliseconds mymaster 3000
sentinel failover-timeout mymaster 5000
`, p.Port, RedisSocket(p), p.Dir, master.Port)
		return os.WriteFile(p.Path("sentinel.conf"), []byte(text), 0o600)
	}
	s.Args = func(p *Process) []string { return []string{p.Path("sentinel.conf"), "--sentinel"} }
	return s
}

// Addrs returns the addresses of the Sentinels.
func (s *RedisSentinel) Addrs() string {
	var addrs []string
	for _, p := range s.Sentinels {
		addrs = append(addrs, p.Addr())
	}
	return strings.Join(addrs, ",")
}

// AwaitMaster waits until the Sentinels agree that p is the master, and p does.
func (s *RedisSentinel) AwaitMaster(t testing.TB, p *Process) {
	t.Helper()
	for _, w := range s.Sentinels {
		w.Await(t, "\n"+strconv.Itoa(p.Port), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
	}
	p.Await(t, "role:master", "INFO", "replication")
}
