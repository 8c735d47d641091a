package flask_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/flask"
)

// inspected returns v as Inspect should show it, decoded.
func inspected(t *testing.T, v *pyValue) any {
	t.Helper()
	tagged := func(tag string, value any) any { return map[string]any{tag: value} }
	switch v.T {
	case "none":
		return nil
	case "bool":
		return string(v.V) == "true"
	case "int":
		return json.Number(v.text(t))
	case "float":
		bits, err := strconv.ParseUint(v.Bits, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return shownFloat(math.Float64frombits(bits))
	case "str":
		return v.text(t)
	case "bytes", "bytearray":
		return tagged("$"+v.T, base64.StdEncoding.EncodeToString(v.bytes(t)))
	case "list":
		return v.items(t)
	case "tuple", "set", "frozenset":
		return tagged("$"+v.T, v.items(t))
	case "dict":
		var pairs [][2]pyValue
		v.into(t, &pairs)
		m := map[string]any{}
		for _, p := range pairs {
			m[shownKey(t, &p[0])] = inspected(t, &p[1])
		}
		return m
	case "datetime", "time":
		return tagged("$"+v.T, v.text(t)+v.offset())
	case "timedelta":
		text, err := flask.TimeDelta{Days: v.Days, Seconds: v.Secs, Microseconds: v.Micros}.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		return tagged("$timedelta", string(text))
	case "ext":
		return tagged("$ext", []any{json.Number(strconv.Itoa(v.Code)), base64.StdEncoding.EncodeToString(v.bytes(t))})
	case "complex":
		return tagged("$complex", []any{json.Number("1.0"), json.Number("2.0")})
	}
	return tagged("$"+v.T, v.text(t)) // date, decimal, uuid, markup
}

// shownKey returns a key as it is shown.
func shownKey(t *testing.T, v *pyValue) string {
	t.Helper()
	if v.T == "str" || v.T == "markup" {
		if s := v.text(t); !strings.HasPrefix(s, "$") {
			return s
		}
		return "$" + v.text(t)
	}
	b, err := json.Marshal(inspected(t, v))
	if err != nil {
		t.Fatal(err)
	}
	return "$" + string(b)
}

func shownFloat(f float64) any {
	switch {
	case math.IsNaN(f):
		return map[string]any{"$float": "NaN"}
	case math.IsInf(f, 0):
		return map[string]any{"$float": strings.Replace(strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+"), "Inf", "Infinity", 1)}
	}
	for _, format := range []byte("fe") { // whichever way it is spelled
		s := strconv.FormatFloat(f, format, -1, 64)
		if a := math.Abs(f); format == 'f' && (a >= 1e16 || a != 0 && a < 1e-5) {
			continue
		}
		if format == 'f' && !strings.Contains(s, ".") {
			s += ".0"
		}
		if m, e, ok := strings.Cut(s, "e"); ok {
			n, _ := strconv.Atoi(e)
			s = m + "e" + strconv.Itoa(n)
		}
		return json.Number(s)
	}
	return nil
}

func (v *pyValue) into(t *testing.T, dst any) {
	t.Helper()
	if err := json.Unmarshal(v.V, dst); err != nil {
		t.Fatal(err)
	}
}

func (v *pyValue) text(t *testing.T) (s string) {
	t.Helper()
	switch {
	case v.UTF8 != nil:
		return surrogatesReplaced(t, *v.UTF8)
	case v.Unit != nil:
		return strings.Repeat(*v.Unit, v.Times)
	}
	v.into(t, &s)
	return s
}

// surrogatesReplaced has U+FFFD for each surrogate, as encoding/json reads them.
func surrogatesReplaced(t *testing.T, utf8 string) string {
	b, err := hex.DecodeString(utf8)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] == 0xed && i+2 < len(b) && b[i+1] >= 0xa0 {
			out.WriteString("\ufffd")
			i += 2
			continue
		}
		out.WriteByte(b[i])
	}
	return out.String()
}

func (v *pyValue) bytes(t *testing.T) []byte {
	t.Helper()
	text := ""
	if v.Unit != nil {
		text = strings.Repeat(*v.Unit, v.Times)
	} else {
		v.into(t, &text)
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v *pyValue) items(t *testing.T) []any {
	t.Helper()
	items := []any{}
	if v.Item != nil {
		for range v.Times {
			items = append(items, inspected(t, v.Item))
		}
		return items
	}
	var all []pyValue
	v.into(t, &all)
	for i := range all {
		items = append(items, inspected(t, &all[i]))
	}
	return items
}

// offset returns the zone as it is shown.
func (v *pyValue) offset() string {
	if v.Offset == nil {
		return ""
	}
	sec := int(*v.Offset)
	if sec == 0 {
		return "Z"
	}
	sign := "+"
	if sec < 0 {
		sign, sec = "-", -sec
	}
	two := func(n int) string { return strconv.Itoa(n/10) + strconv.Itoa(n%10) }
	return sign + two(sec/3600) + ":" + two(sec/60%60)
}
