package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/cloakroom/cloakroom/store"
)

func saveAllRaceCases() []testCase {
	return []testCase{
		{name: "transfers", run: saveAllTransfers,
			rule: "several SaveAlls at the same time, of some of the same records in any order, lose nothing and do not wait for each other for ever"},
		{name: "beside Save", run: saveAllBesideSave,
			rule: "a SaveAll at the same time as a Save of one of its records loses nothing"},
		{name: "beside Delete", run: saveAllBesideDelete,
			rule: "once Delete has returned, no SaveAll with an earlier prev succeeds"},
		{name: "one creator wins", run: saveAllCreators,
			rule: "of several SaveAlls that create the same records exactly one succeeds, the others get ErrConflict"},
		{name: "acknowledged is visible", run: saveAllVisible,
			rule: "once SaveAll has been acknowledged, every Load that begins later sees all of it"},
	}
}

// tally is data that counts: a balance, and how often it was changed.
func tally(balance, changes int) string { return fmt.Sprintf("%d %d", balance, changes) }

// transfer moves one from the balance of one record to that of another, and
// tries again when somebody else came first. It runs in a race.
func (p *probe) transfer(from, to string) error {
	for {
		changes := []store.Change{{Key: from}, {Key: to}}
		for i := range changes {
			c := &changes[i]
			var err error
			if c.Prev, err = p.Load(p.ctx, c.Key); err != nil {
				return err
			}
			var balance, n int
			if _, err := fmt.Sscanf(string(c.Prev.Data), "%d %d", &balance, &n); err != nil {
				return err
			}
			c.Next = record(tally(balance-1+2*i, n+1), c.Prev.Expires)
		}
		breathe() // or one goroutine may be done before the next begins
		_, err := p.inner.(store.BatchSaver).SaveAll(p.ctx, changes)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		breathe()
	}
}

// tallies returns the sum of the balances and of the changes.
func (p *probe) tallies(keys ...string) (balance, changes int) {
	p.Helper()
	for _, key := range keys {
		var b, n int
		if _, err := fmt.Sscanf(string(p.load(key).Data), "%d %d", &b, &n); err != nil {
			p.Fatalf("data of a record: %v", err)
		}
		balance, changes = balance+b, changes+n
	}
	return balance, changes
}

func saveAllTransfers(p *probe) {
	far, each := p.far(), p.rounds(24)
	keys := []string{p.key("a"), p.key("b"), p.key("c")}
	var changes []store.Change
	for _, key := range keys {
		changes = append(changes, store.Change{Key: key, Next: record(tally(100, 0), far)})
	}
	p.saveAll(changes...)
	race(racers, func(int) {
		for range each {
			from := rand.IntN(len(keys))
			to := (from + 1 + rand.IntN(len(keys)-1)) % len(keys)
			if err := p.transfer(keys[from], keys[to]); err != nil {
				p.Errorf("SaveAll = %v, want nil or ErrConflict", err)
				return
			}
		}
	})
	if sum, n := p.tallies(keys...); sum != 300 || n != 2*racers*each {
		p.Errorf("the balances are %d after %d changes, want 300 after %d", sum, n, 2*racers*each)
	}
}

// saveAllBesideSave has half of the goroutines count one record by Save, and
// the others both by SaveAll.
func saveAllBesideSave(p *probe) {
	far, each := p.far(), p.rounds(24)
	a, b := p.key("a"), p.key("b")
	p.saveAll(store.Change{Key: a, Next: record("0", far)}, store.Change{Key: b, Next: record("0", far)})
	race(racers, func(i int) {
		for range each {
			var err error
			if i%2 == 0 {
				err = increment(p, b)
			} else if i%4 == 1 {
				err = p.incrementAll(a, b)
			} else {
				err = p.incrementAll(b, a)
			}
			if err != nil {
				p.Errorf("increment: %v", err)
				return
			}
		}
	})
	p.holds(a, strconv.Itoa(racers/2*each), far)
	p.holds(b, strconv.Itoa(racers*each), far)
}

// incrementAll is increment for several counters at once.
func (p *probe) incrementAll(keys ...string) error {
	for {
		changes := make([]store.Change, len(keys))
		for i, key := range keys {
			r, err := p.Load(p.ctx, key)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(r.Data))
			if err != nil {
				return err
			}
			changes[i] = store.Change{Key: key, Prev: r, Next: record(strconv.Itoa(n+1), r.Expires)}
		}
		breathe() // or one goroutine may be done before the next begins
		_, err := p.inner.(store.BatchSaver).SaveAll(p.ctx, changes)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		breathe()
	}
}

