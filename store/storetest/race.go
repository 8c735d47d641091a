package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// racers is how many goroutines a race has.
const racers = 8

func raceCases() []testCase {
	return []testCase{
		{name: "no increment is lost", run: raceCount,
			rule: "Save replaces in one atomic step, and only if the record is still prev"},
		{name: "one creator wins", run: raceCreate,
			rule: "of several that create one record exactly one succeeds, the others get ErrConflict"},
		{name: "one saver wins", run: raceSave,
			rule: "of several that save with the same prev exactly one succeeds, the others get ErrConflict"},
		{name: "one conditional delete wins", run: raceDrop,
			rule: "of several that delete the same prev exactly one succeeds"},
		{name: "delete beats saves in flight", run: raceDelete,
			rule: "once Delete has returned, no Save with an earlier prev succeeds"},
		{name: "touch and save", run: raceTouchSave,
			rule: "a Touch at the same time as a Save loses neither the data nor the later expiry"},
		{name: "touch and touch", run: raceTouchTouch,
			rule: "of several Touches the latest expiry stays"},
		{name: "touch and delete", run: raceTouchDelete,
			rule: "a Touch at the same time as a Delete revives nothing"},
		{name: "acknowledged is visible", run: raceVisible,
			rule: "what a method has acknowledged is visible to every Load that begins later"},
		{name: "no torn data", run: raceTorn,
			rule: "Load returns one record as it was saved, never parts of two"},
		{name: "distinct keys", run: raceDistinct,
			rule: "records do not get into each other's way"},
	}
}

// rounds is how often a race is run: fewer times where each costs a network
// round trip or a sync of a disk, and in short mode.
func (p *probe) rounds(n int) int {
	if p.o.RealTime || testing.Short() {
		n /= 4
	}
	return max(n, 3)
}

// breathe lets others go on, in every loop of a race that may be long. Now and
// then it sleeps: a store may itself have to wait for a moment, which passes
// in a bubble only when all others wait too.
func breathe() {
	if rand.IntN(8) == 0 {
		time.Sleep(time.Nanosecond)
	}
	runtime.Gosched()
}

// race runs f in n goroutines that begin at the same time.
func race(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

func raceCount(p *probe) {
	key, far, each := p.key("counter"), p.far(), p.rounds(40)
	p.create(key, "0", far)
	race(racers, func(int) {
		for range each {
			if err := increment(p, key); err != nil {
				p.Errorf("increment: %v", err)
				return
			}
		}
	})
	p.holds(key, strconv.Itoa(racers*each), far)
}

// increment adds one to a counter, and tries again when somebody else did.
func increment(p *probe, key string) error {
	for {
		r, err := p.Load(p.ctx, key)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			return err
		}
		breathe() // or one goroutine may be done before the next begins
		_, err = p.Save(p.ctx, key, r, record(strconv.Itoa(n+1), r.Expires))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		breathe()
	}
}

// oneWins races saves with the same prev and returns the number of the one
// that succeeded.
func (p *probe) oneWins(key string, prev store.Record, next func(i int) store.Record) int {
	p.Helper()
	var mu sync.Mutex
	var winners []int
	race(racers, func(i int) {
		_, err := p.Save(p.ctx, key, prev, next(i))
		switch {
		case err == nil:
			mu.Lock()
			winners = append(winners, i)
			mu.Unlock()
		case !errors.Is(err, store.ErrConflict):
			p.Errorf("Save = %v, want nil or ErrConflict", err)
		}
	})
	if len(winners) != 1 {
		p.Fatalf("%d of %d racing saves succeeded, want 1", len(winners), racers)
	}
	return winners[0]
}

func raceCreate(p *probe) {
	far := p.far()
	for i := range p.rounds(40) {
		key := p.key(strconv.Itoa(i))
		won := p.oneWins(key, store.Record{}, func(i int) store.Record { return record(strconv.Itoa(i), far) })
		p.holds(key, strconv.Itoa(won), far)
	}
}

func raceSave(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "begin", far)
	for round := range p.rounds(40) {
		data := func(i int) string { return fmt.Sprintf("%d of round %d", i, round) }
		won := p.oneWins(key, r, func(i int) store.Record { return record(data(i), far) })
		r = p.holds(key, data(won), far)
	}
}

func raceDrop(p *probe) {
	key, far := p.key("k"), p.far()
	for round := range p.rounds(40) {
		r := p.create(key, strconv.Itoa(round), far)
		p.oneWins(key, r, func(int) store.Record { return store.Record{} })
		p.gone(key)
	}
}

// raceDelete has several savers replace a record over and over while it is
// deleted. None of them creates, so that nothing may be there afterwards.
func raceDelete(p *probe) {
	far := p.far()
	for round := range p.rounds(50) {
		key := p.key(strconv.Itoa(round))
		first := p.create(key, "begin", far)
		var saved atomic.Int32
		after := int32(rand.IntN(20))
		race(racers, func(i int) {
			if i > 0 {
				saveUntilGone(p, key, first, i, &saved)
				return
			}
			for saved.Load() < after && !p.Failed() {
				breathe()
			}
			if err := p.Delete(p.ctx, key); err != nil {
				p.Errorf("Delete = %v, want nil", err)
			}
			// From here on it must stay away.
			p.gone(key)
			saved.Add(1 << 20)
			p.gone(key)
		})
		p.gone(key)
		if p.Failed() {
			return
		}
	}
}

// saveUntilGone saves, each time with the newest prev, until there is none,
// or until long after it should have gone.
func saveUntilGone(p *probe, key string, r store.Record, saver int, saved *atomic.Int32) {
	for i := 0; saved.Load() < 1<<20+1000; i++ {
		breathe()
		next, err := p.Save(p.ctx, key, r, record(fmt.Sprintf("%d by %d", i, saver), r.Expires))
		saved.Add(1)
		if err == nil {
			r = next
			continue
		}
		if !errors.Is(err, store.ErrConflict) {
			p.Errorf("Save = %v, want nil or ErrConflict", err)
			return
		}
		r, err = p.Load(p.ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			return
		}
		if err != nil {
			p.Errorf("Load = %v, want the record or ErrNotFound", err)
			return
		}
	}
}
