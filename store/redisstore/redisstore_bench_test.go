package redisstore_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore"
)

// Each method beside the bare command that it could at best be as fast as, on
// one server over loopback, one call at a time and many at once.
func Benchmark(b *testing.B) {
	c := client(b, rueidis.ClientOption{InitAddress: []string{single.Get(b).Addr()}, SelectDB: 10, ForceSingleClient: true})
	s, err := redisstore.New(c, redisstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	near, err := redisstore.New(c, redisstore.Options{StaleFor: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	one := store.Record{Data: bytes.Repeat([]byte("1"), 300), Expires: time.Now().Add(time.Hour)}
	two := store.Record{Data: bytes.Repeat([]byte("2"), 300), Expires: one.Expires}
	if err := s.Delete(ctx, "k"); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Save(ctx, "k", store.Record{}, one); err != nil {
		b.Fatal(err)
	}
	for _, m := range []struct {
		name  string
		alone bool // it changes one record, so that many at once would conflict
		call  func() error
	}{
		{"GET", false, func() error { return c.Do(ctx, c.B().Get().Key("k").Build()).Error() }},
		{"Load", false, func() error { _, err := s.Load(ctx, "k"); return err }},
		{"Load near", false, func() error { _, err := near.Load(ctx, "k"); return err }},
		{"Touch", false, func() error { return s.Touch(ctx, "k", one, one.Expires) }},
		{"SET", true, func() error {
			return c.Do(ctx, c.B().Set().Key("other").Value(string(one.Data)).PxMilliseconds(3600000).Build()).Error()
		}},
		{"Save", true, func() error { _, err := s.Save(ctx, "k", one, two); one, two = two, one; return err }},
	} {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := m.call(); err != nil {
					b.Fatal(err)
				}
			}
		})
		if m.alone {
			continue
		}
		b.Run(m.name+" many", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := m.call(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
