package memstore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// farAway is an expiry that no benchmark reaches.
var farAway = time.Now().Add(1000 * time.Hour)

// sessions returns the keys of n sessions, each as long as that of a hashed
// ID with a prefix.
func sessions(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("session:%043d", i)
	}
	return keys
}

// filled returns a store with n sessions of 90 bytes, and their keys.
func filled(b *testing.B, n int) (*memstore.Store, []string) {
	s, keys := memstore.New(memstore.Options{}), sessions(n)
	for _, key := range keys {
		create(b, s, key, string(make([]byte, 90)), farAway)
	}
	b.Cleanup(func() { s.Close() })
	return s, keys
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1, 1000, 1_000_000} {
		b.Run(fmt.Sprint("of ", n), func(b *testing.B) {
			s, keys := filled(b, n)
			ctx := b.Context()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Load(ctx, keys[i*7919%n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoadParallel(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		b.Run(fmt.Sprint("of ", n), func(b *testing.B) {
			s, keys := filled(b, n)
			ctx := b.Context()
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(n); pb.Next(); i++ {
					if _, err := s.Load(ctx, keys[i%n]); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkSave(b *testing.B) {
	s, keys := filled(b, 1)
	ctx, data := b.Context(), make([]byte, 90)
	r, err := s.Load(ctx, keys[0])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err = s.Save(ctx, keys[0], r, store.Record{Data: data, Expires: farAway})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTouch(b *testing.B) {
	s, keys := filled(b, 1)
	ctx := b.Context()
	r, _ := s.Load(ctx, keys[0])
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Touch(ctx, keys[0], r, farAway); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCreateDelete creates a session and deletes it, among 100 000.
func BenchmarkCreateDelete(b *testing.B) {
	s, _ := filled(b, 100_000)
	ctx, data := b.Context(), make([]byte, 90)
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.Save(ctx, "new", store.Record{}, store.Record{Data: data, Expires: farAway})
		if err == nil {
			err = s.Delete(ctx, "new")
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMixedParallel has nine loads for each save.
func BenchmarkMixedParallel(b *testing.B) {
	const n = 100_000
	s, keys := filled(b, n)
	ctx, data := b.Context(), make([]byte, 90)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(n); pb.Next(); i++ {
			r, err := s.Load(ctx, keys[i%n])
			if err == nil && i%10 == 0 {
				_, err = s.Save(ctx, keys[i%n], r, store.Record{Data: data, Expires: farAway})
			}
			if err != nil && !errors.Is(err, store.ErrConflict) {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkMemory reports how many bytes a session takes, and how long a
// sweep of them all takes.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint("of ", n), func(b *testing.B) {
			for b.Loop() {
				before := heap()
				s := filledWithoutKeys(b, n)
				b.ReportMetric(float64(heap()-before)/float64(n), "bytes/session")
				begin := time.Now()
				if _, err := s.DeleteExpired(b.Context(), n); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(time.Since(begin).Microseconds()), "µs/sweep")
				s.Close()
			}
		})
	}
}

// heap returns the bytes in use, after a garbage collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// filledWithoutKeys is filled, with keys that become garbage.
func filledWithoutKeys(b *testing.B, n int) *memstore.Store {
	s, data := memstore.New(memstore.Options{}), string(make([]byte, 90))
	for i := range n {
		create(b, s, fmt.Sprintf("session:%043d", i), data, farAway)
	}
	return s
}
