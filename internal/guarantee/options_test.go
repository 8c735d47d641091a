package guarantee_test

import (
	"log/slog"

	"github.com/cloakroom/cloakroom"
)

// plain are Options under which a test knows the name of each record.
func plain() cloakroom.Options { return cloakroom.Options{PlainIDs: true} }

// unlogged are plain Options without a journal, for tests with very many
// requests.
func unlogged() cloakroom.Options {
	o := plain()
	o.Logger = slog.New(slog.DiscardHandler)
	return o
}

// storeKey returns the name of a ticket's record under plain Options.
func storeKey(ticket string) string { return cloakroom.DefaultKeyPrefix + ticket }
