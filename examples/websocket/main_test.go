package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

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
	server := httptest.NewTLSServer(sessions.Handler(pages()))
	t.Cleanup(server.Close)
	return server
}

// dial opens a WebSocket with the visitor's cookies.
func dial(ctx context.Context, b *cloakroomtest.Browser) (*websocket.Conn, *http.Response, error) {
	return websocket.Dial(ctx, b.URL+"/talk", &websocket.DialOptions{HTTPClient: b.Client()})
}

func say(ctx context.Context, t *testing.T, conn *websocket.Conn, text, want string) {
	t.Helper()
	if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := conn.Read(ctx); err != nil || string(answer) != want {
		t.Fatalf("answered %q, %v; want %q", answer, err, want)
	}
}

func TestConversationEndsWithALogout(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	records := memstore.New(memstore.Options{})
	defer records.Close()
	here, elsewhere := serve(t, records), serve(t, records)
	for name, at := range map[string]*httptest.Server{"here": here, "elsewhere": elsewhere} {
		b := cloakroomtest.NewBrowserOn(here)
		if _, resp, err := dial(ctx, b); err == nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: without a login: %v", name, err)
		}
		b.PostForm("/login", url.Values{"name": {"ada"}})
		conn, _, err := dial(ctx, b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer conn.CloseNow()
		second, _, err := dial(ctx, b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer second.CloseNow()
		say(ctx, t, conn, "hello", "ada, message 1: hello")
		say(ctx, t, second, "hello", "ada, message 2: hello") // the session is one
		say(ctx, t, conn, "again", "ada, message 3: again")

		tab(t, b, at).PostForm("/logout", nil)
		for _, c := range []*websocket.Conn{conn, second} {
			_, _, err := c.Read(ctx)
			if websocket.CloseStatus(err) != websocket.StatusPolicyViolation || !strings.Contains(err.Error(), "logged out") {
				t.Errorf("%s: after the logout: %v", name, err)
			}
		}
		if _, resp, err := dial(ctx, b); err == nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: another one after the logout: %v", name, err)
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
