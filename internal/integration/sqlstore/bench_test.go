package sqlstore_test

import (
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// One client and a record of a kilobyte: what a request costs without any load.
func BenchmarkStore(b *testing.B) {
	for _, p := range places {
		params := []string{}
		if p.name == inSQLite.name {
			params = append(params, "unsynced=true")
		}
		s := open(b, p.fresh(b, params...))
		data := make([]byte, 1000)
		put(b, s, "k", string(data))
		b.Run(p.name+"/load", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Load(b.Context(), "k"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.name+"/save", func(b *testing.B) {
			b.ReportAllocs()
			r, err := s.Load(b.Context(), "k")
			if err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				next := rec(fmt.Sprint(i, string(data)))
				if r, err = s.Save(b.Context(), "k", r, next); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.name+"/touch", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Touch(b.Context(), "k", store.Record{}, rec("").Expires); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
