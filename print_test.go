package cloakroom_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/printtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

const (
	canaryKey   = "canary of a key, 32 bytes long.."
	canaryValue = "canary of a value, which is long"
)

func TestOptionsPrintNoKeys(t *testing.T) {
	o := cloakroom.Options{Insecure: true, CookieName: "visible", RecordKeys: [][]byte{[]byte(canaryKey), []byte("another key of bytes")}}
	printtest.SilentWhereReached(t, "Options", o, canaryKey)
	text := fmt.Sprint(o)
	if !strings.Contains(text, "RecordKeys:[2 [redacted]]") || !strings.Contains(text, "CookieName:visible") {
		t.Errorf("printed as %s, want all but the keys", text)
	}
	if o.RecordKeys[0][0] != 'c' {
		t.Error("printing changed the Options")
	}
}

func TestTicketsPrintRedacted(t *testing.T) {
	ticket := cloakroom.Ticket("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq")
	printtest.SilentWhereReached(t, "Ticket", ticket, string(ticket))
	for _, verb := range []string{"%v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, ticket); text != "[redacted]" {
			t.Errorf("printed by %s as %q", verb, text)
		}
	}
	if got := ticket.String(); got != "[redacted]" {
		t.Errorf("String: %q", got)
	}
	if string(ticket)[:4] != "ABCD" {
		t.Error("string(t) is not the ticket")
	}
}

func TestManagersPrintNoKeys(t *testing.T) {
	for _, keys := range [][][]byte{nil, {[]byte(canaryKey)}} {
		m, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{RecordKeys: keys})
		if err != nil {
			t.Fatal(err)
		}
		printtest.Silent(t, "Manager", m, canaryKey)
		printtest.Silent(t, "Manager by value", *m, canaryKey)
	}
	m, err := cloakroom.NewCookie([][]byte{[]byte(canaryKey)}, cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	printtest.Silent(t, "Manager of NewCookie", m, canaryKey)
}

// What fmt reaches of a request, by methods or by reflection, leads neither to
// the visitor's values nor to the ticket.
func TestRequestsPrintNoSecrets(t *testing.T) {
	for name, s := range map[string]*sitetest.Site{
		"IDs":            sitetest.New(t, cloakroom.Options{RecordKeys: [][]byte{[]byte(canaryKey)}}),
		"sealed cookies": sitetest.NewSealed(t, cloakroom.Options{}, []byte(canaryKey)),
	} {
		t.Run(name, func(t *testing.T) {
			b := s.Browser(t)
			b.OK(func(s *cloakroom.Session) { s.Set("kept", canaryValue); s.Flash("a", canaryValue) })
			ticket := b.Ticket()
			b.Get("/", func(w http.ResponseWriter, r *http.Request) {
				session := cloakroom.From(r)
				if session.Get("kept") != canaryValue {
					t.Fatal("the session is not loaded")
				}
				session.Set("more", canaryValue)
				session.Regenerate()
				r.Header.Del("Cookie") // as a log does that means to be careful
				silent := func() {
					silentRequest(t, r, ticket)
					printtest.Silent(t, "context", r.Context(), canaryValue, canaryKey, ticket)
					printtest.Silent(t, "derived context", context.WithValue(r.Context(), session, session), canaryValue, canaryKey, ticket)
					printtest.Silent(t, "writer", w, canaryValue, canaryKey, ticket)
					printtest.Silent(t, "session", session, canaryValue, canaryKey, ticket)
					printtest.Silent(t, "session by value", *session, canaryValue, canaryKey, ticket)
				}
				silent()
				io.WriteString(w, "the session is committed")
				next := strings.SplitN(strings.SplitN(w.Header().Get("Set-Cookie"), "=", 2)[1], ";", 2)[0]
				ticket = next
				silent()
			})
		})
	}
}

func silentRequest(t *testing.T, r *http.Request, ticket string) {
	t.Helper()
	printtest.Silent(t, "request", r, canaryValue, canaryKey, ticket)
	printtest.Silent(t, "request by value", *r, canaryValue, canaryKey, ticket)
	printtest.Silent(t, "derived request", r.WithContext(context.WithoutCancel(r.Context())), canaryValue, canaryKey, ticket)
}

func TestOpenedSessionsPrintNoSecrets(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) { s.Set("kept", canaryValue) })
	opened := s.Open(t, b.Ticket())
	opened.Set("more", canaryValue)
	printtest.Silent(t, "session", opened, canaryValue, b.Ticket())
	printtest.Silent(t, "session by value", *opened, canaryValue, b.Ticket())
	if text := fmt.Sprintf("%d", *opened); text != "session "+opened.Handle() {
		t.Errorf("printed as %q, want the handle", text)
	}
	if text := fmt.Sprint(cloakroom.Session{}); text != "session (none)" {
		t.Errorf("the zero session prints as %q", text)
	}
}

// Events and errors go to logs as they are.
func TestEventsPrintNoSecrets(t *testing.T) {
	var events []cloakroom.Event
	note := func(_ context.Context, e cloakroom.Event) { events = append(events, e) }
	s := sitetest.New(t, cloakroom.Options{Hooks: cloakroom.Hooks{
		Created: note, Loaded: note, Saved: note, Conflict: note, Touched: note,
		Regenerated: note, Destroyed: note, Rejected: note, Undecodable: note, Error: note,
	}})
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) { s.Set("name", canaryValue) })
	old := b.Ticket()
	b.OK(func(s *cloakroom.Session) {
		cloakroom.Key[int]("name").Get(s) // another type
		s.Regenerate()
	})
	s.Holder(t, old).OK(func(s *cloakroom.Session) { s.IsNew() })
	s.Holder(t, canaryValue).OK(func(s *cloakroom.Session) { s.IsNew() })
	s.BreakStore()
	b.Visit(func(s *cloakroom.Session) { s.Set("x", canaryValue) })
	if len(events) < 5 {
		t.Fatalf("%d events", len(events))
	}
	for _, e := range events {
		printtest.Silent(t, "event", e, canaryValue, b.Ticket(), old)
		printtest.Silent(t, "error", e.Err, canaryValue, b.Ticket(), old)
	}
}
