package codec

import (
	"fmt"
	"testing"
)

// bigRecord is a record of about 100 KB: four small values and a list of maps.
func bigRecord(t testing.TB, c Codec) []byte {
	t.Helper()
	rows := make([]any, 900)
	for i := range rows {
		rows[i] = map[string]any{
			"id":       1000 + i,
			"title":    fmt.Sprintf("Product number %d, in %s", i, []string{"black", "white", "dark green"}[i%3]),
			"sku":      fmt.Sprintf("SKU-%08d-%032x", i, i*i),
			"quantity": i % 7,
		}
	}
	record := map[string]any{"_permanent": true, "user": "ada", "user_id": 42, "csrf": "0123456789abcdef0123456789abcdef", "cart": rows}
	data, err := c.Marshal(nil, record)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func smallRecord(t testing.TB, c Codec) []byte {
	t.Helper()
	data, err := c.Marshal(nil, map[string]any{"_permanent": true, "user": "ada", "user_id": 42,
		"csrf": "0123456789abcdef0123456789abcdef", "cart": []any{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func BenchmarkSplit(b *testing.B) {
	for _, c := range []Codec{MsgPack, JSON} {
		for name, data := range map[string][]byte{"100KB": bigRecord(b, c), "small": smallRecord(b, c)} {
			b.Run(c.Name()+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				var fields []Field
				for b.Loop() {
					var err error
					if fields, err = c.Split(fields[:0], data); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
