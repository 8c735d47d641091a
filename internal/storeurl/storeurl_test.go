package storeurl_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/storeurl"
)

func TestParseSaysWhichPartIsWrong(t *testing.T) {
	for raw, want := range map[string]string{
		"redis://u:hunter2@host\n":         "line break",
		"hunter2":                          "", // a path, to net/url
		"u@x:hunter2@host":                 "no scheme",
		"1://u:hunter2@host":               "no scheme",
		":hunter2@tcp(host)/db":            "no scheme",
		"redis://u:hunter2":                "port behind its host",
		"redis://u:hunter2/x":              "port behind its host",
		"redis://u:hunter2/x@host":         "an @ behind the host",
		"redis://u:hunter2?x@host":         "an @ behind the host",
		"redis://u:hunter2#x@host":         "an @ behind the host",
		"redis://u:hun ter2@host":          "user name or password has a character",
		"redis://u:hun\"ter2@host":         "user name or password has a character",
		"redis://u:hun%zzter2@host":        "user name or password has a character",
		"redis://u:hunter2@host:port":      "port behind its host",
		"redis://u:hunter2@ho st":          "host is no name",
		"redis://u:hunter2@host/%zz":       "path is not well escaped",
		"redis+sentinel://u:hunter2@a:1,b": "the last needs a port",
	} {
		u, err := storeurl.Parse(raw)
		if want == "" {
			if err != nil {
				t.Errorf("Parse(%q) = %v", raw, err)
			}
			continue
		}
		if u != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hun") {
			t.Errorf("Parse(%q) = %v, want an error with %q", raw, err, want)
		}
	}
}

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCheck(t *testing.T) {
	for raw, ok := range map[string]bool{
		"redis://u:p%40w@host:6379/0": true,
		"file:/srv/a@b":               true,
		"file:///srv/a@b":             true,
		"sqlite:a@b":                  true,
		"mongodb://a:1,b:2/d":         true,
		"postgres://h/d?user=a@b":     true,
		"redis://u:12/x@host":         false,
		"redis://u:12?x@host":         false,
		"redis://u:12#x@host":         false,
		"redis://u:p@w/x@host":        false,
		"redis:u:p@host":              false,
		"redis://host#x":              false,
	} {
		if err := storeurl.Check(parse(t, raw)); (err == nil) != ok {
			t.Errorf("Check(%q) = %v", raw, err)
		}
	}
}

// leaky is what a driver may answer: an error that quotes, and a value.
type leaky struct{ text string }

func (l leaky) Error() string { return l.text }

func TestGuardHidesWhatQuotesAPassword(t *testing.T) {
	cause := errors.Join(fs.ErrNotExist, io.EOF)
	for _, c := range []struct {
		name, url, says string
		shown           bool
	}{
		{"nothing quoted", "x://u:hunter2@host/db", "dial tcp host: refused", true},
		{"user, host and database", "x://ada:hunter2@host/shop", `no database "shop" for "ada" on host`, true},
		{"password", "x://u:hunter2@host", "bad hunter2", false},
		{"a piece", "x://u:hunter2@host", "invalid port \":unte\"", false},
		{"in capitals", "x://u:hunter2@host", "HUNTER", false},
		{"three bytes", "x://u:hunter2@host", "hun", true},
		{"escaped", "x://u:hunter%20two@host", "hunter%20two", false},
		{"escaped in another way", "x://u:hunter%20two@host", "%68%75%6e%74er", false},
		{"quoted", "x://u:a%22b%22c@host", `"a\"b\"c"`, false},
		{"parameter", "x://host?sslpassword=hunter2", "bad hunter2", false},
		{"parameter with an ampersand", "x://host?password=ab&hunter2", "hunter2", false},
		{"other parameter", "x://host?password=ab&table=hunter2", "hunter2", true},
		{"URL in a parameter", "x://host?proxy=http://u:hunter2@h", "hunter2", false},
		{"plain word", "x://u:password@host", "password authentication failed", true},
		{"two plain words", "x://u:passwordserver@host", "passwordserver", false},
		{"the user's name as password", "x://postgres9:postgres9@host", `role "postgres9" does not exist`, true},
		{"doubtful", "x://u:p@ss?x=y@host", "no server called ss?x=y", false},
		{"doubtful, nothing quoted", "x://u:p@ss?x=y@host", "refused", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for form, err := range map[string]error{
				"text":      leaky{c.says},
				"wrapped":   fmt.Errorf("open: %w", leaky{c.says}),
				"unwrapped": silent{leaky{c.says}},
				"joined":    errors.Join(io.EOF, silent{leaky{c.says}}),
			} {
				err = fmt.Errorf("open: %w", errors.Join(err, cause))
				got := storeurl.Guard("store: open", parse(t, c.url), err)
				if (got == err) != c.shown {
					t.Errorf("%s: Guard = %v, shown: %v", form, got, got == err)
				}
				if !errors.Is(got, fs.ErrNotExist) || !errors.Is(got, io.EOF) || errors.Is(got, fs.ErrExist) {
					t.Errorf("%s: Guard does not match what the error matched", form)
				}
				if _, ok := errors.AsType[leaky](got); ok != c.shown {
					t.Errorf("%s: errors.As finds the error: %v", form, ok)
				}
				if !c.shown && (errors.Unwrap(got) != nil || !strings.HasPrefix(got.Error(), "store: open: ")) {
					t.Errorf("%s: Guard = %v", form, got)
				}
			}
		})
	}
	if storeurl.Guard("x", parse(t, "x:"), nil) != nil {
		t.Error("Guard of no error is one")
	}
}

