package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func loadAllCases() []testCase {
	const done = "a context that is done when the call begins is answered with an error that matches its cause"
	cases := []testCase{
		{name: "no keys", run: loadAllNothing,
			rule: "LoadAll of no keys returns no records and no error"},
		{name: "what Load returns", run: loadAllSame,
			rule: "LoadAll returns what Load would: data, expiry and token, marks included"},
		{name: "absent records", run: loadAllAbsent,
			rule: "LoadAll returns the zero Record where none is live, and no error"},
		{name: "expired records", run: loadAllExpired, timed: true,
			rule: "a record that has expired does not exist"},
		{name: "order of keys", run: loadAllOrder,
			rule: "LoadAll returns its records in the order of keys"},
		{name: "a key more than once", run: loadAllTwice,
			rule: "a key may stand among keys more than once"},
		{name: "keys that look alike", run: loadAllAlike,
			rule: "two different keys never name the same record"},
		{name: "a token for Save", run: loadAllTokens,
			rule: "what LoadAll returned is prev of a Save, as if Load had returned it"},
		{name: "a key that is refused", run: loadAllRefused,
			rule: "a key that CheckKey refuses is answered with its error"},
		{name: "large records", run: loadAllLarge,
			rule: "records as large as the store promises come back whole, many at a time, too"},
		{name: "2,500 keys", run: loadAllMany,
			rule: "there may be any number of keys"},
		{name: "records do not disturb one another", run: loadAllApart,
			rule: "nobody changes the bytes behind Data after LoadAll returned them"},
		{name: "keys are left alone", run: loadAllArguments,
			rule: "the store does not change keys"},
		{name: "acknowledged is visible", run: loadAllVisible,
			rule: "what a method has acknowledged is visible to every LoadAll that begins later"},
		{name: "cancelled", run: loadAllEnded(cancelled, context.Canceled), rule: done},
		{name: "too late", run: loadAllEnded(tooLate, context.DeadlineExceeded), rule: done},
		{name: "cancelled for a reason", run: loadAllEnded(cancelledFor, errReason), rule: done},
	}
	for i := range cases {
		cases[i].needs = BatchLoader
	}
	return cases
}

// callLoadAll calls LoadAll and checks what holds for every call.
func (p *probe) callLoadAll(ctx context.Context, keys ...string) ([]store.Record, error) {
	p.Helper()
	records, err := p.inner.(store.BatchLoader).LoadAll(ctx, keys)
	p.supported(BatchLoader, err)
	if err != nil {
		for _, key := range keys {
			p.discreet("LoadAll", err, key, nil, nil)
		}
		if records != nil {
			p.Errorf("LoadAll returns %d records together with the error %v", len(records), err)
		}
		return nil, err
	}
	if len(records) != len(keys) {
		p.Fatalf("LoadAll returns %d records for %d keys", len(records), len(keys))
	}
	return records, nil
}

// loadAll returns the records of keys.
func (p *probe) loadAll(keys ...string) []store.Record {
	p.Helper()
	records, err := p.callLoadAll(p.ctx, keys...)
	if err != nil {
		p.Fatalf("LoadAll = %v, want no error", err)
	}
	return records
}

// absent checks that LoadAll has found no record.
func (p *probe) absent(r store.Record, what string) {
	p.Helper()
	if r.Data != nil || !r.Expires.IsZero() || r.Token != 0 {
		p.Errorf("LoadAll: %s is %s with the expiry %v and the token %d, want the zero Record", what, brief(string(r.Data)), r.Expires, r.Token)
	}
}

func loadAllNothing(p *probe) {
	p.create(p.key("something"), "data", p.far())
	if records, err := p.callLoadAll(p.ctx); len(records) != 0 || err != nil {
		p.Errorf("LoadAll = %d records, %v, want none and no error", len(records), err)
	}
}

func loadAllSame(p *probe) {
	far := p.far()
	mark := string(store.Mark{Kind: store.MarkMoved, At: time.Now(), Payload: []byte("payload")}.Append(nil))
	p.create(p.key("never"), "data that stays", time.Time{})
	p.create(p.key("far"), "far data", far)
	p.create(p.key("empty"), "", far)
	p.create(p.key("mark"), mark, far)
	r := p.create(p.key("touched"), "touched data", far)
	p.touch(p.key("touched"), r, far.Add(time.Hour))
	keys := []string{p.key("never"), p.key("far"), p.key("empty"), p.key("mark"), p.key("touched")}
	records := p.loadAll(keys...)
	for i, want := range []struct {
		data    string
		expires time.Time
	}{{"data that stays", time.Time{}}, {"far data", far}, {"", far}, {mark, far}, {"touched data", far.Add(time.Hour)}} {
		if records[i].Data == nil {
			p.Errorf("LoadAll: Data is nil in a record that exists")
		}
		p.same("LoadAll", records[i], want.data, want.expires)
		if one := p.load(keys[i]); one.Token != records[i].Token {
			p.Errorf("LoadAll: the token is %d, and Load says %d", records[i].Token, one.Token)
		}
	}
}

