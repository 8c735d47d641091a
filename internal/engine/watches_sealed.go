package engine

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// Sessions that live in their tickets end when they expire and, where users have
// epochs, by a revocation.

// lookAtTickets is look for them.
func (ws *watches) lookAtTickets(ctx context.Context, keys []string) error {
	var live, epochs []string // keys of sessions, and of their users' epochs
	var metas []*ledger.Meta
	for _, key := range keys {
		meta, ends := ws.ticketOf(key)
		switch {
		case ends:
			ws.ended(key, nil)
		case ws.e.epochs.store != nil && meta.User() != "":
			live, metas = append(live, key), append(metas, meta)
			epochs = append(epochs, ws.e.epochKey(meta.User()))
		}
	}
	if len(live) == 0 {
		return nil
	}
	records, err := store.LoadAll(ctx, ws.e.epochs.store, epochs)
	if err != nil {
		return unavailable("watch", err)
	}
	for i, key := range live {
		epoch := string(records[i].Data)
		ws.e.epochs.note(epochs[i], epoch)
		if epoch == "" || epoch != metas[i].Login.Epoch {
			ws.ended(key, nil)
		}
	}
	return nil
}

// ticketOf returns what is known of a session in its ticket, and whether that has
// expired. If not, it sees to the next look.
func (ws *watches) ticketOf(key string) (meta *ledger.Meta, ends bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	k := ws.keys[key]
	if k == nil {
		return nil, false
	}
	if !k.ends.After(time.Now()) {
		return nil, true
	}
	if ws.e.epochs.store == nil || k.ends.Before(k.at) {
		ws.lookAt(k, k.ends)
	}
	return k.meta, false
}

// revoked has the sessions of a user looked at, whose epoch has changed.
func (ws *watches) revoked(user string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, k := range ws.keys {
		if k.meta.User() == user {
			ws.lookAt(k, time.Now())
			ws.wakeUp()
		}
	}
}
