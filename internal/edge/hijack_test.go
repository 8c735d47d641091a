package edge_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

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
