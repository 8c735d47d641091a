package goredisstore_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/redisproto/redistest"
)

func TestNothingIsLost(t *testing.T) {
	redistest.NothingIsLost(t, onServer(t, single.Get(t), 2), "k")
}

func TestDeleteWins(t *testing.T) {
	redistest.DeleteWins(t, onServer(t, single.Get(t), 2), "delete")
}

func TestTwoProcesses(t *testing.T) {
	p := single.Get(t)
	redistest.TwoProcesses(t, onServer(t, p, 0), "two-processes", p.Addr())
}

func TestOutages(t *testing.T) { redistest.Outages(t, opener) }
