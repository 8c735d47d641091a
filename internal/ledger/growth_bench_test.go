package ledger_test

import (
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
)

// sizes are of usual sessions, and of those that a visitor has filled. The time
// for each value or message, which the benchmarks report, stays about the same.
var sizes = []int{1, 5, 20, 1000, 10_000, 100_000}

func perSize(b *testing.B, unit string, run func(b *testing.B, n int)) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			run(b, n)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/"+unit)
		})
	}
}

// BenchmarkValues reads, changes and saves all values of a session in one
// request.
func BenchmarkValues(b *testing.B) {
	perSize(b, "value", func(b *testing.B, n int) {
		names := manyNames(n)
		fields := manyFields(&eternal, names).Fields
		for b.Loop() {
			base := ledger.Read(&eternal, codec.JSON, fields)
			var d ledger.Draft
			changeAll(b, wish{&eternal, &base, &d}, names)
			saving := d.Snapshot()
			if _, err := saving.Apply(&eternal, &base, nil, now); err != nil {
				b.Fatal(err)
			}
			d.Forget(&saving)
		}
	})
}

// BenchmarkGet reads all values of a session.
func BenchmarkGet(b *testing.B) {
	perSize(b, "value", func(b *testing.B, n int) {
		names := manyNames(n)
		fields := manyFields(&eternal, names).Fields
		for b.Loop() {
			base := ledger.Read(&eternal, codec.JSON, fields)
			var d ledger.Draft
			for _, name := range names {
				d.Raw(&eternal, &base, name)
			}
		}
	})
}

// BenchmarkGetOne reads the last value of a session.
func BenchmarkGetOne(b *testing.B) {
	perSize(b, "value", func(b *testing.B, n int) {
		names := manyNames(n)
		fields := manyFields(&eternal, names).Fields
		for b.Loop() {
			base := ledger.Read(&eternal, codec.JSON, fields)
			var d ledger.Draft
			d.Raw(&eternal, &base, names[n-1])
		}
	})
}

// BenchmarkFlashes shows all messages of a session and saves that.
func BenchmarkFlashes(b *testing.B) {
	for _, name := range []string{"MessagePack", "JSON", "no lister"} {
		b.Run(name, func(b *testing.B) {
			perSize(b, "message", func(b *testing.B, n int) {
				st, base := manyMessages(b, formats[name], n)
				for b.Loop() {
					var d ledger.Draft
					d.Flashes(&base, nil, func(_, _ string) {})
					saving := d.Snapshot()
					if _, err := saving.Apply(st, &base, nil, now); err != nil {
						b.Fatal(err)
					}
					d.Forget(&saving)
				}
			})
		})
	}
}

// BenchmarkFlash adds a message to those of a session and saves that.
func BenchmarkFlash(b *testing.B) {
	perSize(b, "message", func(b *testing.B, n int) {
		st, base := manyMessages(b, codec.MsgPack, n)
		for b.Loop() {
			var d ledger.Draft
			wish{st, &base, &d}.flash("a", "new")
			saving := d.Snapshot()
			if _, err := saving.Apply(st, &base, nil, now); err != nil {
				b.Fatal(err)
			}
			d.Forget(&saving)
		}
	})
}
