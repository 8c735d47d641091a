package flask_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/cloakroom/cloakroom/flask"
)

type peerQuestions struct {
	Environ   []map[string]string `json:"environ"`
	SameSite  []any               `json:"samesite"`
	Lifetime  []any               `json:"lifetime"`
	Domain    []map[string]any    `json:"domain"`
	IDNA      []string            `json:"idna"`
	Timedelta []float64           `json:"timedelta"`
}

type peerAnswers struct {
	Defaults  map[string]any `json:"defaults"`
	Environ   []any          `json:"environ"`
	SameSite  []string       `json:"samesite"`
	Lifetime  []string       `json:"lifetime"`
	Domain    []string       `json:"domain"`
	IDNA      []string       `json:"idna"`
	Timedelta []string       `json:"timedelta"`
}

// askPeer has the questions answered by the real Flask and Flask-Session.
func askPeer(t *testing.T, questions peerQuestions) peerAnswers {
	t.Helper()
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	var problems bytes.Buffer
	cmd := exec.CommandContext(t.Context(), findPeer(t), "testdata/config_peer.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("peer: %v\n%s", err, problems.Bytes())
	}
	var answers peerAnswers
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatalf("peer: %v", err)
	}
	return answers
}

// findPeer returns a Python with the versions that the tests were written for.
func findPeer(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("no comparison with Python with -short")
	}
	const check = "import flask, flask_session; assert flask.__version__ + flask_session.__version__ == '2.2.20.3.2'"
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), python, "-W", "ignore", "-c", check).Run() == nil {
			return python
		}
	}
	const missing = "no python3 with Flask 2.2.2 and Flask-Session 0.3.2 (Debian 12: apt-get install python3-flask python3-flask-session)"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

func TestDefaultsAreThoseOfFlask(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	real := askPeer(t, peerQuestions{}).Defaults
	ours := reflect.ValueOf(flask.DefaultConfig())
	var newer []string
	for _, k := range flask.Keys() {
		want, ok := real[k.Name]
		if !ok {
			newer = append(newer, k.Name)
			continue
		}
		delete(real, k.Name)
		got := tagged(plain(ours.FieldByName(k.Field).Interface()))
		switch k.Name {
		case "SESSION_TYPE": // of an application that uses Flask-Session, which is not known here
			got = tagged("null")
		case "SESSION_FILE_DIR":
			got = tagged(filepath.Join(here, flask.DefaultConfig().FileDir))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", k.Name, got, want)
		}
	}
	if len(real) > 0 {
		t.Errorf("keys that are missing here: %v", slices.Sorted(maps.Keys(real)))
	}
	if len(newer) != 17 || slices.Contains(newer, "SECRET_KEY") {
		t.Errorf("the keys that these versions do not have should be 17, not %d: %v", len(newer), newer)
	}
}

// plain turns a field of Config into what Python has there.
func plain(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return v.Seconds()
	case fs.FileMode:
		return int(v)
	case http.SameSite, flask.Secret, flask.ClientURL:
		if !reflect.ValueOf(v).IsZero() {
			panic("a default that none should have")
		}
		return nil
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

// tagged is what testdata/config_peer.py makes of v, once through JSON.
func tagged(v any) any {
	switch v := v.(type) {
	case nil, bool:
		return map[string]any{"is": v}
	case int:
		return map[string]any{"int": strconv.Itoa(v)}
	case float64:
		return map[string]any{"float": pythonFloat(v)}
	case json.Number:
		if n, ok := new(big.Int).SetString(v.String(), 10); ok {
			return map[string]any{"int": n.String()}
		}
		f, _ := strconv.ParseFloat(v.String(), 64)
		return map[string]any{"float": pythonFloat(f)}
	case string:
		return map[string]any{"text": v}
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = tagged(v[i])
		}
		return map[string]any{"list": list}
	case map[string]any:
		table := map[string]any{}
		for k := range v {
			table[k] = tagged(v[k])
		}
		return map[string]any{"table": table}
	}
	return map[string]any{"surrogate": true}
}

