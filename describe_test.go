package cloakroom

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDescribeBrowser(t *testing.T) {
	const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
	r := httptest.NewRequest("POST", "/login", nil)
	for _, step := range []struct{ header, value, want string }{
		{"User-Agent", "", ""},
		{"User-Agent", chrome, "Chrome on Windows"},
		{"Sec-CH-UA", `"Chromium";v="138", "Brave";v="138", "Not/A)Brand";v="24"`, "Brave on Windows"},
		{"Sec-CH-UA-Platform", `"Android"`, "Brave on Android"},
		{"Sec-CH-UA-Mobile", "?0", "Brave on Android tablet"},
		{"Sec-CH-UA-Platform", `"Windows"`, "Brave on Windows"},
		{"Sec-CH-UA-Platform-Version", `"15.0.0"`, "Brave on Windows 11"},
	} {
		r.Header.Set(step.header, step.value)
		if got := DescribeBrowser(r); got != step.want {
			t.Errorf("with %s %s: %q, want %q", step.header, step.value, got, step.want)
		}
	}
}

func TestDescribeIsBounded(t *testing.T) {
	r := httptest.NewRequest("POST", "/login", nil)
	r.Header.Set("User-Agent", "curl/8.15.0")
	for name, c := range map[string]struct {
		describe func(*http.Request) string
		want     string
	}{
		"none":               {nil, "curl"},
		"one's own":          {func(r *http.Request) string { return DescribeBrowser(r) + ", Zürich" }, "curl, Zürich"},
		"empty":              {func(*http.Request) string { return "" }, ""},
		"200 bytes":          {func(*http.Request) string { return strings.Repeat("x", 200) }, strings.Repeat("x", 200)},
		"longer":             {func(*http.Request) string { return strings.Repeat("x", 1<<20) }, strings.Repeat("x", 200)},
		"half a character":   {func(*http.Request) string { return "x" + strings.Repeat("ü", 100) }, "x" + strings.Repeat("ü", 99)},
		"not UTF-8":          {func(*http.Request) string { return "a\xffb\xc3" }, "ab"},
		"not UTF-8 and long": {func(*http.Request) string { return "a" + strings.Repeat("\x80", 300) }, "a"},
	} {
		o, err := Options{Describe: c.describe}.normalize()
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Describe(r); got != c.want || !utf8.ValidString(got) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
