package flask_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/cloakroom/cloakroom/flask"
)

// A value is one that both languages know, as it is sent to the Flask
// application.
type value struct {
	T string `json:"t"`
	V any    `json:"v,omitempty"`
}

// randomValue returns a value at most depth levels deep.
func randomValue(r *rand.Rand, depth int) value {
	kinds := []string{"null", "bool", "int", "float", "str", "bytes", "markup", "uuid", "time", "list", "tuple", "dict"}
	if depth == 0 {
		kinds = kinds[:9]
	}
	switch kind := kinds[r.IntN(len(kinds))]; kind {
	case "bool":
		return value{kind, r.IntN(2) == 0}
	case "int":
		return value{kind, randomInt(r).String()}
	case "float":
		return value{kind, bits(randomFloat(r))}
	case "str", "markup":
		return value{kind, randomText(r)}
	case "bytes":
		return value{kind, hex.EncodeToString([]byte(randomText(r)))}
	case "uuid":
		var u flask.UUID
		for i := range u {
			u[i] = byte(r.Uint32())
		}
		return value{kind, u.String()}
	case "time":
		return value{kind, r.Int64N(4e9)}
	case "list", "tuple":
		items := make([]value, r.IntN(4))
		for i := range items {
			items[i] = randomValue(r, depth-1)
		}
		return value{kind, items}
	case "dict":
		pairs := map[string]value{}
		for range r.IntN(4) {
			pairs[randomText(r)] = randomValue(r, depth-1)
		}
		list := [][2]any{}
		for _, k := range slices.Sorted(maps.Keys(pairs)) {
			list = append(list, [2]any{k, pairs[k]})
		}
		return value{kind, list}
	default:
		return value{T: "null"}
	}
}

func randomInt(r *rand.Rand) *big.Int {
	n := new(big.Int).SetUint64(r.Uint64() >> r.IntN(64))
	if r.IntN(8) == 0 {
		n.Mul(n, n).Mul(n, n)
	}
	if r.IntN(2) == 0 {
		n.Neg(n)
	}
	return n
}

func randomFloat(r *rand.Rand) float64 {
	f := math.Float64frombits(r.Uint64())
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0.5
	}
	return f
}

func randomText(r *rand.Rand) string {
	const characters = "abcxyz _-.\"\\/<>&'\x01\n\u00e9\u20ac\u4e2d\U0001f9e5"
	all := []rune(characters)
	text := make([]rune, r.IntN(12))
	for i := range text {
		text[i] = all[r.IntN(len(all))]
	}
	return string(text)
}

// build makes of v what a Go program would put into its session.
func build(v value) any {
	text, _ := v.V.(string)
	switch v.T {
	case "bool":
		return v.V
	case "int":
		n, _ := new(big.Int).SetString(text, 10)
		if n.IsInt64() {
			return n.Int64()
		}
		return n
	case "float":
		n, _ := strconv.ParseUint(text, 16, 64)
		return math.Float64frombits(n)
	case "str":
		return text
	case "bytes":
		b, _ := hex.DecodeString(text)
		return b
	case "markup":
		return flask.Markup(text)
	case "uuid":
		u, _ := flask.ParseUUID(text)
		return u
	case "time":
		return time.Unix(v.V.(int64), 0).UTC()
	case "list":
		return buildAll(v.V.([]value))
	case "tuple":
		return flask.Tuple(buildAll(v.V.([]value)))
	case "dict":
		all := map[string]any{}
		for _, pair := range v.V.([][2]any) {
			all[pair[0].(string)] = build(pair[1].(value))
		}
		return all
	}
	return nil
}

func buildAll(values []value) []any {
	all := make([]any, len(values))
	for i := range values {
		all[i] = build(values[i])
	}
	return all
}

// show writes a value as the Flask application does.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return quote(v)
	case float64:
		return "float " + bits(v)
	case []byte:
		return "bytes " + hex.EncodeToString(v)
	case flask.Markup:
		return "markup " + quote(string(v))
	case flask.UUID:
		return "uuid " + v.String()
	case time.Time:
		return fmt.Sprint("time ", v.Unix())
	case []any:
		return "[" + showAll(v) + "]"
	case flask.Tuple:
		return "(" + showAll(v) + ")"
	case map[string]any:
		parts := []string{}
		for _, k := range slices.SortedFunc(maps.Keys(v), byCodePoint) {
			parts = append(parts, quote(k)+":"+show(v[k]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return fmt.Sprint(v) // numbers and booleans
}

func showAll(values []any) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = show(v)
	}
	return strings.Join(parts, ",")
}

func byCodePoint(a, b string) int { return slices.Compare([]rune(a), []rune(b)) }

// quote is Python's json.dumps(s, ensure_ascii=True).
func quote(s string) string {
	plain, _ := json.Marshal(s)
	var b strings.Builder
	for _, r := range unescapeHTML(string(plain)) {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func unescapeHTML(s string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(s)
}

// bits writes a float so that nothing of it is lost.
func bits(f float64) string { return fmt.Sprintf("%016x", math.Float64bits(f)) }
