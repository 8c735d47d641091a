package bench

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"testing"
)

// visitors is how many send requests at the same time, each with a session of
// its own.
const visitors = 64

// BenchmarkParallelRead is BenchmarkRead of 64 visitors at once.
func BenchmarkParallelRead(b *testing.B) { parallel(b, pageRead) }

// BenchmarkParallelWrite is BenchmarkWrite of 64 visitors at once.
func BenchmarkParallelWrite(b *testing.B) { parallel(b, pageWrite) }

func parallel(b *testing.B, p page) {
	for _, t := range targets() {
		if t.store == "memory" {
			b.Run("store="+t.store+"/size="+small.name+"/lib="+t.lib, func(b *testing.B) {
				measureParallel(b, t.open(b, small), p)
			})
		}
	}
}

func measureParallel(b *testing.B, a app, p page) {
	var clients [visitors]client
	for i := range clients {
		c := a.client(pageCreate, "")
		c.do()
		clients[i] = a.client(p, c.cookie())
		clients[i].do()
	}
	// At most one goroutine for each visitor: a client serves one at a time.
	b.SetParallelism(max(1, visitors/runtime.GOMAXPROCS(0)))
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c := clients[next.Add(1)-1]
		for pb.Next() {
			c.do()
			if !bytes.Equal(c.answer(), yes) {
				b.Errorf("answer %q", c.answer())
				return
			}
		}
	})
}
