package cloakroomtest_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/cloakroomtest"
)

// echo answers with what a handler sees of the request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %s TLS %t, %s %q", r.Method, r.Host, r.URL, r.RequestURI, r.TLS != nil, r.Header.Get("Content-Type"), body)
}

func TestWhatAHandlerSees(t *testing.T) {
	plain, tls := httptest.NewServer(http.HandlerFunc(echo)), httptest.NewTLSServer(http.HandlerFunc(echo))
	defer plain.Close()
	defer tls.Close()
	form := url.Values{"name": {"Ada"}}
	for name, b := range map[string]*cloakroomtest.Browser{
		"in process": cloakroomtest.NewBrowser(http.HandlerFunc(echo)),
		"plain HTTP": cloakroomtest.NewBrowserOn(plain),
		"TLS":        cloakroomtest.NewBrowserOn(tls),
	} {
		scheme, host, _ := strings.Cut(b.URL, "://")
		secure := fmt.Sprint("TLS ", scheme == "https")
		put := httptest.NewRequest("PUT", "/ä?x=%20", strings.NewReader("z"))
		for got, want := range map[string]string{
			b.Get("/a/b?c=d").Body:     "GET " + host + " /a/b?c=d /a/b?c=d " + secure + `,  ""`,
			b.Get(b.URL + "/x").Body:   "GET " + host + " /x /x " + secure + `,  ""`,
			b.PostForm("/", form).Body: "POST " + host + " / / " + secure + `, application/x-www-form-urlencoded "name=Ada"`,
			b.Do(put).Body:             "PUT " + host + " /%C3%A4?x=%20 /%C3%A4?x=%20 " + secure + `,  "z"`,
		} {
			if got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
	}
}

func TestHandlersGetOtherHostsToo(t *testing.T) {
	b := cloakroomtest.NewBrowser(http.HandlerFunc(echo))
	if got := b.Get("http://WWW.Example.org:8080/x").Body; !strings.Contains(got, " WWW.Example.org:8080 /x /x TLS false") {
		t.Errorf("got %s", got)
	}
	b.URL = "http://intranet"
	if got := b.Get("/y").Body; !strings.Contains(got, " intranet /y /y TLS false") {
		t.Errorf("got %s", got)
	}
}

func TestRedirects(t *testing.T) {
	b := cloakroomtest.NewBrowser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/from":
			http.SetCookie(w, &http.Cookie{Name: "on", Value: "the way"})
			http.Redirect(w, r, "/to", http.StatusSeeOther)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusSeeOther)
		default:
			echo(w, r)
		}
	}))
	resp := b.PostForm("/from", nil)
	if !strings.HasPrefix(resp.Body, "GET example.com /to ") || len(b.Cookies("/")) != 1 {
		t.Errorf("got %s and %d cookies, want the page and the cookie on the way", resp.Body, len(b.Cookies("/")))
	}
	panics(t, "redirects in a round", "20 redirects", func() { b.Get("/round") })
	b.NoRedirects = true
	if resp := b.PostForm("/from", nil); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/to" {
		t.Errorf("got %d, Location %q, want the redirect", resp.StatusCode, resp.Header.Get("Location"))
	}
}

// What browsers keep, and where they send it.
func TestCookiesAreTreatedAsByBrowsers(t *testing.T) {
	const https, http1, local = "https://www.example.com", "http://www.example.com", "http://localhost:8080"
	for _, c := range []struct {
		name, at, line string
		kept           bool
	}{
		{"plain", http1, "a=b", true},
		{"Secure over TLS", https, "a=b; Secure", true},
		{"Secure without TLS", http1, "a=b; Secure", false},
		{"Secure on localhost", local, "a=b; Secure", true},
		{"Secure below localhost", "http://shop.localhost", "a=b; Secure", true},
		{"Secure on this machine", "http://127.0.0.1:8080", "a=b; Secure", true},
		{"Secure on another", "http://192.0.2.1", "a=b; Secure", false},
		{"Secure on one that sounds like it", "http://notlocalhost", "a=b; Secure", false},
		{"__Host-", https, "__Host-a=b; Secure; Path=/", true},
		{"__Host- on localhost", local, "__Host-a=b; Secure; Path=/", true},
		{"__Host- without Secure", https, "__Host-a=b; Path=/", false},
		{"__Host- without Path", https, "__Host-a=b; Secure", false},
		{"__Host- with another Path", https, "__Host-a=b; Secure; Path=/x", false},
		{"__Host- with a Domain", https, "__Host-a=b; Secure; Path=/; Domain=example.com", false},
		{"__hOST- with a Domain", https, "__hOST-a=b; Secure; Path=/; Domain=example.com", false},
		{"__Secure-", https, "__Secure-a=b; Secure; Domain=example.com", true},
		{"__Secure- without Secure", https, "__Secure-a=b", false},
		{"SameSite=None", https, "a=b; SameSite=None; Secure", true},
		{"SameSite=None without Secure", https, "a=b; SameSite=None", false},
		{"Partitioned without Secure", https, "a=b; Partitioned", false},
		{"4096 bytes", https, "a=" + strings.Repeat("x", 4095), true},
		{"4097 bytes", https, "a=" + strings.Repeat("x", 4096), false},
		{"another domain", https, "a=b; Domain=example.org", false},
		{"for ten years", https, "a=b; Max-Age=315360000", true},
		{"for no time", https, "a=b; Max-Age=0", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sent []string
			b := cloakroomtest.NewBrowser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent = append(sent, r.Header.Get("Cookie"))
				w.Header().Set("Set-Cookie", c.line)
			}))
			b.URL = c.at
			b.Get("/")
			b.Get("/")
			if kept := sent[1] != ""; kept != c.kept || len(b.Cookies("/")) > 0 != c.kept {
				t.Errorf("sent back: %q, want that it is: %t", sent[1], c.kept)
			}
		})
	}
}

