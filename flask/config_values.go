package flask

import (
	"encoding/json"
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/internal/storeurl"
)

// The functions in this file turn a value, as a map, TOML or JSON has it, into
// a field's type. Nil arrives here only for keys that may be null. Errors say
// what the value is, and itself only where it cannot be a secret.

// kindOf names what v is, as one would in TOML or JSON.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string, ClientURL:
		return "text"
	case []byte, Secret:
		return "bytes"
	case json.Number:
		return "a number"
	case time.Duration:
		return "a duration"
	case loneSurrogate:
		return "text with half of a surrogate pair"
	default:
		switch r := reflect.ValueOf(v); {
		case r.CanInt() || r.CanUint() || r.CanFloat():
			return "a number"
		case r.Kind() == reflect.Slice || r.Kind() == reflect.Array:
			return "a list"
		case r.Kind() == reflect.Map:
			return "a table"
		}
		return "a value of another kind"
	}
}

func wrong(v any, want string) error {
	return problemf("is %s, not %s", kindOf(v), want)
}

func toText(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", wrong(v, "text")
	}
	return s, validText(s)
}

// toBool takes 0 and 1 as well, but no words: Python takes the text "False"
// for true.
func toBool(v any) (bool, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	switch n, err := toInt(v); {
	case err == nil && (n == 0 || n == 1):
		return n == 1, nil
	case err == nil:
		return false, problemf("is the number %d, not true or false", n)
	}
	if s, ok := v.(string); ok {
		for _, word := range []string{"true", "false"} {
			if strings.EqualFold(s, word) {
				return false, problemf("is the text %q, which Python takes for true whatever it says: write %s without quotes", s, word)
			}
		}
	}
	return false, wrong(v, "true or false")
}

// toInt takes whole numbers of every type, 500.0 included, for maps that
// encoding/json made.
func toInt(v any) (int, error) {
	n, err := toNumber(v)
	if err != nil {
		return 0, err
	}
	if n != math.Trunc(n) || math.Abs(n) > 1<<31-1 {
		return 0, problemf("is not a whole number of a sensible size")
	}
	return int(n), nil
}

func toNumber(v any) (float64, error) {
	if n, ok := v.(json.Number); ok {
		f, err := strconv.ParseFloat(n.String(), 64)
		if err != nil {
			return 0, problemf("is a number beyond all bounds")
		}
		return f, nil
	}
	switch r := reflect.ValueOf(v); {
	case v == nil:
	case r.CanInt():
		return float64(r.Int()), nil
	case r.CanUint():
		return float64(r.Uint()), nil
	case r.CanFloat():
		return r.Float(), nil
	}
	return 0, wrong(v, "a number")
}

// toSecret tells why a number is none: FLASK_SECRET_KEY=12345 is a number in
// Flask, too, and fails there at the first session.
func toSecret(v any) (Secret, error) {
	switch s := v.(type) {
	case nil:
		return nil, nil
	case []byte:
		return Secret(append([]byte(nil), s...)), nil
	case Secret:
		return Secret(append([]byte(nil), s...)), nil
	case string:
		return Secret(s), validText(s)
	}
	if kindOf(v) == "a number" {
		return nil, problemf(`is a number, not text: put it in double quotes, inside those of a shell: '"…"'`)
	}
	return nil, wrong(v, "text")
}

func toSecrets(v any) ([]Secret, error) {
	if v == nil {
		return nil, nil
	}
	switch kindOf(v) {
	case "a list":
	case "text", "bytes", "a number":
		return nil, problemf("is %s, not a list: Python would take each character for a secret; write [\"…\"]", kindOf(v))
	default:
		return nil, wrong(v, "a list of secrets")
	}
	list := reflect.ValueOf(v)
	var secrets []Secret
	for i := range list.Len() {
		s, err := toSecret(list.Index(i).Interface())
		if err == nil && s == nil {
			err = problemf("is null, not text")
		}
		if err != nil {
			return nil, problemf("entry %d %v", i, err)
		}
		secrets = append(secrets, s)
	}
	return secrets, nil
}

// toMode reads text as octal digits, as chmod does. A number is what it is in
// Python, where 0600 is written 0o600 or 384; 600 is a mistake.
func toMode(v any) (fs.FileMode, error) {
	if m, ok := v.(fs.FileMode); ok {
		return m, checkMode(int64(m))
	}
	if s, ok := v.(string); ok {
		n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(s), "0o"), 8, 16)
		if err != nil {
			return 0, problemf("is text that is not octal digits, as \"0600\" is")
		}
		return fs.FileMode(n), checkMode(int64(n))
	}
	n, err := toInt(v)
	if err != nil {
		return 0, err
	}
	return fs.FileMode(n), checkMode(int64(n))
}

func checkMode(mode int64) error {
	if mode < 0 || mode > 0o777 {
		return problemf("is the number %d, 0o%o in octal, and no mode: write \"0600\", or 384 for the same", mode, mode)
	}
	if mode&0o600 != 0o600 {
		return problemf("is 0o%o: the owner must be able to read and write", mode)
	}
	return nil
}

func toSameSite(v any) (http.SameSite, error) {
	switch s := v.(type) {
	case nil:
		return 0, nil
	case http.SameSite:
		return s, checkSameSite(s)
	case string:
		for name, mode := range sameSites {
			if strings.EqualFold(s, name) {
				return mode, nil
			}
		}
		return 0, &problem{"is none of Lax, Strict and None", nearest(s, []string{"Lax", "Strict", "None"})}
	}
	return 0, wrong(v, "text")
}

var sameSites = map[string]http.SameSite{
	"Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode, "None": http.SameSiteNoneMode,
}

func checkSameSite(s http.SameSite) error {
	switch s {
	case 0, http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode:
		return nil
	}
	return problemf("is none of Lax, Strict and None")
}

// toURL takes text and *url.URL. What is wrong with text is not said in
// detail: it may hold a password in any place.
func toURL(v any) (ClientURL, error) {
	switch u := v.(type) {
	case nil:
		return "", nil
	case *url.URL:
		if u == nil {
			return "", nil
		}
		return ClientURL(u.String()), checkURL(u.String())
	case ClientURL:
		return u, checkURL(string(u))
	case string:
		return ClientURL(u), checkURL(u)
	}
	return "", problemf("is %s, not a URL: only in Python it is a client", kindOf(v))
}

func checkURL(s string) error {
	if s == "" {
		return problemf("is an empty text, not a URL: leave the key out")
	}
	u, err := storeurl.Parse(s)
	if err == nil && (u.Scheme == "" || startsWithDigit(u.Opaque)) {
		return problemf("is not a URL, as redis://host:6379/0 is")
	}
	if err != nil {
		return problemf("is not a URL, as redis://host:6379/0 is; special characters of a password are written %%XX, as in %%2F for a slash (%v)", err)
	}
	return nil
}

// startsWithDigit is true of the 6379 in localhost:6379, which has no scheme
// though it looks like one.
func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