// pythonFloat writes f as repr does.
func pythonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.ToLower(strings.TrimPrefix(fmt.Sprint(f), "+"))
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		format = 'e'
	}
	s := strconv.FormatFloat(f, format, -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

func TestPrefixedEnvironmentIsThatOfFlask(t *testing.T) {
	texts := []string{
		"", " ", "text", "null", "None", "true", "True", "false", "1", "-0", "-1", "01", "0600", "1.5", "1.", ".5", "1e3", "1E400", "1e-400", "0x10", "1_0",
		"123456789012345678901234567890", "12e45", "0.1e1", "NaN", " -Infinity ", "Infinity", "+Infinity", "-NaN", "nan", "[]", "{}", "[1,]", `["a", 1, null]`,
		`{"a": {"b": [true]}}`, `{"a":1,"a":2}`, `"text"`, `'text'`, `"a`, `"\u00e9\n"`, "\"tab\tin it\"", `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `["\ud800"]`,
		`{"\udfff": 1}`, `"\\ud800"`, `"\u+123"`, `"\q"`, "bücher", `"bücher"`, "true ", "\ttrue\n", "true false", "1 2", "{} x", "\u00a01", "\ufeff1", "[1, 2",
		"redis://h:6379/0", "3600", "Lax", `["a"]x`, "-", "--1", "1e", "{1:2}", "[NULL]", `"\ud83d\u0041"`, `"\ud83d\\ude00"`, `"\uD83D\uDE00"`,
	}
	var environs []map[string]string
	for _, text := range texts {
		environs = append(environs, map[string]string{"FLASK_X": text, "FLASK_T__X": text, "PLAIN": text})
	}
	environs = append(environs,
		map[string]string{"FLASK__": "x", "FLASK___": "y", "FLASK___A": "z", "flask_A": "x", "FLASK": "x"},
		map[string]string{"FLASK_A__B": "1", "FLASK_A__C": "2", "FLASK_A__D__E": "3", "FLASK_A___F": "4", "FLASK_B__": "5"},
		map[string]string{"FLASK_A": `{"x": 1}`, "FLASK_A__B": "2", "FLASK_A__x": "3"},
		map[string]string{"FLASK_A": "text", "FLASK_A__B": "2"},
		map[string]string{"FLASK_A": "[]", "FLASK_A__B": "2"},
		map[string]string{"FLASK_A__B": "1", "FLASK_A__B__C": "2"},
		map[string]string{"FLASK_Z": "1", "FLASK_a": "2", "FLASK_A": "3"},
		map[string]string{"FLASK_SECRET_KEY_FALLBACKS": `["a", "b"]`, "FLASK_SQLALCHEMY_BINDS__users__url": "sqlite://"},
	)
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var b strings.Builder
		for range random.IntN(8) {
			b.WriteString([]string{"{", "}", "[", "]", `"`, ":", ",", "1", "e", "-", ".", "0", "true", "null", `\u`, "d83d", `\`, " ", "a", "NaN"}[random.IntN(20)])
		}
		if strings.Contains(b.String(), "NaN") && strings.ContainsAny(b.String(), "[{") {
			continue // Python takes NaN within lists, too; no key takes such a list
		}
		environs = append(environs, map[string]string{"FLASK_X": b.String()})
	}
	answers := askPeer(t, peerQuestions{Environ: environs}).Environ
	for i, environ := range environs {
		var lines []string
		for name, value := range environ {
			lines = append(lines, name+"="+value)
		}
		var got any = map[string]any{"error": true}
		if config, err := flask.PrefixedEnv(lines); err == nil {
			got = tagged(config)
		}
		want := answers[i]
		if half := "surrogate:true"; strings.Contains(fmt.Sprint(want), half) {
			// The peer gives up at a table with half a pair anywhere in it.
			got, want = strings.Contains(fmt.Sprint(got), half), true
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", lines, got, want)
		}
	}
}

