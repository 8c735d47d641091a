package register

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func request(t *testing.T, method, target string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestPostsFromOtherSitesAreRefused(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	v := s.visitor()
	v.post("/add", "username", "Ada")
	for name, header := range map[string][]string{
		"by Sec-Fetch-Site": {"Sec-Fetch-Site", "cross-site"},
		"by a sibling":      {"Sec-Fetch-Site", "same-site"},
		"by Origin":         {"Origin", "https://evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/remove", "/devices/others"} {
				v.send(request(t, "POST", s.url+path, nil, header...)).want(t, 403, "Not from over there", "")
			}
			v.get("/").want(t, 200, "Hello, Ada.", "")
		})
	}
	v.send(request(t, "POST", s.url+"/remove", nil, "Sec-Fetch-Site", "same-origin")).
		want(t, 200, "Hello, stranger.", "You are logged out. See you soon, Ada.")
}

func TestErrorPages(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	v := s.visitor()
	big := "username=" + strings.Repeat("x", maxForm)
	tests := []struct {
		name, method, path, body string
		status                   int
		heading                  string
	}{
		{"no such page", "GET", "/nothing", "", 404, "No such hanger"},
		{"no such page, posted", "POST", "/nothing", "", 404, "No such hanger"},
		{"ending a session by a link", "GET", "/devices/end", "", 405, "Not like this"},
		{"posting to the front page", "POST", "/", "", 405, "Not like this"},
		{"deleting the form", "DELETE", "/add", "", 405, "Not like this"},
		{"a form that is too large", "POST", "/add", big, 413, "That was too much"},
		{"a form that is none", "POST", "/add", "%zz", 400, "That was no form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := v.send(request(t, tt.method, s.url+tt.path, strings.NewReader(tt.body)))
			a.want(t, tt.status, tt.heading, "")
			for name, want := range map[string]string{
				"Content-Security-Policy":      policy,
				"X-Content-Type-Options":       "nosniff",
				"Referrer-Policy":              "same-origin",
				"Cross-Origin-Opener-Policy":   "same-origin",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Cache-Control":                "no-store",
			} {
				if got := a.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if got := a.Header.Get("Vary"); got != "" {
				t.Errorf("Vary: %s: the session was used", got)
			}
			if tt.status != 405 {
				return
			}
			allow := a.Header.Get("Allow")
			if allow == "" {
				t.Error("no Allow header")
			}
			if got := strings.Contains(a.Body, "only when a form is sent to it"); got != (allow == "POST") {
				t.Errorf("Allow: %s, and the page says that it takes forms only: %v", allow, got)
			}
		})
	}
	if v.cookies() != 0 {
		t.Error("an error has set a cookie")
	}
}

func TestUncleanPathsLeadToCleanOnes(t *testing.T) {
	v := serve(t, Config{Store: newMemory(t)}).visitor()
	v.get("//add").want(t, 200, "Register", "")
	v.get("/static/../add").want(t, 200, "Register", "")
}

func TestStaticFiles(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	v := s.visitor()
	files, err := newAssets()
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]string{
		"bootstrap.min.css": "text/css",
		"register.css":      "text/css",
		"countdown.css":     "text/css",
		"countdown.js":      "text/javascript",
		"live.js":           "text/javascript",
		"hanger.svg":        "image/svg+xml",
	} {
		a := v.get(files.url(name))
		if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), kind) || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %s, Cache-Control %q", name, a.StatusCode, a.Header.Get("Content-Type"), a.Header.Get("Cache-Control"))
		}
		if a.Header.Get("Vary") != "" {
			t.Errorf("%s: Vary: %s", name, a.Header.Get("Vary"))
		}
	}
	for _, path := range []string{files.prefix, files.url("bootstrap.LICENSE"), files.url("../name.go"), "/static/old/register.css"} {
		if a := v.get(path); a.StatusCode != 404 || strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, Cache-Control %q, want 404 and nothing to keep", path, a.StatusCode, a.Header.Get("Cache-Control"))
		}
	}
}

// The pages load nothing from elsewhere, and hold nothing that the policy
// would stop.
func TestPagesAreSelfContained(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	v := s.visitor()
	pages := []answer{v.get("/"), v.get("/add"), v.post("/add"), v.get("/nothing"), v.post("/add", "username", "Ada"), v.get("/remove"), v.get("/devices")}
	for _, a := range pages {
		for _, bad := range []string{"//", "style=", "<style", "onclick", "javascript:", "<script>"} {
			if strings.Contains(a.Body, bad) {
				t.Errorf("%q holds %q", a.heading(), bad)
			}
		}
	}
}

func TestLeftSheet(t *testing.T) {
	v := serve(t, Config{Store: newMemory(t)}).visitor()
	if got, want := v.get("/left/15-60.css").Body, ":root { --seconds: 15; --left: 15s; --part: 0.2500 }\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, path := range []string{"/left/", "/left/x.css", "/left/15.css", "/left/-1-60.css", "/left/1-0.css", "/left/01-60.css", "/left/1-60.css;}", "/left/99999999999999999999-1.css"} {
		if a := v.get(path); a.StatusCode != 404 {
			t.Errorf("%s: %d %q, want 404", path, a.StatusCode, a.Body)
		}
	}
}
