package goredisstore_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/redisproto/redistest"
)

func TestWritersContend(t *testing.T) {
	p := single.Get(t)
	redistest.Contend(t, onServer(t, p, 0), p.Addr())
}

func TestOutages(t *testing.T) { redistest.Outages(t, opener) }