func loadAllAbsent(p *probe) {
	far := p.far()
	p.create(p.key("deleted"), "data", far)
	p.remove(p.key("deleted"))
	p.create(p.key("there"), "data", far)
	records := p.loadAll(p.key("absent"), p.key("there"), p.key("deleted"))
	p.absent(records[0], "what was never there")
	p.same("LoadAll", records[1], "data", far)
	p.absent(records[2], "what was deleted")
	p.absent(p.loadAll(p.key("absent"))[0], "what was never there")
}

func loadAllExpired(p *probe) {
	soon, far := p.soon(), p.far()
	keys := []string{p.key("soon"), p.key("far"), p.key("touched")}
	p.create(keys[0], "data", soon)
	p.create(keys[1], "data", far)
	p.touch(keys[2], p.create(keys[2], "data", soon), far)
	p.justBefore(soon)
	p.same("LoadAll", p.loadAll(keys...)[0], "data", soon)
	p.past(soon)
	records := p.loadAll(keys...)
	p.absent(records[0], "what has expired")
	p.same("LoadAll", records[1], "data", far)
	p.same("LoadAll", records[2], "data", far)
}

func loadAllOrder(p *probe) {
	far := p.far()
	keys := p.populate(40, far)
	for range 3 {
		rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for i, r := range p.loadAll(keys...) {
			n, _ := strconv.Atoi(strings.TrimPrefix(keys[i], p.prefix))
			p.same("LoadAll", r, "data of "+strconv.Itoa(n), far)
		}
	}
}

func loadAllTwice(p *probe) {
	far := p.far()
	p.create(p.key("a"), "data of a", far)
	p.create(p.key("b"), "data of b", far)
	a, b, absent := p.key("a"), p.key("b"), p.key("absent")
	for i, r := range p.loadAll(a, absent, b, a, a, absent, b) {
		if want := []string{"data of a", "", "data of b", "data of a", "data of a", "", "data of b"}[i]; want != "" {
			p.same("LoadAll", r, want, far)
		} else {
			p.absent(r, "what is absent")
		}
	}
}

func loadAllAlike(p *probe) {
	far := p.far()
	there := []string{"abc", "K", "x", "%41", "a*", "'", "k:k", `a\b`}
	absent := []string{"ABC", "k", "x.", "A", "ab", `"`, "k:", "a/b"}
	var keys []string
	for i := range there {
		p.create(p.key(there[i]), "data of "+there[i], far)
		keys = append(keys, p.key(absent[i]), p.key(there[i]))
	}
	for i, r := range p.loadAll(keys...) {
		if i%2 == 0 {
			p.absent(r, absent[i/2])
		} else {
			p.same("LoadAll", r, "data of "+there[i/2], far)
		}
	}
}

func loadAllTokens(p *probe) {
	far := p.far()
	keys := p.populate(5, far)
	old := p.loadAll(keys...)
	for i, r := range old {
		p.save(keys[i], r, record("changed", far))
		p.conflicts(keys[i], r, record("changed again", far))
	}
	for i, r := range p.loadAll(keys...) {
		p.same("LoadAll", r, "changed", far)
		p.touch(keys[i], r, far.Add(time.Hour))
		p.save(keys[i], r, store.Record{})
		p.gone(keys[i])
	}
	p.save(keys[0], p.loadAll(keys...)[0], record("anew", far))
}

func loadAllRefused(p *probe) {
	far := p.far()
	key := p.key("k")
	p.create(key, "data", far)
	for _, bad := range []string{"", "with a space", p.key("line\n"), p.key("ä"), strings.Repeat("k", store.MaxKey+1)} {
		if _, err := p.callLoadAll(p.ctx, key, bad, key); !errors.Is(err, store.ErrKey) {
			p.Errorf("LoadAll = %v, want ErrKey", err)
		}
		// Before anything else: also before the context is asked.
		ctx, cancel := cancelled(p.ctx)
		if _, err := p.callLoadAll(ctx, key, bad); !errors.Is(err, store.ErrKey) {
			p.Errorf("LoadAll with a context that is done = %v, want ErrKey", err)
		}
		cancel()
	}
	longest := p.key(strings.Repeat("k", store.MaxKey-len(p.prefix)))
	p.create(longest, "data", far)
	p.same("LoadAll", p.loadAll(key, longest)[1], "data", far)
}

