package engine_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// splits counts how often records are walked through.
type splits struct {
	codec.Codec
	n *int
}

func (c splits) Split(dst []codec.Field, data []byte) ([]codec.Field, error) {
	*c.n++
	return c.Codec.Split(dst, data)
}

func TestLargeRecordIsIndexedOnce(t *testing.T) {
	n := 0
	m, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{Codec: splits{codec.MsgPack, &n}})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := m.Open(t.Context(), "")
	s.Set("text", strings.Repeat("x", 4<<10))
	s.Set("", "nameless")
	ticket, err := m.Commit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	read := func(value string, want int) {
		t.Helper()
		s, err := m.Open(t.Context(), ticket)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Get(""); got != value || s.Len() != 2 {
			t.Errorf("value = %v of %d, want %q of 2", got, s.Len(), value)
		}
		if n != want {
			t.Errorf("the record was walked through %d times, want %d", n, want)
		}
	}
	read("nameless", 1)
	read("nameless", 1)
	s, _ = m.Open(t.Context(), ticket)
	s.Set("", "changed!") // same length
	if _, err := m.Commit(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	read("changed!", 2)
	read("changed!", 2)
}
