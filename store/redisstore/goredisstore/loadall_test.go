package goredisstore_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redistest"
)

func TestLoadAll(t *testing.T) {
	p := testserver.Start(t, testserver.Redis())
	redistest.LoadAll(t, onServer(t, p, 0), p)
}
