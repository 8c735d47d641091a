package redisstore_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/printtest"
	"github.com/cloakroom/cloakroom/internal/testserver"
)

func TestStoresPrintNoPassword(t *testing.T) {
	const secret = "canary-of-a-password"
	server := testserver.Start(t, testserver.Redis("requirepass "+secret))
	s, err := tryOpen(t, "redis://:"+secret+"@"+server.Addr()+"?stale_for=1s")
	if err != nil {
		t.Fatal(err)
	}
	printtest.Silent(t, "*Store", s, secret)
}
