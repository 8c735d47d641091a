package bench

import "testing"

// BenchmarkNew creates a session of five values for a visitor without cookie.
func BenchmarkNew(b *testing.B) {
	for _, t := range targets() {
		if t.serves(pageCreate) {
			b.Run("store="+t.store+"/size="+small.name+"/lib="+t.lib, func(b *testing.B) {
				measure(b, t.open(b, small).client(pageCreate, ""))
			})
		}
	}
}
