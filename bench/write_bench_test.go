package bench

import "testing"

// BenchmarkWrite reads one number of a session and sets it to one more.
func BenchmarkWrite(b *testing.B) {
	for _, s := range sizes {
		each(b, s, pageWrite)
	}
}
