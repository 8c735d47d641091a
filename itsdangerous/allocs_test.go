//go:build !race

package itsdangerous_test

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

// TestAllocations is exact, which the race detector's pools are not.
func TestAllocations(t *testing.T) {
	secrets := itsdangerous.Secret("old", "new")
	s := must(itsdangerous.NewSigner(secrets, itsdangerous.Options{}))
	timed := must(itsdangerous.NewTimestampSigner(secrets, itsdangerous.Options{}))
	signed, dated := s.Sign(benchID), timed.Sign(benchID)
	for name, c := range map[string]struct {
		want float64
		f    func()
	}{
		"sign":                 {1, func() { s.Sign(benchID) }},
		"unsign":               {0, func() { s.Unsign(signed) }},
		"sign with the time":   {2, func() { timed.Sign(benchID) }},
		"unsign with the time": {1, func() { timed.Unsign(dated, time.Hour) }},
	} {
		if got := testing.AllocsPerRun(200, c.f); got != c.want {
			t.Errorf("%s: got %v allocations, want %v", name, got, c.want)
		}
	}
}
