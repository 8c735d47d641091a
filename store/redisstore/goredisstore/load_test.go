package goredisstore_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/contend"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redistest"
)

func TestWritersContend(t *testing.T) {
	p := single.Get(t)
	contend.Run(t, onServer(t, p, 0), p.Addr())
}

func TestOutages(t *testing.T) { redistest.Outages(t, opener) }
