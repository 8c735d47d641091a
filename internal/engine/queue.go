package engine

import (
	"container/list"
	"context"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"time"
)

// queues let the commits of this process that conflict over one record try
// again one after the other, in the order in which they came. Each record has
// a queue of its own, so that one which is always being changed delays no
// other. A queue exists while somebody is in it.
type queues struct {
	seed   maphash.Seed
	shards [16]struct {
		mu   sync.Mutex
		keys map[string]*list.List // of chan struct{}, without the commit whose turn it is
	}
}

func newQueues() *queues { return &queues{seed: maphash.MakeSeed()} }

// join returns when it is the caller's turn, or with the context's error. The
// caller has to leave.
func (q *queues) join(ctx context.Context, key string) error {
	s := &q.shards[maphash.String(q.seed, key)%uint64(len(q.shards))]
	s.mu.Lock()
	waiting := s.keys[key]
	if waiting == nil {
		if s.keys == nil {
			s.keys = map[string]*list.List{}
		}
		s.keys[key] = list.New()
		s.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	place := waiting.PushBack(turn)
	s.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-turn: // just now: somebody else must get it
		q.next(s.keys, key)
	default:
		waiting.Remove(place)
	}
	return ctx.Err()
}

// busy reports whether somebody is in the queue of key.
func (q *queues) busy(key string) bool {
	s := &q.shards[maphash.String(q.seed, key)%uint64(len(q.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[key] != nil
}

// leave gives the turn to the next.
func (q *queues) leave(key string) {
	s := &q.shards[maphash.String(q.seed, key)%uint64(len(q.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	q.next(s.keys, key)
}

func (q *queues) next(keys map[string]*list.List, key string) {
	waiting := keys[key]
	if first := waiting.Front(); first != nil {
		close(waiting.Remove(first).(chan struct{}))
		return
	}
	delete(keys, key)
}

// A turn lets one commit of this process at a time try again after a conflict,
// so that many of them do not keep undoing each other's tries. The first try
// takes no turn where nobody waits.
type turn struct {
	e         *Engine
	key       string // whose queue it is in; empty until the first conflict
	conflicts int
}

// wait joins the queue at the first conflict, and pauses for a random while at
// later ones: those came from other processes.
func (t *turn) wait(ctx context.Context, key string) error {
	t.conflicts++
	if t.key == "" {
		if err := t.e.queues.join(ctx, key); err != nil {
			return err
		}
		t.key = key
		return nil
	}
	pause := time.Duration(rand.Int64N(int64(min(t.conflicts, 10)))) * 200 * time.Microsecond
	if pause == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pass lets the next commit try.
func (t *turn) pass() {
	if t.key != "" {
		t.e.queues.leave(t.key)
	}
}

// outOfTurns is the error of a commit that found no time to try again.
func outOfTurns(tries int32, err error) error {
	return fmt.Errorf("cloakroom: save: %w: %w after %d tries: %w", ErrUnavailable, ErrConflict, tries, err)
}
