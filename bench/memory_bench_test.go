package bench

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// million is how many sessions BenchmarkMemory keeps.
const million = 1_000_000

// BenchmarkMemory creates a million sessions of five values in memory, and
// reports what each takes: on the heap, and of the memory of the process. The
// latter means something only if the process does nothing else, as run sees to.
func BenchmarkMemory(b *testing.B) {
	for _, t := range targets() {
		if t.store == "memory" {
			b.Run("store="+t.store+"/size="+small.name+"/lib="+t.lib, func(b *testing.B) { measureMemory(b, t) })
		}
	}
}

func measureMemory(b *testing.B, t target) {
	for b.Loop() {
		c := t.open(b, small).client(pageCreate, "")
		c.do()
		heap, resident := memory(b)
		for range million {
			c.do()
		}
		heapAfter, residentAfter := memory(b)
		b.ReportMetric((heapAfter-heap)/million, "heap-B/session")
		b.ReportMetric((residentAfter-resident)/million, "resident-B/session")
		c.do() // the sessions live until here
	}
}

// memory returns the bytes on the heap, and those the process has of the
// machine after it gave back what it does not need; zero where there is no /proc.
func memory(b *testing.B) (heap, resident float64) {
	runtime.GC()
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return float64(stats.HeapAlloc), 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		b.Fatalf("/proc/self/statm has %d fields", len(fields))
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		b.Fatal(err)
	}
	return float64(stats.HeapAlloc), float64(pages * os.Getpagesize())
}
