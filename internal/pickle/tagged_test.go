package pickle

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A tagged is a Python value as the vectors spell it: its type and what that
// type needs.
type tagged struct {
	T            string          `json:"t"`
	V            json.RawMessage `json:"v"`
	Bits         string          `json:"bits"`
	Unit         *string         `json:"unit"`
	Times        int             `json:"times"`
	Item         *tagged         `json:"item"`
	UTF8         string          `json:"utf8"`
	Surrogates   bool            `json:"surrogates"`
	Offset       *float64        `json:"offset"`
	Fold         bool            `json:"fold"`
	Zone         *string         `json:"zone"`
	Days         int             `json:"days"`
	Seconds      int             `json:"seconds"`
	Microseconds int             `json:"microseconds"`
}

func (g tagged) into(t testing.TB, dst any) {
	t.Helper()
	if err := json.Unmarshal(g.V, dst); err != nil {
		t.Fatalf("tagged %s: %v", g.T, err)
	}
}

func (g tagged) text(t testing.TB) string {
	t.Helper()
	if g.Surrogates {
		return string(unhex(t, g.UTF8))
	}
	if g.Unit != nil {
		return strings.Repeat(*g.Unit, g.Times)
	}
	var s string
	g.into(t, &s)
	return s
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (g tagged) bytes(t testing.TB) []byte {
	t.Helper()
	if g.Unit != nil {
		return []byte(strings.Repeat(string(unhex(t, *g.Unit)), g.Times))
	}
	return unhex(t, g.text(t))
}

func (g tagged) items(t testing.TB) []Value {
	t.Helper()
	if g.Item != nil {
		return slices.Repeat([]Value{g.Item.value(t)}, g.Times)
	}
	var all []tagged
	g.into(t, &all)
	out := []Value{}
	for _, one := range all {
		out = append(out, one.value(t))
	}
	return out
}

// value returns the Go value that g stands for.
func (g tagged) value(t testing.TB) Value {
	t.Helper()
	switch g.T {
	case "none":
		return nil
	case "bool":
		var b bool
		g.into(t, &b)
		return b
	case "int":
		n, ok := new(big.Int).SetString(g.text(t), 10)
		if !ok {
			t.Fatal("bad int")
		}
		return integer(n)
	case "float":
		n, err := strconv.ParseUint(g.Bits, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return math.Float64frombits(n)
	case "complex":
		// repr in the vectors, both parts in hexadecimal elsewhere
		if re, im, ok := strings.Cut(g.text(t), " "); ok {
			return complex(parseHexFloat(t, re), parseHexFloat(t, im))
		}
		c, err := strconv.ParseComplex(strings.ReplaceAll(g.text(t), "j", "i"), 128)
		if err != nil {
			t.Fatal(err)
		}
		return c
	case "str":
		return g.text(t)
	case "bytes":
		return g.bytes(t)
	case "bytearray":
		return ByteArray(g.bytes(t))
	case "list":
		return &List{Items: g.items(t)}
	case "tuple":
		return &Tuple{Items: g.items(t)}
	case "dict":
		var pairs [][2]tagged
		g.into(t, &pairs)
		d := &Dict{}
		for _, p := range pairs {
			if err := d.Set(p[0].value(t), p[1].value(t)); err != nil {
				t.Fatal(err)
			}
		}
		return d
	case "set", "frozenset":
		f := &FrozenSet{}
		for _, item := range g.items(t) {
			if err := f.Add(item); err != nil {
				t.Fatal(err)
			}
		}
		if g.T == "set" {
			return &f.Set
		}
		return f
	case "datetime":
		return datetime(parseDate(t, g.text(t)[:10]), g.parseTime(t, g.text(t)[11:]))
	case "date":
		return parseDate(t, g.text(t))
	case "time":
		return g.parseTime(t, g.text(t))
	case "timedelta":
		return TimeDelta{Days: g.Days, Seconds: g.Seconds, Microseconds: g.Microseconds}
	case "decimal":
		return Decimal(g.text(t))
	case "uuid":
		return UUID(unhex(t, strings.ReplaceAll(g.text(t), "-", "")))
	case "markup":
		return Markup(g.text(t))
	}
	t.Fatalf("unknown tag %q", g.T)
	return nil
}

func parseDate(t testing.TB, s string) (d Date) {
	t.Helper()
	if _, err := fmt.Sscanf(s, "%d-%d-%d", &d.Year, &d.Month, &d.Day); err != nil {
		t.Fatal(err)
	}
	return d
}

func (g tagged) parseTime(t testing.TB, s string) (c Time) {
	t.Helper()
	whole, frac, _ := strings.Cut(s, ".")
	if _, err := fmt.Sscanf(whole, "%d:%d:%d", &c.Hour, &c.Minute, &c.Second); err != nil {
		t.Fatal(err)
	}
	if frac != "" {
		c.Microsecond, _ = strconv.Atoi(frac)
	}
	if g.Offset != nil {
		us := math.Round(*g.Offset * 1e6)
		c.Zone = Zone{Aware: true, Offset: time.Duration(us) * time.Microsecond}
	}
	if g.Zone != nil {
		c.Zone.Named, c.Zone.Name = true, string(unhex(t, *g.Zone))
	}
	c.Fold = g.Fold
	return c
}

func parseHexFloat(t testing.TB, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// describe spells a value out, so that two values are equal if their
// descriptions are. Sets are sorted. What the vectors do not tell, folds and the
// names of zones, is left out.
func describe(v Value) string {
	var b strings.Builder
	describeTo(&b, v)
	return b.String()
}

func describeTo(b *strings.Builder, v Value) {
	list := func(kind string, items []Value) {
		b.WriteString(kind + "[")
		for _, item := range items {
			describeTo(b, item)
			b.WriteString(" ")
		}
		b.WriteString("]")
	}
	set := func(kind string, items []Value) {
		all := []string{}
		for _, item := range items {
			all = append(all, describe(item))
		}
		slices.Sort(all)
		b.WriteString(kind + "{" + strings.Join(all, " ") + "}")
	}
	switch v := v.(type) {
	case *List:
		list("list", v.Items)
	case *Tuple:
		list("tuple", v.Items)
	case *Dict:
		items := []Value{}
		for k, v := range v.All() {
			items = append(items, k, v)
		}
		list("dict", items)
	case *Set:
		set("set", slices.Collect(v.All()))
	case *FrozenSet:
		set("frozenset", slices.Collect(v.All()))
	case *big.Int:
		b.WriteString("int " + v.Text(16))
	case float64:
		if math.IsNaN(v) { // protocol 0 has only one
			b.WriteString("float nan")
			return
		}
		fmt.Fprintf(b, "float %x", math.Float64bits(v))
	case string:
		fmt.Fprintf(b, "str %q", v)
	case Time:
		fmt.Fprintf(b, "time %02d:%02d:%02d.%06d %v %v", v.Hour, v.Minute, v.Second, v.Microsecond, v.Zone.Aware, v.Zone.Offset)
	case DateTime:
		fmt.Fprintf(b, "datetime %v ", v.Date)
		describeTo(b, v.Time)
	default:
		fmt.Fprintf(b, "%T %#v", v, v)
	}
}

// exactly is describe with folds and the names of zones.
func exactly(v Value) string {
	var extra strings.Builder
	left := 1 << 20
	var walk func(Value)
	walk = func(v Value) {
		if left--; left < 0 {
			return
		}
		switch v := v.(type) {
		case DateTime:
			fmt.Fprint(&extra, v.Fold, v.Zone.Named, v.Zone.Name, ";")
		case Time:
			fmt.Fprint(&extra, v.Fold, v.Zone.Named, v.Zone.Name, ";")
		case *List:
			for _, item := range v.Items {
				walk(item)
			}
		case *Tuple:
			for _, item := range v.Items {
				walk(item)
			}
		case *Dict:
			for k, v := range v.All() {
				walk(k)
				walk(v)
			}
		}
	}
	walk(v)
	return describe(v) + extra.String()
}

// shorten makes a description fit into a message.
func shorten(s string) string {
	if len(s) > 400 {
		return s[:200] + " … " + s[len(s)-200:]
	}
	return s
}

// difference shows two descriptions around the place where they begin to differ.
func difference(got, want string) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	around := func(s string) string { return s[max(0, i-100):min(len(s), i+100)] }
	return fmt.Sprintf("at byte %d:\n got …%s…\nwant …%s…", i, around(got), around(want))
}
