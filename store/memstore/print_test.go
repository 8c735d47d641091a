package memstore

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/printtest"
	"github.com/cloakroom/cloakroom/store"
)

func TestStoresPrintNoRecords(t *testing.T) {
	const secret = "canary of what a visitor has in a session"
	s := New(Options{})
	defer s.Close()
	if _, err := s.Save(t.Context(), "session:key-of-the-record", store.Record{}, store.Record{Data: []byte(secret)}); err != nil {
		t.Fatal(err)
	}
	printtest.Silent(t, "*Store", s, secret, "session:key-of-the-record")
}
