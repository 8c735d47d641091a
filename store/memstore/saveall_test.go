package memstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func TestSaveAllOfAFullStore(t *testing.T) {
	s := memstore.New(memstore.Options{MaxBytes: 10_000})
	defer s.Close()
	n := fill(t, s, time.Time{})
	large, small := []byte(strings.Repeat("x", 100)), []byte("small")
	old, err := s.Load(t.Context(), "0")
	if err != nil {
		t.Fatal(err)
	}

	_, err = s.SaveAll(t.Context(), []store.Change{{Key: "0", Prev: old, Next: store.Record{Data: small}}, {Key: "a", Next: store.Record{Data: large}}, {Key: "b", Next: store.Record{Data: large}}})
	if !errors.Is(err, memstore.ErrFull) || store.Advice(err) == "" {
		t.Fatalf("SaveAll of two more records = %v with advice %q, want ErrFull with advice", err, store.Advice(err))
	}
	if r, err := s.Load(t.Context(), "0"); err != nil || r.Token != old.Token {
		t.Errorf("Load after ErrFull = %v, want the record as it was", err)
	}
	if _, err := s.Load(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load after ErrFull = %v, want ErrNotFound", err)
	}
	// One record makes room for another, whichever comes first.
	for i := range 1000 {
		key := fmt.Sprint(i % n)
		prev, err := s.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		changes := []store.Change{{Key: "new", Next: store.Record{Data: prev.Data}}, {Key: key, Prev: prev}}
		records, err := s.SaveAll(t.Context(), changes)
		if err != nil {
			t.Fatalf("SaveAll number %d = %v, want nil", i, err)
		}
		if _, err := s.SaveAll(t.Context(), []store.Change{{Key: key, Next: store.Record{Data: prev.Data}}, {Key: "new", Prev: records[0]}}); err != nil {
			t.Fatalf("SaveAll back, number %d = %v, want nil", i, err)
		}
	}
	if _, err := s.Save(t.Context(), "a", store.Record{}, store.Record{Data: large}); !errors.Is(err, memstore.ErrFull) {
		t.Errorf("Save = %v, want ErrFull: as much is taken as before", err)
	}
}

func TestSaveAllMakesRoomFromExpiredRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{MaxBytes: 10_000})
		defer s.Close()
		fill(t, s, time.Now().Add(2*time.Second))
		time.Sleep(2 * time.Second)
		data := []byte(strings.Repeat("x", 100))
		if _, err := s.SaveAll(t.Context(), []store.Change{{Key: "a", Next: store.Record{Data: data}}, {Key: "b", Next: store.Record{Data: data}}}); err != nil {
			t.Errorf("SaveAll = %v, want nil", err)
		}
	})
}
