package edge_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestHijackSavesFirstAndWarnsOfTheCookie(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	takeOver := func(w http.ResponseWriter, r *http.Request) {
		sitetest.SetUser(cloakroom.From(r))
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if calls := s.Calls(); calls[len(calls)-1] != "Save" {
			t.Errorf("store calls before the hijack: %q", calls)
		}
		header := w.Header().Get("Set-Cookie")
		io.WriteString(buf, "HTTP/1.1 200 OK\r\nConnection: close\r\nSet-Cookie: "+header+"\r\n\r\nmine")
		buf.Flush()
	}
	b := s.Browser(t)
	if a := b.Get("/", takeOver); a.Body != "mine" || b.Ticket() == "" {
		t.Errorf("body %q, ticket %d bytes", a.Body, len(b.Ticket()))
	}
	if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "Set-Cookie") {
		t.Errorf("logged %q", lines)
	}
	if a := b.Get("/", takeOver); a.Body != "mine" { // now without a new cookie
		t.Errorf("body %q", a.Body)
	}
	sitetest.Equal(t, "log", s.Log.Lines())
}

func TestHijackOfASwitchedProtocolHasItsCookie(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Browser(t)
	r := b.Request("/")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "test")
	a, err := b.Send(r, func(w http.ResponseWriter, r *http.Request) {
		sitetest.SetUser(cloakroom.From(r))
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "test")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "mine\n")
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != http.StatusSwitchingProtocols || a.Body != "mine\n" || len(a.SetCookie) != 1 {
		t.Errorf("got %v, Set-Cookie %q", a, a.SetCookie)
	}
	sitetest.Equal(t, "log", s.Log.Lines())
}

func TestHijackIsRefusedIfTheSaveFails(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: sitetest.ErrRefused})
	a := s.Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
		sitetest.SetUser(cloakroom.From(r))
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, cloakroom.ErrUnavailable) {
			t.Errorf("Hijack: %v", err)
		}
	})
	if a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", a.StatusCode)
	}
}

// Over HTTP/2 nothing can be hijacked. The answer goes on as usual.
func TestHijackThatTheServerRefuses(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.Listen(t, true)
	b := s.Browser(t)
	a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		sitetest.SetUser(cloakroom.From(r))
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack: %v", err)
		}
		io.WriteString(w, "done")
	})
	if a.Body != "done" || len(a.SetCookie) != 1 {
		t.Errorf("body %q, Set-Cookie %q", a.Body, a.SetCookie)
	}
	sitetest.Equal(t, "log", s.Log.Lines())
}

// A cookie that is due to be sent again goes out with the next page: nothing is
// lost, and nobody could do anything about it.
func TestHijackOfARefreshedCookieIsNoError(t *testing.T) {
	for name, c := range map[string]struct {
		make func(cloakroom.Options) *sitetest.Site
		opts cloakroom.Options
	}{
		"sealed": {func(o cloakroom.Options) *sitetest.Site {
			s := sitetest.NewSealed(t, o)
			s.Listen(t, false)
			return s
		}, cloakroom.Options{TouchInterval: time.Nanosecond}},
	} {
		s := c.make(c.opts)
		b := s.Known(t)
		hijack := func(use func(*cloakroom.Session)) {
			b.Get("/", func(w http.ResponseWriter, r *http.Request) {
				use(cloakroom.From(r))
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				if w.Header().Get("Set-Cookie") == "" {
					t.Errorf("%s: the cookie is not sent again", name)
				}
				io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			})
		}
		hijack(func(s *cloakroom.Session) { s.Get("user") })
		sitetest.Equal(t, name+": log", s.Log.Lines())
		hijack((*cloakroom.Session).Regenerate)
		if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "Set-Cookie") {
			t.Errorf("%s: a new ticket was lost, and the log says %q", name, lines)
		}
	}
}