// loadAllLarge has more bytes than servers and drivers have in one buffer.
func loadAllLarge(p *probe) {
	far := p.far()
	all := pattern(p.o.MaxRecord + 100)
	data := func(i int) []byte { return all[i : i+p.o.MaxRecord] }
	var keys []string
	for i := range min(5<<20/p.o.MaxRecord, 50) {
		keys = append(keys, p.key(fmt.Sprint("large", i)))
		p.save(keys[i], store.Record{}, store.Record{Data: data(i), Expires: far})
	}
	for i, r := range p.loadAll(keys...) {
		if string(r.Data) != string(data(i)) {
			p.Errorf("LoadAll: %d bytes came back changed", p.o.MaxRecord)
		}
	}
	for _, key := range keys {
		p.remove(key)
	}
}

func loadAllMany(p *probe) {
	far := p.far()
	keys := make([]string, 2500)
	for i := range keys {
		// Of a length that counts where a request has a limit.
		keys[i] = p.key(fmt.Sprintf("%04d-%s", i, strings.Repeat("k", 100)))
		if i%50 == 7 {
			p.create(keys[i], strconv.Itoa(i), far)
		}
	}
	for i, r := range p.loadAll(keys...) {
		if i%50 == 7 {
			p.same("LoadAll", r, strconv.Itoa(i), far)
		} else {
			p.absent(r, "what is absent")
		}
	}
}

func loadAllApart(p *probe) {
	far := p.far()
	keys := p.populate(10, far)
	first := p.loadAll(keys...)
	for i, key := range keys {
		p.save(key, first[i], record("another one", far))
	}
	// Appending to loaded data must reach neither into what the store holds nor
	// into another record.
	second := p.loadAll(keys...)
	for _, r := range second {
		_ = append(r.Data, "overrun"...)
	}
	p.loadAll(keys...)
	for i := range keys {
		p.same("LoadAll", first[i], "data of "+strconv.Itoa(i), far)
		p.same("LoadAll", second[i], "another one", far)
		p.holds(keys[i], "another one", far)
	}
}

func loadAllArguments(p *probe) {
	p.populate(5, p.far())
	keys := []string{p.key("0003"), p.key("0001"), p.key("absent"), p.key("0003"), p.key("0000")}
	before := slices.Clone(keys)
	p.loadAll(keys...)
	if !slices.Equal(keys, before) {
		p.Errorf("LoadAll has changed the keys that it was given")
	}
}

// loadAllVisible has counters that go up one after another, and readers of all.
func loadAllVisible(p *probe) {
	far, last := p.far(), p.rounds(100)
	keys := make([]string, 3)
	latest := make([]store.Record, len(keys))
	for i := range keys {
		keys[i] = p.key(strconv.Itoa(i))
		latest[i] = p.create(keys[i], "0", far)
	}
	var acknowledged [3]atomic.Int64
	var done atomic.Bool
	race(4, func(i int) {
		if i > 0 {
			for !done.Load() && !p.Failed() {
				p.countsUp(keys, &acknowledged)
				breathe()
			}
			return
		}
		defer done.Store(true)
		for n := 1; n < last; n++ {
			for i, key := range keys {
				next, err := p.Save(p.ctx, key, latest[i], record(strconv.Itoa(n), far))
				if err != nil {
					p.Errorf("Save = %v, want nil", err)
					return
				}
				acknowledged[i].Store(int64(n))
				latest[i] = next
				breathe()
			}
		}
	})
}

// countsUp checks that the counters have come as far as was acknowledged.
func (p *probe) countsUp(keys []string, acknowledged *[3]atomic.Int64) {
	var least [3]int64
	for i := range least {
		least[i] = acknowledged[i].Load()
	}
	records, err := p.inner.(store.BatchLoader).LoadAll(p.ctx, keys)
	if errors.Is(err, store.ErrUnsupported) {
		return
	}
	if err != nil || len(records) != len(keys) {
		p.Errorf("LoadAll = %d records, %v, want %d", len(records), err, len(keys))
		return
	}
	for i, r := range records {
		if n, err := strconv.ParseInt(string(r.Data), 10, 64); err != nil || n < least[i] {
			p.Errorf("LoadAll: data is %s after %d was acknowledged", brief(string(r.Data)), least[i])
		}
	}
}

// loadAllEnded returns a case of a context that is done.
func loadAllEnded(done func(context.Context) (context.Context, context.CancelFunc), want error) func(p *probe) {
	return func(p *probe) {
		key, far := p.key("k"), p.far()
		p.create(key, "data", far)
		ctx, cancel := done(p.ctx)
		defer cancel()
		if _, err := p.callLoadAll(ctx, key, p.key("absent")); !errors.Is(err, want) {
			p.Errorf("LoadAll = %v, want %v", err, want)
		}
		p.same("LoadAll", p.loadAll(key)[0], "data", far)
	}
}
