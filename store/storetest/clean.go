package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func cleanCases() []testCase {
	cases := []testCase{
		{name: "nothing expired", run: cleanNothing,
			rule: "DeleteExpired removes records that have expired, and no others"},
		{name: "limit", run: cleanLimit,
			rule: "DeleteExpired removes at most limit records; if fewer, none were left"},
		{name: "touched records stay", run: cleanTouched,
			rule: "a record whose expiry was moved on has not expired"},
		{name: "recreated records stay", run: cleanRecreated,
			rule: "a record that was created where another one expired has not expired"},
		{name: "several at once", run: cleanRacing,
			rule: "DeleteExpired may be called from many processes at once"},
		{name: "cancelled", run: cleanCancelled,
			rule: "a context that is done is answered with an error that matches its cause"},
	}
	for i := range cases {
		cases[i].needs = Cleaner
	}
	return cases
}

// clean calls DeleteExpired and checks what holds for every call.
func (p *probe) clean(limit int) int {
	p.Helper()
	n, err := p.inner.(store.Cleaner).DeleteExpired(p.ctx, limit)
	p.supported(Cleaner, err)
	if err != nil {
		p.Fatalf("DeleteExpired = %v, want nil", err)
	}
	if n < 0 || n > limit {
		p.Errorf("DeleteExpired(%d) = %d", limit, n)
	}
	return n
}

// drain removes what earlier cases left.
func (p *probe) drain() {
	p.Helper()
	for p.clean(1000) == 1000 {
	}
}

// leave creates live and expired records, and waits for these to expire.
func (p *probe) leave(live, expired int) (kept []string) {
	p.Helper()
	soon := p.soon().Add(time.Duration(live+expired) * p.slow())
	for i := range max(live, expired) {
		if i < live {
			key := p.key(fmt.Sprintf("live-%d", i))
			p.create(key, "data", []time.Time{{}, p.far()}[i%2])
			kept = append(kept, key)
		}
		if i < expired {
			p.create(p.key(fmt.Sprintf("expired-%d", i)), "data", soon)
		}
	}
	p.past(soon)
	return kept
}

// slow is an allowance for one call where time is real.
func (p *probe) slow() time.Duration {
	if p.o.RealTime {
		return 20 * time.Millisecond
	}
	return 0
}

// keeps checks that all of keys are still there.
func (p *probe) keeps(keys []string) {
	p.Helper()
	for _, key := range keys {
		p.load(key)
	}
}

// counts checks how many records were removed in all.
func (p *probe) counts(got, want int) {
	p.Helper()
	if p.o.CleansItself && got <= want {
		return
	}
	if got != want {
		p.Errorf("DeleteExpired removed %d records in all, want %d", got, want)
	}
}

func cleanNothing(p *probe) {
	p.drain()
	kept := p.leave(6, 0)
	p.counts(p.clean(100), 0)
	p.keeps(kept)
}

func cleanLimit(p *probe) {
	p.drain()
	kept := p.leave(10, 25)
	total := 0
	for _, limit := range []int{0, 1, 10, 10, 10} {
		n := p.clean(limit)
		total += n
		if n < limit {
			if again := p.clean(100); again != 0 {
				p.Errorf("DeleteExpired = %d after it answered with fewer than its limit", again)
			}
		}
	}
	p.counts(total, 25)
	p.keeps(kept)
	for i := range 25 {
		p.create(p.key(fmt.Sprintf("expired-%d", i)), "again", p.far())
	}
}

func cleanTouched(p *probe) {
	p.drain()
	soon := p.soon().Add(50 * p.slow()) // all are touched before
	for i := range 4 {
		key := p.key(fmt.Sprint(i))
		r := p.create(key, "data", soon)
		p.touch(key, r, p.far())
	}
	p.past(soon)
	p.counts(p.clean(100), 0)
	for i := range 4 {
		p.load(p.key(fmt.Sprint(i)))
	}
}

func cleanRecreated(p *probe) {
	p.drain()
	soon := p.soon()
	for i := range 4 {
		p.create(p.key(fmt.Sprint(i)), "data", soon)
	}
	p.past(soon)
	for i := range 3 {
		p.create(p.key(fmt.Sprint(i)), "data", p.far())
	}
	p.counts(p.clean(100), 1)
	for i := range 3 {
		p.load(p.key(fmt.Sprint(i)))
	}
	p.gone(p.key("3"))
}

func cleanRacing(p *probe) {
	p.drain()
	kept := p.leave(20, 60)
	var total atomic.Int64
	race(4, func(int) {
		for {
			n, err := p.inner.(store.Cleaner).DeleteExpired(p.ctx, 7)
			if err != nil {
				p.Errorf("DeleteExpired = %v, want nil", err)
				return
			}
			total.Add(int64(n))
			if n < 7 {
				return
			}
		}
	})
	// Each may stop when the others are about to remove the rest.
	total.Add(int64(p.clean(100)))
	p.counts(int(total.Load()), 60)
	p.keeps(kept)
}

func cleanCancelled(p *probe) {
	p.drain()
	p.leave(1, 5)
	ctx, cancel := cancelled(p.ctx)
	defer cancel()
	_, err := p.inner.(store.Cleaner).DeleteExpired(ctx, 10)
	p.supported(Cleaner, err)
	if !errors.Is(err, context.Canceled) {
		p.Errorf("DeleteExpired = %v, want %v", err, context.Canceled)
	}
	p.counts(p.clean(10), 5)
}
