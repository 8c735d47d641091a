package dynamostore

import (
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
			p := testserver.Start(t, testserver.Dynalite())
			storetest.Run(t, func(t *testing.T) store.Store {
				s, err := openURL(t.Context(), fresh(p.Addr(), layout))
				if err != nil {
					t.Fatal(err)
				}
				return s
			}, storetest.Options{
				RealTime:     true,
				Precision:    time.Second,
				MaxRecord:    MaxSize,
				TooLarge:     MaxSize + 1,
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
