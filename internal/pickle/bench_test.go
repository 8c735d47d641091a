package pickle

import (
	"testing"

	"github.com/cloakroom/cloakroom/codec"
)

// login is a session like those of Flask-Login, with a few decimals and times.
func login(b *testing.B, name string) []byte {
	for _, v := range loadVectors(b).Values {
		if v.Name == name {
			return v.Redis.data
		}
	}
	b.Fatal("no such vector")
	return nil
}

func BenchmarkUnmarshal(b *testing.B) {
	for _, name := range []string{"permanent", "login_like", "big_mixed"} {
		b.Run(name, func(b *testing.B) {
			data := login(b, name)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Unmarshal(data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, name := range []string{"permanent", "login_like", "big_mixed"} {
		b.Run(name, func(b *testing.B) {
			data := login(b, name)
			v, err := Unmarshal(data, Limits{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			var buf []byte
			for b.Loop() {
				if buf, err = Append(buf[:0], v, 4); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSplitJoin(b *testing.B) {
	data := login(b, "login_like")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var parts []codec.Field
	var buf []byte
	var err error
	for b.Loop() {
		if parts, err = Split(parts[:0], data, Limits{}); err != nil {
			b.Fatal(err)
		}
		if buf, err = Join(buf[:0], parts, 4); err != nil {
			b.Fatal(err)
		}
	}
}
