package redisstore_test

import (
	"os/exec"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
)

const childPart = "REDISSTORE_TEST_PART"

func child(string) int { return 1 }

// valkey is a Valkey server, which no Debian before 13 has, so that tests that
// need it are skipped in CI, too.
func valkey(t *testing.T) testserver.Server {
	s := testserver.Valkey()
	if _, err := exec.LookPath(s.Program); err != nil {
		t.Skipf("%s was not found. To run this test: %s", s.Program, s.Install)
	}
	return s
}
