package storetest

import (
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// every is all capabilities.
var every = []Capability{Lister, Cleaner, Pinger, Closer}

func TestPlainStorePasses(t *testing.T) {
	Run(t, func(*testing.T) store.Store { return newPlain() },
		Options{TooLarge: 1<<20 + 1, Require: every})
}
