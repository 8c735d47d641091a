package cloakroom_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
)

// prints shows v in every way that programs print and log.
func prints(v any) []string {
	var out []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%20s", "%-20v"} {
		out = append(out, fmt.Sprintf(verb, v))
	}
	out = append(out, fmt.Sprint(v), fmt.Sprintln(v), fmt.Errorf("failed: %v", v).Error())
	for _, handler := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("message", "value", v, slog.Group("in", slog.Any("value", v)))
		out = append(out, b.String())
	}
	if b, err := json.Marshal(v); err == nil {
		out = append(out, string(b))
	}
	if b, err := xml.Marshal(v); err == nil {
		out = append(out, string(b))
	}
	return out
}

func TestTicketsPrintRedacted(t *testing.T) {
	ticket := cloakroom.Ticket("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq")
	type holder struct {
		Ticket cloakroom.Ticket
		List   []cloakroom.Ticket
	}
	for name, v := range map[string]any{
		"ticket": ticket, "pointer": &ticket, "list": []cloakroom.Ticket{ticket},
		"struct": holder{ticket, []cloakroom.Ticket{ticket}},
	} {
		for _, text := range prints(v) {
			if strings.Contains(text, "ABCD") || strings.Contains(text, "41424344") || strings.Contains(text, "65 66") {
				t.Errorf("%s: printed as %q", name, text)
			}
		}
	}
	for i, text := range prints(ticket) {
		if i < 16 && text != "[redacted]" {
			t.Errorf("printed as %q", text)
		}
	}
	if got := ticket.String(); got != "[redacted]" {
		t.Errorf("String: %q", got)
	}
	if string(ticket)[:4] != "ABCD" {
		t.Error("string(t) is not the ticket")
	}
}

func TestManagerPrintsNoKeys(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{RecordKeys: [][]byte{cookieKey}})
	for _, text := range append(prints(s.m), prints(newLocalSealedSite(t, cloakroom.Options{}).m)...) {
		if strings.Contains(text, "a key of 32") || strings.Contains(text, "97 32 107 101 121") || strings.Contains(text, "61206b6579") {
			t.Errorf("printed as %.200q", text)
		}
	}
}

// The store key is a hash of cookie name and ID, so that who reads the store
// can open nothing.
func TestStoreHoldsHashesOfIDs(t *testing.T) {
	s := newSite(t, cloakroom.Options{KeyPrefix: "app:"})
	b := s.browser(t)
	b.ok(setUser)
	sum := sha256.Sum256([]byte("__Host-session\x00" + b.ticket()))
	for key := range s.records(t) {
		want(t, "store key", []string{key}, "app:"+base64url(sum[:]))
		s.ask(t, "__Host-session="+strings.TrimPrefix(key, "app:"), has(t, "the store key as ticket", false))
	}
	plain := newSite(t, cloakroom.Options{PlainIDs: true})
	b = plain.browser(t)
	b.ok(setUser)
	for key := range plain.records(t) {
		want(t, "store key", []string{key}, "session:"+b.ticket())
	}
}

// What a request prints or logs of a session is its handle at most.
func TestSessionsPrintAsTheirHandle(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(func(s *cloakroom.Session) { setUser(s); s.Flash("a", hush+"flash") })
	b.get("/", func(w http.ResponseWriter, r *http.Request) {
		session := cloakroom.From(r)
		session.Set("more", hush+"more")
		for _, text := range append(prints(session), prints(r.Context())...) {
			if strings.Contains(text, hush) || strings.Contains(text, b.ticket()) || strings.Contains(text, "104 117 115 104") || strings.Contains(text, "0x68, 0x75") {
				t.Errorf("printed as %.200q", text)
			}
		}
		if text := prints(session)[0]; !strings.Contains(text, session.Handle()) {
			t.Errorf("printed as %q, want the handle", text)
		}
		io.WriteString(w, "done")
	})
}

func TestPrintingASessionLoadsNothing(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.store.since()
	b.ok(func(s *cloakroom.Session) { prints(s) })
	want(t, "store calls", s.store.since())
}
