package mongostore

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestStore(t *testing.T) {
	for _, layout := range layouts {
		t.Run(layout, func(t *testing.T) {
			addr := server(t)
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
					p := ferretDB.Get(t)
					p.Pause(t)
					return func() { p.Resume(t) }
				},
				Require: []storetest.Capability{storetest.Lister, storetest.Cleaner, storetest.Pinger, storetest.Closer},
			})
		})
	}
}