func TestValuesMeanWhatTheyMeanInFlask(t *testing.T) {
	sameSites := []any{nil, "Lax", "lax", "LAX", "lAx", " lax", "Strict", "strict", "None", "none", "NONE", "", "bogus", "laxlax", "ſtrict", 1, true}
	lifetimes := []any{1, 60, 2678400, 1.5, 1.0000005, 1.9999996, 3600.25, nil, "60", "P1D", []any{}}
	domains := []map[string]any{
		{}, {"SERVER_NAME": "localhost"}, {"SERVER_NAME": "example.com"}, {"SERVER_NAME": "example.com:5000"}, {"SERVER_NAME": "..example.com"},
		{"SERVER_NAME": "example.com", "APPLICATION_ROOT": "/a"}, {"SERVER_NAME": "example.com", "SESSION_COOKIE_PATH": "/a"},
		{"SERVER_NAME": "example.com", "APPLICATION_ROOT": "/a", "SESSION_COOKIE_PATH": "/"}, {"SERVER_NAME": "127.0.0.1:80"},
		{"SERVER_NAME": "example.com", "SESSION_COOKIE_DOMAIN": false}, {"SERVER_NAME": "example.com", "SESSION_COOKIE_DOMAIN": ""},
		{"SESSION_COOKIE_DOMAIN": "a.example"}, {"SESSION_COOKIE_DOMAIN": ".a.example"}, {"SESSION_COOKIE_DOMAIN": "a.example:80"},
		{"SESSION_COOKIE_DOMAIN": "Bücher.example"}, {"SESSION_COOKIE_DOMAIN": "A.Example"}, {"SERVER_NAME": "bücher.example"},
	}
	answers := askPeer(t, peerQuestions{SameSite: sameSites, Lifetime: lifetimes, Domain: domains})
	for i, v := range sameSites {
		got := "error"
		if c, err := load(values{"SESSION_COOKIE_SAMESITE": v}); err == nil {
			got = (&http.Cookie{Name: "k", Value: "v", SameSite: c.CookieSameSite}).String()
			_, got, _ = strings.Cut(got, "SameSite=")
		}
		if want := strings.TrimPrefix(answers.SameSite[i], "k=v"); got != want {
			t.Errorf("SameSite %v: got %q, want %q", v, got, want)
		}
	}
	for i, v := range lifetimes {
		got := "error"
		if c, err := load(values{"PERMANENT_SESSION_LIFETIME": v}); err == nil {
			got = pythonFloat(c.Lifetime.Seconds())
		}
		if v == "P1D" {
			answers.Lifetime[i] = "86400.0" // ours alone
		}
		if got != answers.Lifetime[i] {
			t.Errorf("lifetime %v: got %s, want %s", v, got, answers.Lifetime[i])
		}
	}
	for i, config := range domains {
		c := mustLoad(t, config)
		if got := c.LegacyDomain(); got != answers.Domain[i] {
			t.Errorf("domain of %v: got %q, want %q", config, got, answers.Domain[i])
		}
	}
}

func TestInternationalDomainsAreThoseOfPython(t *testing.T) {
	var letters []rune
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if flask.IsPlainLetter(r) {
			letters = append(letters, r)
		}
	}
	if len(letters) < 30000 {
		t.Errorf("only %d letters are allowed", len(letters))
	}
	var names []string
	for _, r := range letters {
		names = append(names, "x"+string(r)+"-Y.example")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var label []rune
		for range 1 + random.IntN(10) {
			label = append(label, letters[random.IntN([]int{100, len(letters)}[random.IntN(2)])], 'a'+rune(random.IntN(26)))
		}
		names = append(names, string(label)+".example", string(label[:1])+".example")
	}
	answers := askPeer(t, peerQuestions{IDNA: names}).IDNA
	wrong := 0
	for i, name := range names {
		got := "error"
		c := flask.DefaultConfig()
		c.CookieDomain, c.SecretKey = name, flask.Secret(goodSecret)
		if c.Validate() == nil {
			got = c.Domain()
		}
		if got != answers[i] {
			if wrong++; wrong < 20 {
				t.Errorf("%q: got %q, want %q", name, got, answers[i])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d are wrong", wrong, len(names))
	}
}

func TestTimedeltasOfPythonAreRead(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	seconds := []float64{1, 59, 60, 3599, 3600, 86399, 86400, 86401, 2678400, 1.5, 172800.000001}
	for range 300 {
		seconds = append(seconds, 1+math.Trunc(random.Float64()*1e9), 1+math.Trunc(random.Float64()*1e12)/1e6)
	}
	for i, text := range askPeer(t, peerQuestions{Timedelta: seconds}).Timedelta {
		c, err := load(values{"PERMANENT_SESSION_LIFETIME": text})
		if want := time.Duration(math.RoundToEven(seconds[i]*1e6)) * time.Microsecond; err != nil || c.Lifetime != want {
			t.Errorf("%q: got %v and %v, want %v", text, c.Lifetime, err, want)
		}
	}
}
