package engine_test

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// Of a million IDs no two begin alike, and each value of each of their 32 bytes
// comes about as often as any other, by the chi-square test.
func TestIDsAreRandom(t *testing.T) {
	t.Parallel()
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	const size = 32
	var counts [size][256]int
	heads := make([]uint64, n)
	for i := range heads {
		id, ticket := engine.IDs{}.New()
		raw, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil || len(raw) != size || ticket != id {
			t.Fatalf("an ID of %d bytes (%v), want %d", len(raw), err, size)
		}
		heads[i] = binary.BigEndian.Uint64(raw)
		for place, b := range raw {
			counts[place][b]++
		}
	}
	slices.Sort(heads)
	if len(slices.Compact(heads)) < n { // by chance once in forty million runs
		t.Error("two IDs begin with the same 8 bytes")
	}
	want := float64(n) / 256
	for place := range counts {
		sum := 0.0
		for _, c := range counts[place] {
			sum += (float64(c) - want) * (float64(c) - want) / want
		}
		// 255 degrees of freedom: mean 255, standard deviation 23. Random bytes
		// come to this about once in 10^11 times, either way.
		if sum > 440 || sum < 128 {
			t.Errorf("byte %d: chi-square %.0f, want about 255", place, sum)
		}
	}
}
