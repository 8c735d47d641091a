package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// A KeyCount says how many records are sealed with which key. The root
// package's KeyCount says what the numbers mean.
type KeyCount struct {
	Keys     []int
	Unknown  int
	Unsealed int
	Marks    int
}

// CountKeys walks through all records of the store, holding none of them.
func (e *Engine) CountKeys(ctx context.Context) (KeyCount, error) {
	const op = "cloakroom: count keys"
	if e.store == nil {
		return KeyCount{}, store.WithAdvice(fmt.Errorf("%s: %w: there are no records, the sessions are in their cookies", op, store.ErrUnsupported),
			"A cookie ends when its session does: wait for that long before a key is dropped.")
	}
	lister, ok := e.store.(store.Lister)
	if !ok {
		return KeyCount{}, store.WithAdvice(fmt.Errorf("%s: %w: the store cannot list its records", op, store.ErrUnsupported),
			"Wait for as long as a session lives before a key is dropped.")
	}
	n := KeyCount{Keys: make([]int, e.RecordKeyCount)}
	for entry, err := range lister.List(ctx, e.KeyPrefix) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return KeyCount{}, fmt.Errorf("%s: %w", op, err)
		}
		if !strings.HasPrefix(entry.Key, e.KeyPrefix+EpochPrefix) { // which is never sealed
			n.add(e.records, entry.Record.Data)
		}
	}
	return n, nil
}

func (n *KeyCount) add(sealer *seal.Sealer, data []byte) {
	switch mark, ok := store.ParseMark(data); {
	case ok && (mark.Kind == store.MarkEnded || mark.Kind == store.MarkMoved):
		n.Marks++
		return
	case ok: // it may live as long as a session, and is worth as much
		data = mark.Payload
	}
	switch {
	case !seal.Sealed(data):
		n.Unsealed++
	case sealer == nil || sealer.Key(data) < 0:
		n.Unknown++
	default:
		n.Keys[sealer.Key(data)]++
	}
}
