package redisstore_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// TLS reaches the nodes that a cluster or a Sentinel names, too, and these ask
// for a certificate.
func TestTLSWithSeveralServers(t *testing.T) {
	cert, key := authority(t, "redis.test")
	settings := func(port int) []string {
		return []string{"tls-port " + strconv.Itoa(port), "tls-cert-file " + cert, "tls-key-file " + key, "tls-ca-cert-file " + cert}
	}
	query := "?tls=true&server_name=redis.test&ca=" + cert + "&cert=" + cert + "&key=" + key
	works := func(t *testing.T, rawURL string) {
		t.Helper()
		s := open(t, rawURL)
		if _, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("v")}); err != nil {
			t.Error(err)
		}
		if r, err := s.Load(t.Context(), "k"); err != nil || string(r.Data) != "v" {
			t.Errorf("Load = %q, %v, want v", r.Data, err)
		}
	}
	t.Run("cluster", func(t *testing.T) {
		port := testserver.FreePort()
		p := testserver.Start(t, testserver.Redis(append(settings(port), "cluster-enabled yes", "tls-cluster yes",
			"cluster-port "+strconv.Itoa(testserver.FreePort()))...))
		p.Do(t, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
		p.Await(t, "cluster_state:ok", "CLUSTER", "INFO")
		works(t, fmt.Sprintf("redis+cluster://127.0.0.1:%d/%s", port, query))
	})
	t.Run("sentinel", func(t *testing.T) {
		master := testserver.FreePort()
		testserver.Start(t, testserver.Redis(settings(master)...))
		port := testserver.FreePort()
		server := testserver.Redis()
		server.Prepare = func(p *testserver.Process) error {
			text := fmt.Sprintf(`port %d
bind 127.0.0.1
unixsocket %s
dir %s
tls-port %d
tls-cert-file %s
tls-key-file %s
tls-ca-cert-file %s
tls-replication yes
sentinel monitor mymaster 127.0.0.1 %d 1
`, p.Port, testserver.RedisSocket(p), p.Dir, port, cert, key, cert, master)
			return os.WriteFile(p.Path("sentinel.conf"), []byte(text), 0o600)
		}
		server.Args = func(p *testserver.Process) []string { return []string{p.Path("sentinel.conf"), "--sentinel"} }
		testserver.Start(t, server)
		works(t, fmt.Sprintf("redis+sentinel://127.0.0.1:%d/mymaster%s", port, query))
	})
}
