package bench

import "testing"

// BenchmarkRead reads one short string out of sessions of several sizes.
func BenchmarkRead(b *testing.B) {
	for _, s := range sizes {
		each(b, s, pageRead)
	}
}

// BenchmarkItems reads all items of a session, which is where decoding a
// session lazily saves nothing.
func BenchmarkItems(b *testing.B) {
	for _, s := range itemSizes {
		each(b, s, pageItems)
	}
}
