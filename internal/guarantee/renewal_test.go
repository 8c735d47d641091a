package guarantee_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/internal/logins"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// The same on all stores with a server is in internal/integration/users.
func TestRequestsAtTheMomentOfARenewal(t *testing.T) {
	sitetest.EachStore(t, func(t *testing.T, s store.Store) {
		for range 5 {
			if err := logins.Renewal(s, "", 64); err != nil {
				t.Error(err)
			}
		}
	})
}
