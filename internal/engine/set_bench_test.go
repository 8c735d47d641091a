package engine_test

import (
	"net/url"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func BenchmarkSet(b *testing.B) {
	note := "note"
	mine := cart{Items: []item{{Name: "coat", Count: 1}, {Name: "hat", Count: 2}}, Note: &note}
	form := url.Values{"name": {"Ada"}, "mail": {"ada@example.com"}, "age": {"36"}}
	text, number := form.Get("mail"), len(form)*1000
	untyped := map[string]any{"page": 1, "tags": []any{"a", "b"}, "open": true}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		m, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{Codec: c})
		if err != nil {
			b.Fatal(err)
		}
		s, err := m.Open(b.Context(), "")
		if err != nil {
			b.Fatal(err)
		}
		for name, set := range map[string]func(){
			"string":  func() { cloakroom.Key[string]("x").Set(s, text) },
			"int":     func() { cloakroom.Key[int]("x").Set(s, number) },
			"struct":  func() { cloakroom.Key[cart]("x").Set(s, mine) },
			"pointer": func() { cloakroom.Key[*cart]("x").Set(s, &mine) },
			"form":    func() { cloakroom.Key[url.Values]("x").Set(s, form) },
			"untyped": func() { s.Set("x", untyped) },
			"update":  func() { s.Set("x", 1); cloakroom.Key[int]("x").Update(s, func(n int) int { return n + 1 }) },
		} {
			b.Run(c.Name()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					set()
				}
			})
		}
		if err := s.Err(); err != nil {
			b.Fatal(err)
		}
	}
}
