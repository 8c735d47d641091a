package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// shelf is a store with a record of its own for each key but "absent", and with
// an error for some.
type shelf struct {
	nothing
	fails map[string]error
	asked []string
}

func (s *shelf) Load(_ context.Context, key string) (store.Record, error) {
	s.asked = append(s.asked, key)
	if err := s.fails[key]; err != nil {
		return store.Record{Data: []byte("rest")}, err
	}
	if key == "absent" {
		return store.Record{}, fmt.Errorf("shelf: load: %w", store.ErrNotFound)
	}
	return store.Record{Data: []byte("of " + key), Token: 7}, nil
}

// batch is a shelf that answers for all at once.
type batch struct {
	shelf
	err error
}

func (b *batch) LoadAll(_ context.Context, keys []string) ([]store.Record, error) {
	b.asked = append(b.asked, "all")
	return make([]store.Record, len(keys)), b.err
}

func TestLoadAllOneByOne(t *testing.T) {
	for _, c := range []struct {
		name string
		s    store.Store
	}{
		{"no BatchLoader", &shelf{}},
		{"one that cannot at present", &batch{err: fmt.Errorf("batch: load all: %w: not by this server", store.ErrUnsupported)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			records, err := store.LoadAll(t.Context(), c.s, []string{"b", "absent", "a", "b"})
			if err != nil || len(records) != 4 {
				t.Fatalf("LoadAll = %v, %v, want four records", records, err)
			}
			for i, want := range []string{"of b", "", "of a", "of b"} {
				if r := records[i]; string(r.Data) != want || r.Exists() != (want != "") || r.Exists() && r.Token != 7 {
					t.Errorf("record %d has the data %q and the token %d, want %q", i, r.Data, r.Token, want)
				}
			}
		})
	}
}

func TestLoadAllByABatchLoader(t *testing.T) {
	b := &batch{}
	records, err := store.LoadAll(t.Context(), b, []string{"a", "b"})
	if err != nil || len(records) != 2 || !slices.Equal(b.asked, []string{"all"}) {
		t.Errorf("LoadAll = %v, %v after %q, want two records after one call", records, err, b.asked)
	}
	b.err = errors.New("server is away")
	if _, err := store.LoadAll(t.Context(), b, []string{"a"}); !errors.Is(err, b.err) || len(b.asked) != 2 {
		t.Errorf("LoadAll = %v after %q, want the store's own error and no other call", err, b.asked)
	}
}

func TestLoadAllFailsAsAWhole(t *testing.T) {
	away := errors.New("server is away")
	s := &shelf{fails: map[string]error{"b": away}}
	records, err := store.LoadAll(t.Context(), s, []string{"a", "b", "c"})
	if !errors.Is(err, away) || records != nil {
		t.Errorf("LoadAll = %v, %v, want the store's error alone", records, err)
	}
	if !slices.Equal(s.asked, []string{"a", "b"}) {
		t.Errorf("%q were asked for, want none after the error", s.asked)
	}
}

func TestLoadAllChecksKeysFirst(t *testing.T) {
	for _, s := range []*batch{{}, {err: store.ErrUnsupported}} {
		_, err := store.LoadAll(t.Context(), s, []string{"a", "not a key"})
		if !errors.Is(err, store.ErrKey) || len(s.asked) != 0 {
			t.Errorf("LoadAll = %v after %q, want ErrKey before any call", err, s.asked)
		}
	}
}

func TestLoadAllOfNothing(t *testing.T) {
	s := &shelf{}
	if records, err := store.LoadAll(t.Context(), s, nil); err != nil || len(records) != 0 || len(s.asked) != 0 {
		t.Errorf("LoadAll = %v, %v after %q, want nothing", records, err, s.asked)
	}
}
