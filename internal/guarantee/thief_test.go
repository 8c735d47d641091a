package guarantee_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
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
