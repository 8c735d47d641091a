package engine

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// The one who waits longest is next. One who has given up is passed over.
func TestQueueIsFirstInFirstOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueues()
		if err := q.join(t.Context(), "hot"); err != nil {
			t.Fatal(err)
		}
		var order []int
		for i := range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if i%3 == 1 {
				ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			}
			go func() {
				defer cancel()
				if q.join(ctx, "hot") == nil {
					order = append(order, i)
					time.Sleep(time.Minute)
					q.leave("hot")
				}
			}()
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		q.leave("hot")
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if want := []int{0, 2, 3, 5, 6, 8, 9}; !slices.Equal(order, want) {
			t.Errorf("the turns went to %v, want %v", order, want)
		}
		for i := range q.shards {
			if n := len(q.shards[i].keys); n != 0 {
				t.Errorf("%d queues are left with nobody in them", n)
			}
		}
	})
}

// A record that many fight over delays no other one.
func TestQueuesAreIndependent(t *testing.T) {
	q := newQueues()
	for i := range 1000 { // far more than there are shards
		if err := q.join(t.Context(), string(rune('a'+i))); err != nil {
			t.Fatal(err)
		}
	}
}

// A turn that comes in the moment in which its context ends is passed on.
func TestTurnOfSomebodyWhoGaveUp(t *testing.T) {
	for range 1000 {
		q := newQueues()
		q.join(t.Context(), "hot")
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp, other := make(chan error, 1), make(chan error, 1)
		go func() { gaveUp <- q.join(ctx, "hot") }()
		go func() { other <- q.join(t.Context(), "hot") }()
		go cancel()
		q.leave("hot")
		if <-gaveUp == nil {
			q.leave("hot")
		}
		if err := <-other; err != nil {
			t.Fatal(err)
		}
		q.leave("hot")
	}
}
