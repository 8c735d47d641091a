package guarantee_test

import "testing"

// size returns n, of plans or rounds, or short of them where -short asks for few. With
// the race detector, which makes each take many times as long, it is a tenth: make
// test runs these tests without it too.
func size(n, short int) int {
	switch {
	case testing.Short():
		return short
	case raced:
		return max(n/10, short)
	}
	return n
}
