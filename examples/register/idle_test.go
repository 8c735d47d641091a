package register

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// inTime runs test in memory and in cookies, by a clock that does not wait. The
// visitor has no network, which such a clock needs, and follows no redirects.
func inTime(t *testing.T, cfg Config, test func(*testing.T, *visitor)) {
	inStoreTime(t, cfg, test)
	t.Run("cookies", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cfg := cfg
			cfg.Keys = [][]byte{newKey()}
			test(t, withoutNetwork(t, cfg))
		})
	})
}

// inStoreTime does so in memory alone.
func inStoreTime(t *testing.T, cfg Config, test func(*testing.T, *visitor)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := memstore.New(memstore.Options{})
			defer s.Close()
			cfg := cfg
			cfg.Store = s
			test(t, withoutNetwork(t, cfg))
		})
	})
}

func withoutNetwork(t *testing.T, cfg Config) *visitor {
	cfg.Logger = slog.New(slog.DiscardHandler)
	app, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := cloakroomtest.NewBrowser(app)
	b.NoRedirects = true
	return &visitor{Browser: b}
}

func TestSessionEndsAMinuteAfterTheLastUse(t *testing.T) {
	inTime(t, Config{}, func(t *testing.T, v *visitor) {
		v.post("/add", "username", "Ada")
		v.get("/")
		// Five seconds are less than the usual tenth of the idle timeout: each
		// of these visits has to move the end on.
		for _, pause := range []time.Duration{5, 59, 5, 59} {
			time.Sleep(pause * time.Second)
			a := v.get("/")
			a.want(t, 200, "Hello, Ada.", "")
			a.says(t, "Every page you open starts the clock again.")
			a.says(t, "<dd>one minute after your last visit to a page, or when you log out</dd>")
		}
		time.Sleep(61 * time.Second)
		v.get("/").want(t, 200, "Hello, stranger.", "")
	})
}

func TestSessionEndsAtItsLifetime(t *testing.T) {
	inTime(t, Config{Lifetime: 100 * time.Second}, func(t *testing.T, v *visitor) {
		v.post("/add", "username", "Ada")
		time.Sleep(50 * time.Second)
		a := v.get("/")
		a.want(t, 200, "Hello, Ada.", "Welcome, Ada. This is your ticket.")
		a.says(t, "No page you open starts the clock again: a name stays for 100 seconds at most.")
		a.says(t, "one minute after your last visit to a page, 100 seconds after you left it here, or when you log out")
		time.Sleep(30 * time.Second)
		a = v.get("/")
		a.want(t, 200, "Hello, Ada.", "")
		if !strings.Contains(a.Body, `data-left="20" data-of="60"`) {
			t.Errorf("20 s before the end the page says so nowhere:\n%s", a.Body)
		}
		time.Sleep(21 * time.Second)
		v.get("/").want(t, 200, "Hello, stranger.", "")
	})
}

func TestLifetimeShorterThanTheIdleTimeout(t *testing.T) {
	inTime(t, Config{Lifetime: 30 * time.Second}, func(t *testing.T, v *visitor) {
		v.post("/add", "username", "Ada")
		a := v.get("/")
		a.says(t, `data-left="30" data-of="30"`)
		a.says(t, "a name stays for 30 seconds at most")
		a.says(t, "<dd>30 seconds after you left it here, or when you log out</dd>")
		time.Sleep(31 * time.Second)
		v.get("/").want(t, 200, "Hello, stranger.", "")
	})
}

// The page says that the session has ended only when it has.
func TestTheClockIsNeverAhead(t *testing.T) {
	inTime(t, Config{Idle: 10 * time.Second}, func(t *testing.T, v *visitor) {
		v.post("/add", "username", "Ada")
		v.get("/")
		for range 4 {
			time.Sleep(50 * time.Millisecond) // less than the touch interval
			if a := v.get("/"); !strings.Contains(a.Body, `data-left="10" data-of="10"`) {
				t.Fatalf("not ten seconds:\n%s", a.Body)
			}
		}
		time.Sleep(10 * time.Second)
		v.get("/").want(t, 200, "Hello, stranger.", "")
	})
}
