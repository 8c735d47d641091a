package msgpack

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// slowSkip is Skip as one would write it who need not be fast.
func slowSkip(data []byte, p, depth int) (int, error) {
	if p >= len(data) {
		return 0, wire.ErrMalformed
	}
	c := data[p]
	const huge = 1 << 29 // more than there is, and twice it is still an int of 32 bits
	number := func(width int) int {
		n := uint64(0)
		for i := range width {
			if p+1+i >= len(data) {
				return huge
			}
			n = n<<8 | uint64(data[p+1+i])
		}
		return int(min(n, huge))
	}
	bytes := func(n int) (int, error) {
		if n > len(data)-p {
			return 0, wire.ErrMalformed
		}
		return p + n, nil
	}
	values := func(header, n int) (int, error) {
		if n > len(data) {
			return 0, wire.ErrMalformed
		}
		if depth == 0 {
			return 0, wire.ErrLimit
		}
		at, err := p+header, error(nil)
		for range n {
			if at, err = slowSkip(data, at, depth-1); err != nil {
				return 0, err
			}
		}
		return at, nil
	}
	switch {
	case c < 0x80, c >= 0xe0, c == 0xc0, c == 0xc2, c == 0xc3:
		return bytes(1)
	case c < 0x90:
		return values(1, 2*int(c-0x80))
	case c < 0xa0:
		return values(1, int(c-0x90))
	case c < 0xc0:
		return bytes(1 + int(c-0xa0))
	case c == 0xc1:
		return 0, wire.ErrMalformed
	case c <= 0xc6:
		w := 1 << (c - 0xc4)
		return bytes(1 + w + number(w))
	case c <= 0xc9:
		w := 1 << (c - 0xc7)
		return bytes(2 + w + number(w))
	case c <= 0xcb:
		return bytes(1 + 4<<(c-0xca))
	case c <= 0xcf:
		return bytes(1 + 1<<(c-0xcc))
	case c <= 0xd3:
		return bytes(1 + 1<<(c-0xd0))
	case c <= 0xd8:
		return bytes(2 + 1<<(c-0xd4))
	case c <= 0xdb:
		w := 1 << (c - 0xd9)
		return bytes(1 + w + number(w))
	case c <= 0xdd:
		w := 2 << (c - 0xdc)
		return values(1+w, number(w))
	}
	w := 2 << (c - 0xde)
	return values(1+w, 2*number(w))
}

func compare(t *testing.T, data []byte, depth int) {
	t.Helper()
	got, err := Skip(data, 0, depth)
	want, wantErr := slowSkip(data, 0, depth)
	if (err == nil) != (wantErr == nil) || err == nil && got != want {
		t.Errorf("%x with depth %d: got %d and error %v, want %d and %v", data, depth, got, err, want, wantErr)
	}
	if err != nil && !errors.Is(err, wire.ErrMalformed) && !errors.Is(err, wire.ErrLimit) {
		t.Errorf("%x: unexpected error %v", data, err)
	}
}

// Every first byte, alone, with too little and with enough after it.
func TestSkipEveryFirstByte(t *testing.T) {
	for c := range 256 {
		for n := range 80 {
			for _, fill := range []byte{0x00, 0x01, 0xc1, 0xa1} {
				compare(t, append([]byte{byte(c)}, bytes.Repeat([]byte{fill}, n)...), 8)
			}
		}
	}
}

// row is a map of three fields, of which the value of one is given.
func row(value string) string { return "\x83\xa2id\x05\xa4name" + value + "\xa2ok\xc3" }

