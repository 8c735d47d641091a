package codec

import "testing"

func BenchmarkValue(b *testing.B) {
	c := cart{Items: []item{{"coat", 1}, {"hat", 2}}, Note: ptr("note"), Extra: map[string]any{"k": []any{1, "v"}}}
	for _, codec := range []Codec{MsgPack, JSON} {
		raw, err := codec.Marshal(nil, c)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(codec.Name()+"/marshal struct", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				codec.Marshal(nil, &c)
			}
		})
		b.Run(codec.Name()+"/unmarshal struct", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Value[cart](codec, raw)
			}
		})
		b.Run(codec.Name()+"/unmarshal any", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Value[any](codec, raw)
			}
		})
		text, _ := codec.Marshal(nil, "0123456789abcdef0123456789abcdef")
		b.Run(codec.Name()+"/string", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				String(codec, text)
			}
		})
	}
}
