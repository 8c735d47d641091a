package itsdangerous_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

const benchID = "kP3xTq0aYVw8n2bUe5rJm7LzC1dHs9GfXoQiR4tEyWA"

func BenchmarkSign(b *testing.B) {
	for name, o := range map[string]itsdangerous.Options{"sha1": {}, "sha256": {Digest: sha256.New}} {
		s := must(itsdangerous.NewSigner(itsdangerous.Secret("dev"), o))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Sign(benchID)
			}
		})
	}
	// What keeping keyed hash states saves: the same with a new HMAC each time.
	b.Run("sha1-keyed-anew", func(b *testing.B) {
		b.ReportAllocs()
		key := make([]byte, sha1.Size)
		for b.Loop() {
			h := hmac.New(sha1.New, key)
			h.Write([]byte(benchID))
			_ = benchID + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
		}
	})
}

func BenchmarkUnsign(b *testing.B) {
	secrets := itsdangerous.Secret("oldest", "old", "new")
	s := must(itsdangerous.NewSigner(secrets, itsdangerous.Options{}))
	timed := must(itsdangerous.NewTimestampSigner(secrets, itsdangerous.Options{}))
	oldest := must(itsdangerous.NewSigner(secrets[:1], itsdangerous.Options{}))
	for name, signed := range map[string]string{"newest": s.Sign(benchID), "third": oldest.Sign(benchID)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(s.Unsign(signed))
			}
		})
	}
	b.Run("timestamp", func(b *testing.B) {
		signed := timed.Sign(benchID)
		b.ReportAllocs()
		for b.Loop() {
			timed.Unsign(signed, time.Hour)
		}
	})
}

func BenchmarkSerializer(b *testing.B) {
	s := must(itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret("dev"), itsdangerous.Options{}))
	for _, n := range []int{10, 100, 1000} {
		payload := []byte(`{"l":["` + strings.Repeat(`x","`, n/4) + `"]}`)
		signed := s.DumpsRaw(payload)
		b.Run(fmt.Sprintf("dumps/%d", len(payload)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.DumpsRaw(payload)
			}
		})
		b.Run(fmt.Sprintf("loads/%d", len(payload)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.LoadsRaw(signed, time.Hour)
			}
		})
	}
}
