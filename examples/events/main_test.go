package main

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func serve(t *testing.T, records store.Store) *httptest.Server {
	t.Helper()
	sessions, err := cloakroom.New(records, cloakroom.Options{WatchInterval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(sessions.Handler(pages(20 * time.Millisecond)))
	t.Cleanup(server.Close)
	return server
}

// open returns the lines of the stream that the visitor of b opens.
func open(t *testing.T, b *cloakroomtest.Browser) *bufio.Scanner {
	t.Helper()
	resp, err := b.Client().Get(b.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("answered %s with %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	return bufio.NewScanner(resp.Body)
}

func logInAs(t *testing.T, b *cloakroomtest.Browser, name string) {
	t.Helper()
	if page := b.PostForm("/login", url.Values{"name": {name}}); !strings.Contains(page.Body, "/logout") {
		t.Fatalf("the page after the login: %s", page.Body)
	}
}

// What one tab of a browser does another one learns of, whether the same process
// serves both or another one on the same store.
func TestStreamEndsWithALogout(t *testing.T) {
	records := memstore.New(memstore.Options{})
	defer records.Close()
	here, elsewhere := serve(t, records), serve(t, records)
	for name, at := range map[string]*httptest.Server{"here": here, "elsewhere": elsewhere} {
		b := cloakroomtest.NewBrowserOn(here)
		logInAs(t, b, "ada")
		lines := open(t, b)
		for range 3 {
			if !lines.Scan() {
				t.Fatalf("%s: the stream ends: %v", name, lines.Err())
			}
			if text := lines.Text(); text != "" && !strings.HasPrefix(text, "data: ada, it is ") {
				t.Fatalf("%s: %q", name, text)
			}
		}
		tab(t, b, at).PostForm("/logout", nil)
		last := ""
		for lines.Scan() {
			if text := lines.Text(); text != "" {
				last = text
			}
		}
		if lines.Err() != nil || last != "data: You are logged out." {
			t.Errorf("%s: the last line is %q, error %v", name, last, lines.Err())
		}
		if again := b.Get("/events"); again.StatusCode != http.StatusNoContent {
			t.Errorf("%s: a stream after the logout is answered %s", name, again.Status)
		}
	}
}

// tab returns another tab of b's browser, which a server serves.
func tab(t *testing.T, b *cloakroomtest.Browser, server *httptest.Server) *cloakroomtest.Browser {
	t.Helper()
	other := cloakroomtest.NewBrowserOn(server)
	u, err := url.Parse(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	cookies := b.Cookies("/")
	for _, c := range cookies {
		c.Path, c.Secure = "/", true
	}
	other.Client().Jar.SetCookies(u, cookies)
	return other
}
