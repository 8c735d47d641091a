package register

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store/memstore"
)

// caller calls the application without a network, which synctest's clock needs.
type caller struct {
	t      *testing.T
	app    http.Handler
	cookie string
}

func (c *caller) do(method, path, body string) answer {
	c.t.Helper()
	r := request(c.t, method, "http://localhost"+path, strings.NewReader(body))
	if c.cookie != "" {
		r.Header.Set("Cookie", c.cookie)
	}
	w := httptest.NewRecorder()
	c.app.ServeHTTP(w, r)
	resp := w.Result()
	for _, cookie := range resp.Cookies() {
		c.cookie = cookie.Name + "=" + cookie.Value
		if cookie.MaxAge < 0 {
			c.cookie = ""
		}
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// inTime runs test in memory and in cookies, by a clock that does not wait.
func inTime(t *testing.T, cfg Config, test func(*testing.T, *caller)) {
	for _, name := range []string{"memory", "cookies"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := cfg
				if name == "memory" {
					s := memstore.New(memstore.Options{})
					defer s.Close()
					cfg.Store = s
				} else {
					cfg.Keys = [][]byte{newKey()}
				}
				cfg.Logger = slog.New(slog.DiscardHandler)
				app, err := New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				test(t, &caller{t: t, app: app})
			})
		})
	}
}

func TestSessionEndsAMinuteAfterTheLastUse(t *testing.T) {
	inTime(t, Config{}, func(t *testing.T, c *caller) {
		c.do("POST", "/add", "username=Ada")
		c.do("GET", "/", "")
		// Five seconds are less than the usual tenth of the idle timeout: each
		// of these visits has to move the end on.
		for _, pause := range []time.Duration{5, 59, 5, 59} {
			time.Sleep(pause * time.Second)
			a := c.do("GET", "/", "")
			a.want(t, 200, "Hello, Ada.", "")
			a.says(t, "Every page you open starts the clock again.")
			a.says(t, "<dd>one minute after your last visit to a page, or when you log out</dd>")
		}
		time.Sleep(61 * time.Second)
		c.do("GET", "/", "").want(t, 200, "Hello, stranger.", "")
	})
}

func TestSessionEndsAtItsLifetime(t *testing.T) {
	inTime(t, Config{Lifetime: 100 * time.Second}, func(t *testing.T, c *caller) {
		c.do("POST", "/add", "username=Ada")
		time.Sleep(50 * time.Second)
		a := c.do("GET", "/", "")
		a.want(t, 200, "Hello, Ada.", "Welcome, Ada. This is your ticket.")
		a.says(t, "No page you open starts the clock again: a name stays for 100 seconds at most.")
		a.says(t, "one minute after your last visit to a page, 100 seconds after you left it here, or when you log out")
		time.Sleep(30 * time.Second)
		a = c.do("GET", "/", "")
		a.want(t, 200, "Hello, Ada.", "")
		if !strings.Contains(a.body, `data-left="20" data-of="60"`) {
			t.Errorf("20 s before the end the page says so nowhere:\n%s", a.body)
		}
		time.Sleep(21 * time.Second)
		c.do("GET", "/", "").want(t, 200, "Hello, stranger.", "")
	})
}

func TestLifetimeShorterThanTheIdleTimeout(t *testing.T) {
	inTime(t, Config{Lifetime: 30 * time.Second}, func(t *testing.T, c *caller) {
		c.do("POST", "/add", "username=Ada")
		a := c.do("GET", "/", "")
		a.says(t, `data-left="30" data-of="30"`)
		a.says(t, "a name stays for 30 seconds at most")
		a.says(t, "<dd>30 seconds after you left it here, or when you log out</dd>")
		time.Sleep(31 * time.Second)
		c.do("GET", "/", "").want(t, 200, "Hello, stranger.", "")
	})
}

// The page says that the session has ended only when it has.
func TestTheClockIsNeverAhead(t *testing.T) {
	inTime(t, Config{Idle: 10 * time.Second}, func(t *testing.T, c *caller) {
		c.do("POST", "/add", "username=Ada")
		c.do("GET", "/", "")
		for range 4 {
			time.Sleep(50 * time.Millisecond) // less than the touch interval
			if a := c.do("GET", "/", ""); !strings.Contains(a.body, `data-left="10" data-of="10"`) {
				t.Fatalf("not ten seconds:\n%s", a.body)
			}
		}
		time.Sleep(10 * time.Second)
		c.do("GET", "/", "").want(t, 200, "Hello, stranger.", "")
	})
}
