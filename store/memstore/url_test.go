package memstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

func TestOpen(t *testing.T) {
	openers := memstore.Openers()
	for _, url := range []string{"memory:", "memory://", "memory:///", "memory:?max_bytes=1000000", "memory://?max_record=5&max_bytes=7000"} {
		t.Run(url, func(t *testing.T) {
			s, err := openers.Open(t.Context(), url)
			if err != nil {
				t.Fatalf("Open = %v, want a store", err)
			}
			defer store.Close(s)
			create(t, s, "k", "data", farAway)
		})
	}
}

func TestOpenSetsTheOptions(t *testing.T) {
	s, err := memstore.Openers().Open(t.Context(), "memory:?max_bytes=1000&max_record=500")
	if err != nil {
		t.Fatalf("Open = %v, want a store", err)
	}
	defer store.Close(s)
	_, err = s.Save(t.Context(), "k", store.Record{}, store.Record{Data: make([]byte, 501)})
	if !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("Save of 501 bytes = %v, want ErrTooLarge", err)
	}
	create(t, s, "k", strings.Repeat("x", 500), farAway)
	_, err = s.Save(t.Context(), "l", store.Record{}, store.Record{Data: make([]byte, 500)})
	if !errors.Is(err, memstore.ErrFull) {
		t.Errorf("second Save of 500 bytes = %v, want ErrFull", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ name, url, want string }{
		{"unknown parameter", "memory:?size=5", `"size"`},
		{"parameter given twice", "memory:?max_bytes=5&max_bytes=6", "2 times"},
		{"not a number", "memory:?max_bytes=many", "max_bytes must be"},
		{"zero", "memory:?max_record=0", "max_record must be"},
		{"negative", "memory:?max_bytes=-1", "max_bytes must be"},
		{"host", "memory://localhost", "place"},
		{"path", "memory:/var/lib", "place"},
		{"opaque", "memory:name", "place"},
		{"broken query", "memory:?max_bytes=%zz", "query"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := memstore.Openers().Open(t.Context(), c.url)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, want an error with %q", err, c.want)
			}
		})
	}
}
