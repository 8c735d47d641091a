package redisstore_test

import (
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore"
)

// pingRights are what loads and saves need of a server on which the scripts are
// not known yet.
var pingRights = strings.Fields("+get +set +del +pttl +pexpire +eval +evalsha")

// without returns the rights but for one, in front of which is what a client
// needs to connect.
func without(right string) string {
	rights := "-@all +ping +hello +client"
	for _, r := range pingRights {
		if r != right {
			rights += " " + r
		}
	}
	return rights
}

// opened opens a store whose user may have no right at all: New asks nothing.
func opened(t *testing.T, p *testserver.Process) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(client(t, rueidis.ClientOption{InitAddress: []string{p.Addr()}, Username: "narrow", Password: "secret", AlwaysPipelining: true}),
		redisstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever right a user lacks, Ping says so, whether it may write where Ping
// would, among the sessions, or at keys that the store does not know.
func TestPingOfAUserWhoLacksARight(t *testing.T) {
	for _, keys := range []string{"~*", "~session:*", "~app:*"} {
		for _, right := range append([]string{"none"}, pingRights...) {
			if keys == "~app:*" && strings.Contains("+get +pttl +pexpire", right) {
				continue // scripts use them, which do not run for keys that are denied
			}
			t.Run(keys+"/"+right, func(t *testing.T) {
				p := testserver.Start(t, testserver.Redis("user narrow on >secret "+keys+" "+without(right)))
				s := opened(t, p)
				for range 2 { // the second one knows which keys it may use
					err := s.Ping(t.Context())
					if right == "none" && err != nil {
						t.Errorf("Ping = %v (%s), want nil", err, store.Advice(err))
					}
					if right != "none" {
						fails(t, "Ping", err, "redisstore: ping: ", "ACL SETUSER")
					}
				}
				if n := strings.TrimSpace(p.Do(t, "DBSIZE")); right == "none" && n != "0" {
					t.Errorf("DBSIZE after Ping = %q, want 0", n)
				}
			})
		}
	}
}

// Also where the user may touch no key that Ping knows.
func TestPingOfAReplica(t *testing.T) {
	master := testserver.Start(t, testserver.Redis())
	for _, keys := range []string{"~*", "~session:*", "~app:*"} {
		t.Run(keys, func(t *testing.T) {
			p := testserver.Start(t, testserver.Redis("user narrow on >secret "+keys+" +@all",
				"replicaof 127.0.0.1 "+strings.TrimPrefix(master.Addr(), "127.0.0.1:")))
			fails(t, "Ping", opened(t, p).Ping(t.Context()), "READONLY", "connect to the master")
		})
	}
}
