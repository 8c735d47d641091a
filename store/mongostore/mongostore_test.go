package mongostore

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestStore(t *testing.T) {
	for _, layout := range layouts {
		t.Run(layout, func(t *testing.T) {
			t.Parallel() // it mostly waits
			p, addr := own(t, testserver.FerretDB())
			max := MaxSize
			if layout == "flask" {
				max = MaxFlaskSize
			}
			storetest.Run(t, func(t *testing.T) store.Store {
				s, err := openURL(t.Context(), fresh(addr, layout))
				if err != nil {
					t.Fatal(err)
				}
				return s
			}, storetest.Options{
				RealTime:     true,
				Precision:    time.Millisecond,
				TooLarge:     max + 1,
				ComparesData: layout == "flask",
				Stall: func(t *testing.T) func() {
					p.Pause(t)
					return func() { p.Resume(t) }
				},
				Require: []storetest.Capability{storetest.BatchLoader, storetest.Lister, storetest.Cleaner, storetest.Pinger, storetest.Closer},
			})
		})
	}
}

// The largest record that is promised, and one as large in its place: the
// server's limit is also that of a command.
func TestLargestRecord(t *testing.T) {
	for layout, size := range map[string]int{"native": MaxSize, "flask": MaxFlaskSize} {
		s := open(t, fresh(server(t), layout))
		key := strings.Repeat("k", store.MaxKey)
		var r store.Record
		for i := range 2 {
			var err error
			data := bytes.Repeat([]byte{byte('a' + i)}, size)
			if r, err = s.Save(t.Context(), key, r, store.Record{Data: data, Expires: inAnHour()}); err != nil {
				t.Fatalf("%s: Save = %v", layout, err)
			}
			if got, err := s.Load(t.Context(), key); err != nil || !bytes.Equal(got.Data, data) {
				t.Errorf("%s: Load = %d bytes, %v", layout, len(got.Data), err)
			}
		}
	}
}