func TestSecureCookiesStayWithTLS(t *testing.T) {
	b := cloakroomtest.NewBrowser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "a=b; Secure")
		io.WriteString(w, r.Header.Get("Cookie"))
	}))
	b.Get("/")
	if got := b.Get("http://example.com/").Body; got != "" {
		t.Errorf("over plain HTTP it sends %q", got)
	}
	if got := b.Get("/").Body; got != "a=b" {
		t.Errorf("over TLS it sends %q", got)
	}
}

func TestHandlersThatGiveNoAnswer(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic("a bug")
		case "/half":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
		}
		panic(http.ErrAbortHandler)
	})
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	defer srv.Close()
	inProcess, onServer := cloakroomtest.NewBrowser(handler), cloakroomtest.NewBrowserOn(srv)
	panics(t, "a bug, in process", "a bug", func() { inProcess.Get("/panic") })
	panics(t, "cut, in process", "cut the connection", func() { inProcess.Get("/cut") })
	panics(t, "a bug, on a server", "no answer", func() { onServer.Get("/panic") })
	panics(t, "half an answer", "half an answer", func() { onServer.Get("/half") })
	if _, err := inProcess.Client().Get("https://example.com/cut"); err == nil {
		t.Error("Client: no error for a connection that was cut")
	}
}

func TestTargetsThatAreNone(t *testing.T) {
	b := cloakroomtest.NewBrowser(http.NotFoundHandler())
	for _, target := range []string{"", "page", "?a=b", "/%zz", "mailto:ada@example.com"} {
		panics(t, target, "target", func() { b.Get(target) })
	}
}

// panics fails unless f panics with a text that says something.
func panics(t *testing.T, name, says string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if p := fmt.Sprint(recover()); !strings.Contains(p, says) {
			t.Errorf("%s: panics with %s, want %q in it", name, p, says)
		}
	}()
	f()
}

// The end of a handler ends its context, and an early hint is no answer.
func TestInProcessIsLikeAServer(t *testing.T) {
	var of *http.Request
	b := cloakroomtest.NewBrowser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of = r
		w.WriteHeader(http.StatusEarlyHints)
		if r.Context().Err() != nil || r.Body == nil || r.RemoteAddr == "" {
			t.Errorf("Err %v, Body %v, RemoteAddr %q", r.Context().Err(), r.Body, r.RemoteAddr)
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	if resp := b.Get("/"); resp.StatusCode != http.StatusTeapot || resp.Request == nil {
		t.Errorf("got %d of %v", resp.StatusCode, resp.Request)
	}
	if of.Context().Err() == nil {
		t.Error("the context goes on after the answer")
	}
}

func TestClientsJarTakesCookies(t *testing.T) {
	b := cloakroomtest.NewBrowser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Cookie"))
	}))
	u, _ := url.Parse(b.URL + "/a/b")
	b.Client().Jar.SetCookies(u, []*http.Cookie{{Name: "x", Value: "1", Path: "/a"}, {Name: "x", Value: "2", Path: "/"}})
	if got := b.Get("/a/").Body; got != "x=1; x=2" {
		t.Errorf("sent %q", got)
	}
	names := []string{}
	for _, c := range b.Cookies("/other") {
		names = append(names, c.Name+c.Value)
	}
	if !slices.Equal(names, []string{"x2"}) {
		t.Errorf("Cookies: %q", names)
	}
}

func TestRestart(t *testing.T) {
	for name, c := range map[string]struct {
		set  []string // lines of Set-Cookie, one for each request
		want string   // the cookies after a restart
	}{
		"browser-lived":        {[]string{"a=1"}, ""},
		"with Max-Age":         {[]string{"a=1; Max-Age=60"}, "a=1"},
		"with Expires":         {[]string{"a=1; Expires=Fri, 31 Dec 2100 23:59:59 GMT"}, "a=1"},
		"kept from now on":     {[]string{"a=1", "a=2; Max-Age=60"}, "a=2"},
		"no longer kept":       {[]string{"a=1; Max-Age=60", "a=2"}, ""},
		"removed before":       {[]string{"a=1", "a=; Max-Age=0"}, ""},
		"of the path":          {[]string{"a=1; Path=/x", "a=2; Path=/; Max-Age=60"}, "a=2"},
		"of the default path":  {[]string{"a=1", "a=2; Path=/x; Max-Age=60"}, "a=2"},
		"of the domain":        {[]string{"a=1; Domain=example.com; Max-Age=60", "a=2"}, ""},
		"of a dotted domain":   {[]string{"a=1; Domain=.EXAMPLE.com; Max-Age=60", "a=2; Domain=example.com"}, ""},
		"refused by the jar":   {[]string{"a=1; Max-Age=60", "__Host-b=2"}, "a=1"},
		"secure and prefixed":  {[]string{"__Host-b=2; Path=/; Secure"}, ""},
		"several of one time":  {[]string{"a=1; Max-Age=60", "b=2", "c=3; Max-Age=60"}, "a=1 c=3"},
		"nothing was ever set": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			line := ""
			b := cloakroomtest.NewBrowser(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("Set-Cookie", line) }))
			for _, line = range c.set {
				b.Get("/x/y")
			}
			b.Restart()
			var got []string
			for _, c := range b.Cookies("/x/y") {
				got = append(got, c.Name+"="+c.Value)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
