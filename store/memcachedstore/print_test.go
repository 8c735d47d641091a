package memcachedstore

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/printtest"
)

func TestStoresPrintNoPassword(t *testing.T) {
	const secret = "canary of a password"
	o := Options{Username: "user", Password: secret}
	s, err := New([]string{"localhost"}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	printtest.Silent(t, "*Store", s, secret)
	printtest.SilentWhereReached(t, "Options", o, secret)
}
