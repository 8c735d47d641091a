// Package printtest looks for secrets in what programs print and log.
package printtest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Verbs are those of fmt, one that it does not know, and flags that change what
// is printed.
var Verbs = []string{
	"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%# x", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%p", "%w", "%z", "%-20s",
}

// Prints shows v in every way that programs print and log.
func Prints(v any) []string {
	var out []string
	for _, verb := range Verbs {
		out = append(out, fmt.Sprintf(verb, v))
	}
	out = append(out, fmt.Sprint(v), fmt.Sprintln(v), fmt.Errorf("failed: %v", v).Error())
	for _, handler := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("message", "value", v, slog.Group("in", slog.Any("value", v)))
		out = append(out, b.String())
	}
	if b, err := json.Marshal(v); err == nil {
		out = append(out, string(b))
	} else {
		out = append(out, err.Error())
	}
	return out
}

// reached are values that a program may well print which hold v where fmt calls
// its methods.
func reached[T any](v T) map[string]any {
	type holder struct{ V T }
	type any1 struct{ V any }
	return map[string]any{
		"itself":                  v,
		"pointer":                 &v,
		"field":                   holder{v},
		"pointer to a field":      &holder{v},
		"field of an interface":   any1{v},
		"pointer in an interface": any1{&v},
		"list":                    []T{v},
		"list of pointers":        []*T{&v},
		"array":                   [1]T{v},
		"map":                     map[string]T{"k": v},
		"map of interfaces":       map[string]any{"k": v},
		"list of interfaces":      []any{&v},
		"pointer to a pointer":    any(ptr(&v)),
		"struct with a pointer":   struct{ P *T }{&v},
	}
}

// passedBy are holders of v where fmt does not call its methods: in unexported
// fields, and behind a pointer when the verb does not fit.
func passedBy[T any](v T) map[string]any {
	type holder struct{ v T }
	type any1 struct{ v any }
	type pointer struct{ v *T }
	type deep struct{ h *holder }
	type exported struct{ H *struct{ V T } }
	return map[string]any{
		"unexported field":                     holder{v},
		"pointer to an unexported field":       &holder{v},
		"unexported interface":                 any1{v},
		"pointer in an unexported interface":   any1{&v},
		"unexported pointer":                   pointer{&v},
		"pointer to an unexported pointer":     &pointer{&v},
		"unexported field of a pointer":        deep{&holder{v}},
		"pointer to one of a pointer":          &deep{&holder{v}},
		"list of structs with a pointer":       []deep{{&holder{v}}},
		"pointers to structs with a pointer":   []*deep{{&holder{v}}},
		"map of structs with an unexported":    map[string]holder{"k": {v}},
		"map of pointers to structs with such": map[string]*pointer{"k": {&v}},
		"exported field of a pointer":          exported{&struct{ V T }{v}},
	}
}

func ptr[T any](v T) *T { return &v }

// Silent fails the test if fmt, slog or an encoding shows a secret of v,
// wherever v is held: by itself, or as fmt and the encodings spell bytes.
func Silent[T any](t *testing.T, what string, v T, secrets ...string) {
	t.Helper()
	forms := allForms(secrets)
	for where, held := range reached(v) {
		silent(t, what+", "+where, Prints(held), forms)
	}
	for where, held := range passedBy(v) {
		silent(t, what+", "+where, Prints(held), forms)
	}
}

// SilentWhereReached is Silent for a plain type, whose methods are all that hides
// its secret: v is held where fmt calls them, and printed with the verbs for
// which it does.
func SilentWhereReached[T any](t *testing.T, what string, v T, secrets ...string) {
	t.Helper()
	forms := allForms(secrets)
	for where, held := range reached(v) {
		var texts []string
		for i, text := range Prints(held) {
			if i < len(Verbs) && (Verbs[i] == "%p" || Verbs[i] == "%w") {
				continue
			}
			texts = append(texts, text)
		}
		silent(t, what+", "+where, texts, forms)
	}
}

func silent(t *testing.T, what string, texts, forms []string) {
	t.Helper()
	for _, text := range texts {
		if form := find(text, forms); form != "" {
			t.Errorf("%s: printed with %.40q in it: …%.300s", what, form, around(text, form))
			return
		}
	}
}

func around(text, form string) string {
	return text[max(0, strings.Index(text, form)-120):]
}

// Shows returns the first form in which text shows one of the secrets, or "".
// Twelve bytes of a secret are enough.
func Shows(text string, secrets ...string) string { return find(text, allForms(secrets)) }

func find(text string, forms []string) string {
	for _, form := range forms {
		if strings.Contains(text, form) {
			return form
		}
	}
	return ""
}

func allForms(secrets []string) []string {
	const piece = 12
	var all []string
	for _, secret := range secrets {
		for i := 0; i+piece <= len(secret); i += piece {
			all = append(all, forms(secret[i:i+piece])...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// forms are the ways in which fmt and encodings spell bytes.
func forms(s string) []string {
	list := func(format, sep string) string {
		var parts []string
		for i := range len(s) {
			parts = append(parts, fmt.Sprintf(format, s[i]))
		}
		return strings.Join(parts, sep)
	}
	all := []string{
		s, hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))),
		list("%d", " "), list("%d", ","), list("%d", ", "), list("%#x", ", "), list("0x%x", ", "), list("%02x", " "), list("%02X", " "),
		list("0x%02x", " "), list("0X%02X", " "), list("%o", " "), list("0o%o", " "), list("%b", " "), list("%c", " "), list("U+%04X", " "),
		list(`'%c'`, " "), list(`\x%02x`, ""), url.QueryEscape(s), strings.Trim(strconv.Quote(s), `"`),
	}
	// Base64 has three forms, by what precedes; the bytes at the ends depend on
	// the neighbours.
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte("xx"[:shift] + s))
		text = text[(shift*8+5)/6 : (shift+len(s))*8/6]
		all = append(all, text, strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	return all
}

// Words returns the words of 32 bits that a cipher may keep a key as, in pairs,
// as %v prints them.
func Words(key []byte) []string {
	var out []string
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		for i := 0; i+8 <= len(key); i += 8 {
			out = append(out, fmt.Sprintf("%d %d", order.Uint32(key[i:]), order.Uint32(key[i+4:])))
		}
	}
	return out
}
