package filestore

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// benchData is a session of usual size.
const benchData = 400

// parallel runs f in n goroutines in all.
func parallel(b *testing.B, n int, f func(pb *testing.PB, worker int)) {
	var worker atomic.Int64
	b.SetParallelism(max(1, n/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) { f(pb, int(worker.Add(1))) })
}

// benchEach runs a benchmark synced and not, alone and crowded.
func benchEach(b *testing.B, f func(b *testing.B, s *Store, goroutines int)) {
	for _, unsynced := range []bool{false, true} {
		for _, n := range []int{1, 64} {
			b.Run(fmt.Sprintf("unsynced=%v/goroutines=%d", unsynced, n), func(b *testing.B) {
				f(b, open(b, b.TempDir(), Options{Unsynced: unsynced, SweepInterval: -1}), n)
			})
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	s := quiet(b)
	put(b, s, "k", string(make([]byte, benchData)))
	load := func(b *testing.B, key string) {
		if _, err := s.Load(context.Background(), key); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("goroutines=1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			load(b, "k")
		}
	})
	b.Run("goroutines=64/same key", func(b *testing.B) {
		parallel(b, 64, func(pb *testing.PB, _ int) {
			for pb.Next() {
				load(b, "k")
			}
		})
	})
	for i := range 256 {
		put(b, s, strconv.Itoa(i), string(make([]byte, benchData)))
	}
	b.Run("goroutines=64/distinct keys", func(b *testing.B) {
		parallel(b, 64, func(pb *testing.PB, worker int) {
			for i := worker; pb.Next(); i++ {
				load(b, strconv.Itoa(i%256))
			}
		})
	})
	b.Run("absent", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Load(context.Background(), "absent"); err == nil {
				b.Fatal("found")
			}
		}
	})
}

func BenchmarkSave(b *testing.B) {
	benchEach(b, func(b *testing.B, s *Store, goroutines int) {
		next := store.Record{Data: make([]byte, benchData), Expires: time.Now().Add(time.Hour)}
		save := func(pb interface{ Next() bool }, key string) {
			r, err := s.Save(context.Background(), key, store.Record{}, next)
			for ; err == nil && pb.Next(); r, err = s.Save(context.Background(), key, r, next) {
			}
			if err != nil {
				b.Error(err)
			}
		}
		if goroutines == 1 {
			b.ReportAllocs()
			save(loop{b}, "k")
			return
		}
		parallel(b, goroutines, func(pb *testing.PB, worker int) { save(pb, strconv.Itoa(worker)) })
	})
}

// BenchmarkTakeName shows what it costs to rename over a file rather than to
// exchange the two: ext4 starts writing to the disk.
func BenchmarkTakeName(b *testing.B) {
	for _, how := range []string{"exchange", "rename"} {
		b.Run(how, func(b *testing.B) {
			s := open(b, b.TempDir(), Options{Unsynced: true, SweepInterval: -1})
			s.noSwap.Store(how == "rename")
			r := put(b, s, "k", "v")
			next := store.Record{Data: make([]byte, benchData)}
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if r, err = s.Save(context.Background(), "k", r, next); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSaveOneKey has all goroutines save the same record, again and
// again until they are the ones who succeed.
func BenchmarkSaveOneKey(b *testing.B) {
	benchEach(b, func(b *testing.B, s *Store, goroutines int) {
		if goroutines == 1 {
			return // that is BenchmarkSave
		}
		put(b, s, "k", string(make([]byte, benchData)))
		parallel(b, goroutines, func(pb *testing.PB, _ int) {
			for pb.Next() {
				for {
					r, err := s.Load(context.Background(), "k")
					if err != nil {
						b.Error(err)
						return
					}
					if _, err := s.Save(context.Background(), "k", r, r); err == nil {
						break
					}
				}
			}
		})
	})
}

func BenchmarkCreate(b *testing.B) {
	benchEach(b, func(b *testing.B, s *Store, goroutines int) {
		next := store.Record{Data: make([]byte, benchData), Expires: time.Now().Add(time.Hour)}
		create := func(pb interface{ Next() bool }, worker int) {
			for i := 0; pb.Next(); i++ {
				if _, err := s.Save(context.Background(), fmt.Sprint(worker, "-", i), store.Record{}, next); err != nil {
					b.Error(err)
					return
				}
			}
		}
		if goroutines == 1 {
			b.ReportAllocs()
			create(loop{b}, 0)
			return
		}
		parallel(b, goroutines, func(pb *testing.PB, worker int) { create(pb, worker) })
	})
}

func BenchmarkTouch(b *testing.B) {
	benchEach(b, func(b *testing.B, s *Store, goroutines int) {
		t0 := time.Now()
		touch := func(pb interface{ Next() bool }, key string) {
			next := store.Record{Data: make([]byte, benchData), Expires: t0.Add(time.Hour)}
			r, err := s.Save(context.Background(), key, store.Record{}, next)
			for i := 0; err == nil && pb.Next(); i++ {
				err = s.Touch(context.Background(), key, r, next.Expires.Add(time.Duration(i)))
			}
			if err != nil {
				b.Error(err)
			}
		}
		if goroutines == 1 {
			b.ReportAllocs()
			touch(loop{b}, "k")
			return
		}
		parallel(b, goroutines, func(pb *testing.PB, worker int) { touch(pb, strconv.Itoa(worker)) })
	})
}

// loop makes b.Loop look like testing.PB's Next.
type loop struct{ *testing.B }

func (l loop) Next() bool { return l.Loop() }