// saveAllBesideDelete has several savers count two records over and over while
// one of them is deleted.
func saveAllBesideDelete(p *probe) {
	far := p.far()
	for round := range p.rounds(24) {
		a, b := p.key(fmt.Sprint("a", round)), p.key(fmt.Sprint("b", round))
		p.saveAll(store.Change{Key: a, Next: record("0", far)}, store.Change{Key: b, Next: record("0", far)})
		var saved atomic.Int32
		after := int32(rand.IntN(20))
		race(racers, func(i int) {
			if i == 0 {
				for saved.Load() < after && !p.Failed() {
					breathe()
				}
				if err := p.Delete(p.ctx, a); err != nil {
					p.Errorf("Delete = %v, want nil", err)
				}
				p.gone(a)
				return
			}
			keys := []string{a, b}
			if i%2 == 0 {
				slices.Reverse(keys)
			}
			for {
				err := p.incrementAll(keys...)
				if errors.Is(err, store.ErrNotFound) {
					return
				}
				if err != nil {
					p.Errorf("SaveAll = %v, want nil or ErrConflict", err)
					return
				}
				if saved.Add(1) > 10_000 {
					p.Errorf("SaveAll succeeds long after Delete")
					return
				}
				breathe()
			}
		})
		p.gone(a)
		// What was saved of one record was saved of the other.
		p.holds(b, strconv.Itoa(int(saved.Load())), far)
		if p.Failed() {
			return
		}
	}
}

func saveAllCreators(p *probe) {
	far := p.far()
	p.saveAll(store.Change{Key: p.key("first"), Next: record("data", far)})
	for round := range p.rounds(40) {
		keys := []string{p.key(fmt.Sprint("a", round)), p.key(fmt.Sprint("b", round)), p.key(fmt.Sprint("c", round))}
		var won atomic.Int32
		var winner atomic.Int64
		race(racers, func(i int) {
			var changes []store.Change
			for j := range keys {
				changes = append(changes, store.Change{Key: keys[(i+j)%len(keys)], Next: record(strconv.Itoa(i), far)})
			}
			if i%2 == 0 {
				slices.Reverse(changes)
			}
			_, err := p.inner.(store.BatchSaver).SaveAll(p.ctx, changes)
			switch {
			case err == nil:
				won.Add(1)
				winner.Store(int64(i))
			case !errors.Is(err, store.ErrConflict):
				p.Errorf("SaveAll = %v, want nil or ErrConflict", err)
			}
		})
		if won.Load() != 1 {
			p.Fatalf("%d of %d racing SaveAlls succeeded, want 1", won.Load(), racers)
		}
		for _, key := range keys {
			p.holds(key, strconv.FormatInt(winner.Load(), 10), far)
		}
	}
}

// saveAllVisible has counters that go up together, and readers of each.
func saveAllVisible(p *probe) {
	far, last := p.far(), p.rounds(100)
	keys := []string{p.key("a"), p.key("b")}
	latest := p.saveAll(store.Change{Key: keys[0], Next: record("0", far)}, store.Change{Key: keys[1], Next: record("0", far)})
	var acknowledged atomic.Int64
	var done atomic.Bool
	race(4, func(i int) {
		for i > 0 && !done.Load() && !p.Failed() {
			least := acknowledged.Load()
			r, err := p.Load(p.ctx, keys[i%2])
			if err != nil {
				p.Errorf("Load = %v, want the record", err)
				return
			}
			if n, err := strconv.ParseInt(string(r.Data), 10, 64); err != nil || n < least {
				p.Errorf("Load: data is %s after %d was acknowledged", brief(string(r.Data)), least)
			}
			breathe()
		}
		if i > 0 {
			return
		}
		defer done.Store(true)
		for n := 1; n < last; n++ {
			next := record(strconv.Itoa(n), far)
			records, err := p.inner.(store.BatchSaver).SaveAll(p.ctx, []store.Change{{Key: keys[0], Prev: latest[0], Next: next}, {Key: keys[1], Prev: latest[1], Next: next}})
			if err != nil || len(records) != 2 {
				p.Errorf("SaveAll = %d records, %v, want two", len(records), err)
				return
			}
			latest = records
			acknowledged.Store(int64(n))
			breathe()
		}
	})
}
