package guarantee_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// The store key is a hash of cookie name and ID, so that a reader of the
// store can open nothing.
func TestStoreHoldsHashesOfIDs(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{KeyPrefix: "app:"})
	b := s.Known(t)
	sum := sha256.Sum256([]byte("__Host-session\x00" + b.Ticket()))
	for key := range s.Records(t) {
		sitetest.Equal(t, "store key", []string{key}, "app:"+base64.RawURLEncoding.EncodeToString(sum[:]))
		s.Ask(t, "__Host-session="+strings.TrimPrefix(key, "app:"), sitetest.Has(t, "the store key as ticket", false))
	}
	plain := sitetest.NewTLS(t, cloakroom.Options{PlainIDs: true})
	b = plain.Browser(t)
	b.OK(sitetest.SetUser)
	for key := range plain.Records(t) {
		sitetest.Equal(t, "store key", []string{key}, "session:"+b.Ticket())
	}
}

func TestRecordKeysSealTheStore(t *testing.T) {
	old, next := []byte("the old key, of 32 bytes or so .."), []byte("the new key, of 32 bytes or so ..")
	s := sitetest.New(t, cloakroom.Options{RecordKeys: [][]byte{old}, PlainIDs: true})
	b := s.Known(t)
	b.OK(func(s *cloakroom.Session) { s.Set("n", 1) })
	b.OK(sitetest.Has(t, "its own key", true))
	id := b.Ticket()
	record := s.Records(t)["session:"+id]
	if bytes.Contains(record.Data, []byte("ada")) || bytes.Contains(record.Data, []byte("user")) {
		t.Error("the store can be read")
	}
	move := func(keys [][]byte, to string) (*sitetest.Site, store.Record) {
		s := sitetest.New(t, cloakroom.Options{RecordKeys: keys, PlainIDs: true})
		s.Plant(t, "session:"+to, record)
		return s, record
	}
	both, _ := move([][]byte{next, old}, id)
	both.Ask(t, "__Host-session="+id, func(s *cloakroom.Session) { sitetest.Has(t, "rotated", true)(s); s.Set("x", 1) })
	record = both.Records(t)["session:"+id]
	newest, _ := move([][]byte{next}, id)
	newest.Ask(t, "__Host-session="+id, sitetest.Has(t, "sealed anew", true))
	for what, c := range map[string]struct {
		keys  [][]byte
		id    string
		event string
	}{
		"an unknown key":    {[][]byte{old}, id, "Error"},
		"another store key": {[][]byte{next}, sitetest.Dead, "Undecodable"},
		"no key":            {nil, id, "Error"},
	} {
		s, record := move(c.keys, c.id)
		s.Ask(t, "__Host-session="+c.id, sitetest.Has(t, what, false))
		sitetest.Equal(t, what+": events", s.Log.Events(), c.event)
		if got := s.Records(t)["session:"+c.id]; !slices.Equal(got.Data, record.Data) {
			t.Errorf("%s: the record was not left alone", what)
		}
	}
}

// Who the visitor is, by address or browser, is in no record, event or log line.
func TestNothingOfTheRequestIsKept(t *testing.T) {
	const address, agent, page = "203.0.113.77", "Sextant/7.1", "/ward/12"
	s := sitetest.New(t, cloakroom.Options{})
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RemoteAddr = address + ":4711"
			next.ServeHTTP(w, r)
		})
	}
	b := s.Browser(t)
	var kept strings.Builder
	for _, use := range []func(*cloakroom.Session){
		sitetest.SetUser, sitetest.Count, (*cloakroom.Session).Regenerate,
		func(s *cloakroom.Session) { s.Flash("info", "Hello."); s.SetPermanent(true) },
		func(s *cloakroom.Session) { s.Set("x", func() {}) }, // fails, and is logged
		(*cloakroom.Session).Destroy,
	} {
		r := b.Request(page)
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded"} {
			r.Header.Set(name, address)
		}
		r.Header.Set("User-Agent", agent)
		r.Header.Set("Referer", b.URL+page)
		if _, err := b.Send(r, func(w http.ResponseWriter, r *http.Request) { sitetest.Using(use)(w, r) }); err != nil {
			t.Fatal(err)
		}
		for key, record := range s.Records(t) {
			fmt.Fprintf(&kept, "%s %s\n", key, record.Data)
		}
	}
	fmt.Fprintln(&kept, s.Log.Take(), s.Log.Lines(), s.Marks(t))
	if !strings.Contains(kept.String(), "ada") || !strings.Contains(kept.String(), "Destroyed") {
		t.Fatal("there is nothing to look at")
	}
	for _, text := range []string{address, agent, page} {
		if strings.Contains(kept.String(), text) {
			t.Errorf("%q is kept", text)
		}
	}
}
