package memstore

import (
	"bytes"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Large data is shared with the caller rather than copied, and counts and
// goes like any other.
func TestLargeDataIsShared(t *testing.T) {
	for _, size := range []int{maxPacked, maxPacked + 1} {
		s := New(Options{MaxBytes: 1 << 20})
		data := append(make([]byte, 0, 2*size), bytes.Repeat([]byte("x"), size)...) // with room that is nobody else's
		saved, err := s.Save(t.Context(), "key", store.Record{}, store.Record{Data: data, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if shared := &saved.Data[0] == &data[0]; shared != (size > maxPacked) {
			t.Errorf("%d bytes: shared = %v", size, shared)
		}
		got, err := s.Load(t.Context(), "key")
		if err != nil || !bytes.Equal(got.Data, data) || cap(got.Data) != size {
			t.Errorf("%d bytes: Load = %d bytes with capacity %d, %v", size, len(got.Data), cap(got.Data), err)
		}
		if used := s.budget.used.Load(); used != int64(size+len("key")+overhead) {
			t.Errorf("%d bytes: %d are counted", size, used)
		}
		for e, err := range s.List(t.Context(), "k") {
			if err != nil || e.Key != "key" || len(e.Record.Data) != size {
				t.Errorf("%d bytes: listed as %d bytes, %v", size, len(e.Record.Data), err)
			}
		}
		if err := s.Delete(t.Context(), "key"); err != nil || s.budget.used.Load() != 0 {
			t.Errorf("%d bytes: %d are counted after Delete, %v", size, s.budget.used.Load(), err)
		}
	}
}