func TestSkipRows(t *testing.T) {
	same := strings.Repeat(row("\xa3abc"), 20)
	for _, tt := range []struct {
		name string
		rows string
		n    int
	}{
		{"all alike", same, 20},
		{"too few", row("\x01") + row("\x02"), 2},
		{"other text", same + row("\xa5abcde") + same, 41},
		{"longer text", same + row("\xd9\x28"+strings.Repeat("x", 40)) + same, 41},
		{"much longer text", same + row("\xda\x01\x00"+strings.Repeat("x", 256)) + same, 41},
		{"long text in the first row", row("\xda\x01\x00"+strings.Repeat("x", 256)) + same, 21},
		{"another kind of value", same + row("\xcb12345678") + row("\xc0") + row("\xc4\x01a") + row("\xd4\x01a") + same, 44},
		{"byte that is never used", same + row("\xc1") + same, 41},
		{"byte that is never used in the first row", row("\xc1") + same, 21},
		{"list instead of a value", same + row("\x92\x01\x02") + same, 41},
		{"value instead of a list", row("\x91\x01") + row("\x91\x02") + same, 22},
		{"another list", strings.Repeat(row("\x91\x01"), 9) + row("\x92\x01\x02") + same, 30},
		{"long list instead of a value", same + row("\xdc\x00\x01\x01") + same, 41},
		{"long map instead of a value", same + row("\xde\x00\x01\x01\x01") + same, 41},
		{"rows of another size", same + "\x81\xa1a\x01" + same, 41},
		{"no row at the end", same + "\x05", 21},
		{"many shapes", strings.Repeat(row("\x90")+row("\x80")+row("\x91\x01")+row("\x05"), 6), 24},
		{"rows of lists", strings.Repeat("\x92\x05\x93\x01\x02\x03", 30), 30},
		{"rows too long for a shape", strings.Repeat("\x9f"+strings.Repeat("\x91\x01", 15)+"\x9f"+strings.Repeat("\x91\x01", 15), 10), 20},
		{"rows with rows", strings.Repeat("\x95"+strings.Repeat("\x91\x01", 5), 10), 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := fmt.Sprintf("\xdc%c%c", 0, tt.n)
			if tt.n >= 0x80 {
				t.Fatal("the header would be UTF-8")
			}
			data := []byte(header + tt.rows)
			for depth := range 6 {
				compare(t, data, depth)
				compare(t, append([]byte{0x81, 0xa1, 'a'}, data...), depth)
			}
			for i := range data { // cut off anywhere
				compare(t, data[:i], 6)
			}
			for i := range data { // damaged anywhere
				for _, c := range []byte{0x00, 0x85, 0x9f, 0xbf, 0xc1, 0xd9, 0xdb, 0xdd} {
					old := data[i]
					data[i] = c
					compare(t, data, 6)
					data[i] = old
				}
			}
		})
	}
}

func FuzzSkip(f *testing.F) {
	data, err := os.ReadFile("../../codec/testdata/flask_session_msgpack.json")
	if err != nil {
		f.Fatal(err)
	}
	var vectors struct{ Encode, Decode []struct{ Stored string } }
	if err := json.Unmarshal(data, &vectors); err != nil {
		f.Fatal(err)
	}
	for _, v := range append(vectors.Encode, vectors.Decode...) {
		if raw, err := hex.DecodeString(v.Stored); err == nil && len(raw) < 4096 {
			f.Add(raw)
		}
	}
	f.Add([]byte("\x99" + strings.Repeat(row("\xa3abc"), 5) + row("\xc0") + row("\x91\x01") + row("\x91\x02") + row("\xd9\x20")))
	f.Fuzz(func(t *testing.T, data []byte) {
		compare(t, data, wire.MaxDepth)
		compare(t, data, 3)
	})
}

func BenchmarkSkip(b *testing.B) {
	for name, data := range map[string][]byte{
		"alike rows":  []byte("\xdc\x03\xe8" + strings.Repeat(row("\xa3abc"), 1000)),
		"mixed rows":  []byte("\xdc\x03\xe8" + strings.Repeat(row("\xa3abc")+row("\x90"), 500)),
		"integers":    []byte("\xdc\x03\xe8" + strings.Repeat("\x05", 1000)),
		"nested maps": []byte(strings.Repeat("\x81\xa1a", 200) + "\x01"),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Skip(data, 0, wire.MaxDepth); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