// silent wraps an error and does not show its text.
type silent struct{ err error }

func (silent) Error() string   { return "failed" }
func (s silent) Unwrap() error { return s.err }

func TestUnknown(t *testing.T) {
	known := []string{"table", "sslmode", "password"}
	for raw, want := range map[string]string{
		"x://h:1/?tabel=x":               `"tabel"`,
		"x://h:1/?zebra=x&table=1":       `"zebra"`,
		"x://h/?a_pass=x":                `"a_pass"`,
		"x://h/?password=x&zebra=1":      "number 2",
		"x://h/?password=x&tabel=1":      `"tabel"`,
		"x://h/?password=x&ttl=1":        `"ttl"`,
		"x://u:?zebra=1":                 "number 1",
		"x://h/?zebra":                   "number 1",
		"x://u:p@h/?zebra=a@b":           "number 1",
		"x://h/?table=1&sslmode=disable": "",
	} {
		u := parse(t, raw)
		if got := strings.Join(storeurl.Unknown(u, func(yield func(string) bool) {
			for name := range u.Query() {
				if !yield(name) {
					return
				}
			}
		}, known), ", "); got != want {
			t.Errorf("Unknown(%q) = %s, want %s", raw, got, want)
		}
	}
}

func TestShown(t *testing.T) {
	for raw, want := range map[string]string{
		"redis://u:hunter2@host:1/0?x=y": "redis://…@host:1/0?…",
		"file:/srv/a@b":                  "file:/srv/a@b",
		"redis://u:12/hunter2@host":      "",
		"redis:hunter2@host":             "",
		"redis:u:hunter2@host":           "",
		"redis://u:p@hunter2/x@host":     "",
		"hunter2@host":                   "",
		"redis://u:hunter2":              "",
	} {
		if got := storeurl.Shown(raw); got != want {
			t.Errorf("Shown(%q) = %q, want %q", raw, got, want)
		}
	}
}

// Whatever a driver quotes of a URL, no piece of its password gets through.
func FuzzGuard(f *testing.F) {
	const head, tail = "Zq7xJv3g", "Kw9mXt4j"
	shapes := []string{"x://user:PW@host/db", "x://:PW@host", "x://host?password=PW", "x://host?sslpassword=PW&x=y", "x://user:PW/db", "x:user:PW@host", "x://host?url=http://u:PW@h"}
	for i := range shapes {
		for _, middle := range []string{"", "@", "/", "?", "#", ":", "%zz", "%40", "&x", " ", "\"", "\\"} {
			f.Add(uint8(i), middle, uint16(5), uint16(30))
		}
	}
	f.Fuzz(func(t *testing.T, shape uint8, middle string, from, to uint16) {
		raw := strings.Replace(shapes[int(shape)%len(shapes)], "PW", head+middle+tail, 1)
		if at := strings.IndexByte(middle, '&'); at >= 0 && strings.Contains(middle[at:], "=") {
			return // another parameter
		}
		if strings.Contains(raw, tail+"/db") && strings.Contains(middle, "@") {
			return // a URL with another host
		}
		u, err := url.Parse(raw)
		if err != nil {
			_, err = storeurl.Parse(raw)
			leaks(t, raw, err.Error())
			return
		}
		for _, text := range []string{raw, u.String(), u.Redacted(), fmt.Sprintf("%q %v", raw, u.Query())} {
			a, b := int(from)%(len(text)+1), int(to)%(len(text)+1)
			leaks(t, raw, storeurl.Guard("op", u, errors.New(text[min(a, b):max(a, b)])).Error())
		}
		if err := storeurl.Check(u); err != nil {
			leaks(t, raw, err.Error())
		}
	})
}

func leaks(t *testing.T, raw, text string) {
	t.Helper()
	for _, canary := range []string{"Zq7xJv3g", "Kw9mXt4j"} {
		for i := 0; i+4 <= len(canary); i++ {
			if strings.Contains(text, canary[i:i+4]) {
				t.Fatalf("%q: %s", raw, text)
			}
		}
	}
}
