package memcachedstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// Of three servers one stops: the records of the others are no answer.
func TestLoadAllWithoutOneServer(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Memcached())
	s := open(t, Options{}, one.Get(t).Addr(), two.Get(t).Addr(), p.Addr())
	keys := make([]string, 300)
	for i := range keys {
		keys[i] = fmt.Sprintf("without:%d", i)
		if _, err := s.Save(t.Context(), keys[i], store.Record{}, store.Record{Data: []byte(keys[i])}); err != nil {
			t.Fatal(err)
		}
	}
	records, err := s.LoadAll(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if string(r.Data) != keys[i] {
			t.Errorf("record %d is %q, want %q", i, r.Data, keys[i])
		}
	}
	p.Kill(t)
	if records, err := s.LoadAll(t.Context(), keys); err == nil || records != nil || errors.Is(err, store.ErrNotFound) ||
		store.Advice(err) == "" || !strings.Contains(err.Error(), p.Addr()) {
		t.Errorf("LoadAll = %d records, %v (%s), want an error that names the server, with advice", len(records), err, store.Advice(err))
	}
}
