package taggedjson

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// A tagged is a Python value as the vectors show it.
type tagged struct {
	T      string
	V      json.RawMessage
	Bits   string
	Unit   string
	Times  int
	Item   *tagged
	UTF8   string
	Offset *float64
}

func (t *tagged) into(dst any) {
	if err := json.Unmarshal(t.V, dst); err != nil {
		panic(err)
	}
}

func (t *tagged) text() (s string) {
	switch {
	case t.UTF8 != "":
		b, _ := hex.DecodeString(t.UTF8)
		return replaced(b)
	case t.Unit != "":
		return strings.Repeat(t.Unit, t.Times)
	case t.V == nil:
		return ""
	}
	t.into(&s)
	return s
}

// replaced returns text with U+FFFD for each surrogate.
func replaced(b []byte) string {
	var s strings.Builder
	for i := 0; i < len(b); i++ {
		if _, n := pyvalue.Surrogate(string(b[i:])); n > 0 {
			s.WriteRune('\ufffd')
			i += n - 1
			continue
		}
		s.WriteByte(b[i])
	}
	return s.String()
}

func (t *tagged) pairs() (p [][2]tagged) {
	t.into(&p)
	return p
}

func (t *tagged) list() []any {
	if t.Item != nil {
		return slices.Repeat([]any{t.value()}, t.Times)
	}
	var items []tagged
	t.into(&items)
	l := make([]any, len(items))
	for i := range items {
		l[i] = items[i].value()
	}
	return l
}

// noGo is the value of a Python type for which Go has none.
type noGo struct{}

// value returns the Go value that stands for t.
func (t *tagged) value() any {
	switch t.T {
	case "none":
		return nil
	case "bool":
		return string(t.V) == "true"
	case "int":
		b, _ := new(big.Int).SetString(t.text(), 10)
		switch {
		case b.IsInt64():
			return b.Int64()
		case b.IsUint64():
			return b.Uint64()
		}
		return b
	case "float":
		bits, _ := strconv.ParseUint(t.Bits, 16, 64)
		return math.Float64frombits(bits)
	case "str", "decimal":
		return t.text()
	case "markup":
		return pyvalue.Markup(t.text())
	case "bytes":
		b, _ := hex.DecodeString(t.text())
		return b
	case "uuid":
		u, err := pyvalue.ParseUUID(t.text())
		if err != nil {
			panic(err)
		}
		return u
	case "list":
		return t.list()
	case "tuple":
		return pyvalue.Tuple(t.list())
	case "dict":
		return t.dict()
	case "date":
		at, _ := time.Parse(time.DateOnly, t.text())
		return at.Format(httpDate)
	case "datetime":
		at, err := time.Parse("2006-01-02T15:04:05", t.text())
		if err != nil {
			panic(err)
		}
		if t.Offset != nil {
			at = at.Add(-time.Duration(*t.Offset) * time.Second).In(time.FixedZone("", int(*t.Offset)))
		}
		return at
	}
	return make(chan noGo)
}

func (t *tagged) dict() any {
	texts, others := map[string]any{}, map[any]any{}
	for _, p := range t.pairs() {
		v := p[1].value()
		switch k := p[0].value().(type) {
		case string:
			texts[k], others[k] = v, v
		case []byte:
			others[[1]byte(k[:1])] = v
		case pyvalue.Tuple:
			others[[1]any{k[0]}] = v
		default:
			others[k] = v
		}
	}
	if len(texts) == len(others) {
		return texts
	}
	return others
}

// show returns v in full, so that two values which differ in any way look
// different. Times count in whole seconds, as Flask keeps them.
func show(v any) string {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) {
			return "float(nan)"
		}
		return fmt.Sprintf("float(%x %v)", math.Float64bits(v), v)
	case string:
		return strconv.QuoteToASCII(v)
	case []byte:
		return fmt.Sprintf("bytes(%x)", v)
	case time.Time:
		return fmt.Sprintf("time(%d)", v.Unix())
	case *big.Int:
		return "big(" + v.String() + ")"
	case []any:
		return "[" + showAll(v) + "]"
	case pyvalue.Tuple:
		return "(" + showAll(v) + ")"
	case map[string]any:
		var b strings.Builder
		for _, k := range slices.Sorted(maps.Keys(v)) {
			fmt.Fprintf(&b, "%q:%s,", k, show(v[k]))
		}
		return "{" + b.String() + "}"
	}
	return fmt.Sprintf("%T(%v)", v, v)
}

func showAll(items []any) string {
	var b strings.Builder
	for _, v := range items {
		b.WriteString(show(v) + ",")
	}
	return b.String()
}

// shorten makes text fit into a failure's message.
func shorten[T string | []byte](text T) string {
	if len(text) > 600 {
		return fmt.Sprintf("%.600s… (%d bytes)", string(text), len(text))
	}
	return string(text)
}

// load reads a whole record, each value into a variable of type any.
func load(data []byte) (map[string]any, error) {
	fields, err := Codec.Split(nil, data)
	if err != nil {
		return nil, err
	}
	m := map[string]any{}
	for _, f := range fields {
		name := string(f.Name)
		if f.Name == nil {
			name = string(unquote(f.Key, replace))
		}
		var v any
		if err := Codec.Unmarshal(f.Raw, &v); err != nil {
			return nil, err
		}
		m[name] = v
	}
	return m, nil
}

// dump writes a whole record, value by value.
func dump(m map[string]any) ([]byte, error) {
	var fields []codec.Field
	for name, v := range m {
		raw, err := Codec.Marshal(nil, v)
		if err != nil {
			return nil, err
		}
		fields = append(fields, codec.Field{Name: []byte(name), Raw: raw})
	}
	return Codec.Join(nil, fields)
}
