package cachestore

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/printtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func TestStoresPrintNoRecords(t *testing.T) {
	const secret = "canary of what a visitor has in a session"
	s, err := New(memstore.New(memstore.Options{}), Options{StaleFor: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Save(t.Context(), "session:key-of-the-record", store.Record{}, store.Record{Data: []byte(secret)}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Load(t.Context(), "session:key-of-the-record"); err != nil {
			t.Fatal(err)
		}
	}
	printtest.Silent(t, "*Store", s, secret, "session:key-of-the-record")
}
