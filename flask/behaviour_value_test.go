package flask_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/itsdangerous"
)

// names returns the keys that Flask shows, cloakroom's own among them.
func names(s *cloakroom.Session) []string {
	keys := s.Keys()
	if s.Permanent() || s.Get("_permanent") != nil {
		keys = append(keys, "_permanent")
	}
	if s.Get("_flashes") != nil {
		keys = append(keys, "_flashes")
	}
	return keys
}

// dump shows the whole session as Flask shows dict(session).
func dump(s *cloakroom.Session) string {
	all := map[string]any{}
	for _, name := range names(s) {
		all[name] = s.Get(name)
	}
	if _, ok := all["_permanent"]; ok {
		all["_permanent"] = s.Permanent()
	}
	return shown(all)
}

// number makes a number of JSON one of Go.
func number(v any) any {
	text, ok := v.(json.Number)
	if !ok {
		return v
	}
	if n, err := text.Int64(); err == nil {
		return n
	}
	if n, ok := new(big.Int).SetString(text.String(), 10); ok {
		return n
	}
	f, err := text.Float64()
	if err != nil {
		panic(err)
	}
	return f
}

// shown writes a value in a form that is the same for what Python and Go take
// for the same.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(v)
	case []byte:
		return "bytes " + hex.EncodeToString(v)
	case *big.Int:
		return v.String()
	case map[string]any:
		parts := []string{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, strconv.Quote(k)+":"+shown(v[k]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	if list := reflect.ValueOf(v); list.Kind() == reflect.Slice {
		parts := []string{}
		for i := range list.Len() {
			parts = append(parts, shown(list.Index(i).Interface()))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return fmt.Sprint(v)
}

// shownJSON is shown for a result in a transcript: a Python value with its
// type, a plain value, or what was raised.
func shownJSON(raw json.RawMessage) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return shownTagged(v)
}

func shownTagged(v any) string {
	object, ok := v.(map[string]any)
	if !ok {
		return shown(jsonNumbers(v))
	}
	if object["raised"] != nil {
		return "raised"
	}
	switch object["t"] {
	case "none":
		return "null"
	case "int", "float":
		return object["v"].(string)
	case "bytes":
		return "bytes " + object["v"].(string)
	case "list", "tuple", "set", "frozenset":
		parts := []string{}
		for _, item := range object["v"].([]any) {
			parts = append(parts, shownTagged(item))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case "dict":
		parts := []string{}
		for _, pair := range object["v"].([]any) {
			parts = append(parts, shownTagged(pair.([]any)[0])+":"+shownTagged(pair.([]any)[1]))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	}
	return shown(object["v"])
}

// jsonNumbers makes the numbers in a value of JSON those of Go.
func jsonNumbers(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = jsonNumbers(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, item := range v {
			out[k] = jsonNumbers(item)
		}
		return out
	}
	return number(v)
}

// payload returns what is in a cookie of Flask's, and when it was signed, for
// cookies that are only compressed differently.
func payload(cookie string) string {
	s, err := itsdangerous.NewURLSafeTimedSerializer(itsdangerous.Secret("not-a-real-key"),
		itsdangerous.Options{Salt: "cookie-session", KeyDerivation: itsdangerous.DeriveHMAC})
	if err != nil {
		panic(err)
	}
	data, at, err := s.LoadsRawAnyAge(cookie)
	if err != nil {
		return cookie
	}
	return at.String() + string(data)
}
