package memcachedstore

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// A server that answers may still take no items.
func TestPingOfAServerThatTakesNothing(t *testing.T) {
	s := open(t, Options{}, fake(t, func(line string) string {
		switch {
		case strings.HasPrefix(line, "ms "):
			return "SERVER_ERROR out of memory storing object\r\n"
		case strings.HasPrefix(line, "mg "):
			return "EN\r\n"
		case strings.HasPrefix(line, "md "):
			return "NF\r\n"
		}
		return greeting(line)
	}))
	err := s.Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), "memcachedstore: ping: save: server 127.0.0.1:") || !strings.Contains(store.Advice(err), "memory") {
		t.Errorf("Ping = %v (%s), want an error with advice", err, store.Advice(err))
	}
}

// Each of the servers is asked, whichever way the keys are spread, and nothing
// is left on any.
func TestPingAsksEveryServer(t *testing.T) {
	var addrs []string
	var servers []*testserver.Process
	for range 3 {
		p := testserver.Start(t, testserver.Memcached())
		servers, addrs = append(servers, p), append(addrs, p.Addr())
	}
	for _, d := range []Distribution{Ketama, Pymemcache, PythonMemcached, Pylibmc} {
		s := open(t, Options{Distribution: d}, addrs...)
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("Ping = %v, want nil", err)
		}
		for _, srv := range s.servers {
			var stats map[string]string
			err := srv.do(t.Context(), func(c *conn) (err error) { stats, err = c.stats("stats\r\n"); return err })
			if err != nil || stats["curr_items"] != "0" || stats["total_items"] == "0" {
				t.Errorf("%s: a server has %s of %s items, %v, want 0 of some", d, stats["curr_items"], stats["total_items"], err)
			}
		}
	}
	servers[1].Kill(t)
	err := open(t, Options{}, addrs...).Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), addrs[1]) || strings.Contains(err.Error(), addrs[0]) || store.Advice(err) == "" {
		t.Errorf("Ping = %v (%s), want an error of the server that is away", err, store.Advice(err))
	}
}
