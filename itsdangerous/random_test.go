package itsdangerous_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/itsdangerous"
)

var seed = flag.Uint64("itsdangerous.seed", 0, "seed of the comparisons with Python; 0 takes one from the clock")

// source returns a source of random values, and says how to get the same ones
// again.
func source(t *testing.T) *rand.Rand {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("again with: -itsdangerous.seed=%d", n)
	return rand.New(rand.NewPCG(n, 0))
}

func randomBytes(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// randomPayload is sometimes binary, sometimes compressible, sometimes full of
// separators.
func randomPayload(rnd *rand.Rand) []byte {
	switch n := rnd.IntN(80); rnd.IntN(4) {
	case 0:
		return bytes.Repeat(randomBytes(rnd, 1+rnd.IntN(5)), n)
	case 1:
		return []byte(strings.Repeat(".", n%5) + "a.b" + strings.Repeat(".", n%3))
	default:
		return randomBytes(rnd, n)
	}
}

// damage changes text in one of many ways, mostly within the signature or
// near it.
func damage(rnd *rand.Rand, text, sep string) []byte {
	b := []byte(text)
	// Half of the time within what is behind the last separator.
	at := rnd.IntN(len(b) + 1)
	if i := strings.LastIndex(text, sep); rnd.IntN(2) == 0 {
		at = i + len(sep) + rnd.IntN(len(b)-i-len(sep)+1)
	}
	insert := func(at int, s string) []byte {
		return append(append(append([]byte(nil), b[:at]...), s...), b[at:]...)
	}
	switch rnd.IntN(11) {
	case 0:
		return b[:at]
	case 1:
		return b[min(at, 3):]
	case 2:
		return append(b, strings.Repeat("=", 1+rnd.IntN(4))...)
	case 3:
		return insert(at, strings.Repeat(string("!\n \x00\xff,*"[rnd.IntN(7)]), 1+rnd.IntN(8)))
	case 4:
		return insert(at, sep)
	case 5:
		return []byte(strings.NewReplacer("-", "+", "_", "/").Replace(text))
	case 6: // the unused bits of the last letter
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		v := max(0, strings.IndexByte(alphabet, b[len(b)-1]))
		b[len(b)-1] = alphabet[v^(1+rnd.IntN(3))]
		return b
	case 7:
		return randomBytes(rnd, rnd.IntN(40))
	case 8:
		return insert(at, strings.Repeat("=", 1+rnd.IntN(3)))
	case 9:
		return append([]byte("."), b...)
	default:
		if at < len(b) {
			b[at] ^= 1 << rnd.IntN(8)
		}
		return b
	}
}

// strangeButSigned returns a text that one of the secrets signed, whose value
// and timestamp no library would write.
func (r *peerRequest) strangeButSigned(rnd *rand.Rand) string {
	parts := [2]string{string(randomPayload(rnd)), itsdangerous.FormatTimestamp(at(r.Now - rnd.Int64N(70))())}
	for i := range parts {
		switch rnd.IntN(6) {
		case 0:
			parts[i] = strangeBase64(rnd)
		case 1:
			parts[i] = "." + strangeBase64(rnd)
		case 2:
			parts[i] = string(damage(rnd, parts[i]+".", "."))
		}
	}
	inner := parts[0]
	if rnd.IntN(5) > 0 {
		inner += string(r.Sep) + parts[1]
	}
	plain := *r
	plain.Class = "Signer"
	plain.Secrets = r.Secrets[rnd.IntN(len(r.Secrets)):][:1]
	if plain.Salt == nil && r.Class != "Signer" && r.Class != "TimestampSigner" {
		salt := []byte("itsdangerous")
		plain.Salt = &salt
	}
	return must(plain.ours(0).write([]byte(inner)))
}

// strangeBase64 is text in both alphabets with padding and junk anywhere.
func strangeBase64(rnd *rand.Rand) string {
	const likely, unlikely = "AAAAabcxyz0189-_+/", "=== !\n\r\x00\x80."
	b := make([]byte, rnd.IntN(16))
	for i := range b {
		if b[i] = likely[rnd.IntN(len(likely))]; rnd.IntN(4) == 0 {
			b[i] = unlikely[rnd.IntN(len(unlikely))]
		}
	}
	return string(b)
}

// randomValue is what both sides spell the same: no floats.
func randomValue(rnd *rand.Rand, depth int) any {
	n := rnd.IntN(5)
	switch k := rnd.IntN(7); {
	case k == 0 && depth > 0:
		m := map[string]any{}
		for range n {
			m[randomText(rnd)] = randomValue(rnd, depth-1)
		}
		return m
	case k == 1 && depth > 0:
		l := make([]any, n)
		for i := range l {
			l[i] = randomValue(rnd, depth-1)
		}
		return l
	case k == 2:
		return rnd.Int64() - rnd.Int64()
	case k == 3:
		return n%2 == 0
	case k == 4:
		return nil
	}
	return randomText(rnd)
}

func randomText(rnd *rand.Rand) string {
	const runes = "abc \"\\/<>&',:{}[]\b\f\n\r\t\x00\x01\x1f\x7f\u0080\u00e9\u2028\u2029\ufeff\ufffd\U0001f600\U0010ffff"
	all := []rune(runes)
	var b strings.Builder
	for range rnd.IntN(8) {
		b.WriteRune(all[rnd.IntN(len(all))])
	}
	return b.String()
}
