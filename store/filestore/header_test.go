package filestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func TestHeaderRoundTrip(t *testing.T) {
	for name, expires := range map[string]time.Time{
		"never":             {},
		"a nanosecond":      time.Unix(1_800_000_000, 1),
		"the last one":      time.Unix(1_800_000_000, 999_999_999),
		"far in the future": time.Date(9999, 12, 31, 23, 59, 59, 5, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			rec := store.Record{Data: []byte("data"), Expires: expires, Token: math.MaxUint64}
			b := append(appendHead(nil, "key", rec), rec.Data...)
			h, key, data, err := decodeFile(b)
			if err != nil || string(key) != "key" || string(data) != "data" || h.token != rec.Token {
				t.Fatalf("decoded %+v %q %q %v", h, key, data, err)
			}
			if !h.expires.Equal(expires) || h.expires.IsZero() != expires.IsZero() || !asStored(expires).Equal(h.expires) {
				t.Errorf("expiry %v, want %v", h.expires, expires)
			}
		})
	}
}

// reseal makes the header's checksum right again.
func reseal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[headSumAt:], crc32.Checksum(b[:headSumAt], castagnoli))
	return b
}

func TestHeaderRefuses(t *testing.T) {
	good := func() []byte {
		return append(appendHead(nil, "key", store.Record{Data: []byte("data"), Token: 7}), "data"...)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"nothing":               func(b []byte) []byte { return nil },
		"half a header":         func(b []byte) []byte { return b[:headerSize/2] },
		"another magic":         func(b []byte) []byte { b[0] = 'C'; return reseal(b) },
		"no token":              func(b []byte) []byte { clear(b[8:16]); return reseal(b) },
		"a huge length":         func(b []byte) []byte { b[16] = 0xff; return reseal(b) },
		"no key":                func(b []byte) []byte { clear(b[20:22]); return reseal(b) },
		"a long key":            func(b []byte) []byte { b[21] = 251; return reseal(b) },
		"reserved bytes":        func(b []byte) []byte { b[23] = 1; return reseal(b) },
		"too many nanoseconds":  func(b []byte) []byte { b[36] = 0xff; return reseal(b) },
		"an expiry before 1970": func(b []byte) []byte { b[28] = 0x80; return reseal(b) },
		"an altered expiry":     func(b []byte) []byte { b[35] = 1; return b },
		"a byte too few":        func(b []byte) []byte { return b[:len(b)-1] },
		"a byte too many":       func(b []byte) []byte { return append(b, 0) },
		"an altered key":        func(b []byte) []byte { b[headerSize] ^= 1; return b },
		"altered data":          func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, _, err := decodeFile(change(good())); !errors.Is(err, ErrDamaged) {
				t.Errorf("decodeFile = %v, want ErrDamaged", err)
			}
		})
	}
	b := good()
	b[7] = version + 1
	if _, _, _, err := decodeFile(b); !errors.Is(err, store.ErrUnsupported) || errors.Is(err, ErrDamaged) {
		t.Errorf("decodeFile of the next version = %v, want ErrUnsupported", err)
	}
}

func FuzzDecodeFile(f *testing.F) {
	for _, data := range []string{"", "data", string(make([]byte, 50))} {
		rec := store.Record{Data: []byte(data), Token: 7, Expires: time.Unix(1_800_000_000, 5)}
		f.Add(append(appendHead(nil, "key", rec), data...))
	}
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= headerSize {
			b = reseal(bytes.Clone(b)) // or nothing would ever get past the checksum
		}
		h, key, data, err := decodeFile(b)
		if err != nil {
			return
		}
		// What is accepted is exactly what would be written.
		again := append(appendHead(nil, string(key), store.Record{Data: data, Expires: h.expires, Token: h.token}), data...)
		if !bytes.Equal(again, b) {
			t.Errorf("decoded %x, encoded %x", b, again)
		}
	})
}
