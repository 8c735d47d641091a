package filestore

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/internal/probe"
)

// Ping implements [store.Pinger]. It saves, loads, touches and deletes a record
// of its own, and so waits for the disk about as often as a login, a change and
// a logout together. A record that it could not delete expires after five
// minutes.
func (s *Store) Ping(ctx context.Context) error {
	return probe.Ping(ctx, "filestore", s, probe.Key(), time.Now())
}
