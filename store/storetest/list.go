package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func listCases() []testCase {
	cases := []testCase{
		{name: "every live record", run: listAll,
			rule: "List yields every live record with its key, data, expiry and token"},
		{name: "prefix", run: listPrefix,
			rule: "List yields the records whose key begins with prefix, and no others"},
		{name: "prefix is taken literally", run: listLiteral,
			rule: "no byte of a prefix has a meaning of its own"},
		{name: "nothing", run: listNothing,
			rule: "a walk over no records yields nothing"},
		{name: "expired records are not listed", run: listExpired, timed: true,
			rule: "a record that has expired does not exist"},
		{name: "deleting on the way", run: listDeleting,
			rule: "the caller may delete records on the way"},
		{name: "changing on the way", run: listChanging,
			rule: "the caller may change records on the way, with what List yielded as prev"},
		{name: "others change records meanwhile", run: listRacing,
			rule: "a record that was there from the beginning to the end of the walk is yielded at least once"},
		{name: "stopped early", run: listStopped,
			rule: "a walk may be stopped at any record"},
		{name: "cancelled before", run: listCancelled,
			rule: "a context that is done is answered with an error that matches its cause"},
		{name: "cancelled on the way", run: listCancelledLater,
			rule: "the walk stops with the error as the last element"},
	}
	for i := range cases {
		cases[i].needs = Lister
	}
	return cases
}

// list walks over all records with a prefix and checks what holds for every
// walk.
func (p *probe) list(ctx context.Context, prefix string, each func(store.Entry)) error {
	p.Helper()
	var last error
	for e, err := range p.inner.(store.Lister).List(ctx, prefix) {
		p.supported(Lister, err)
		if last != nil {
			p.Errorf("List went on after the error %v", last)
		}
		if last = err; err != nil {
			continue
		}
		if e.Record.Data == nil {
			p.Errorf("List: Data is nil in a record that exists")
		}
		each(e)
	}
	return last
}

// listed returns all records with a prefix by key.
func (p *probe) listed(prefix string) map[string]store.Record {
	p.Helper()
	found := map[string]store.Record{}
	if err := p.list(p.ctx, prefix, func(e store.Entry) { found[e.Key] = e.Record }); err != nil {
		p.Fatalf("List = %v, want no error", err)
	}
	return found
}

// populate creates n records that expire at a time.
func (p *probe) populate(n int, expires time.Time) []string {
	p.Helper()
	var keys []string
	for i := range n {
		key := p.key(fmt.Sprintf("%04d", i))
		p.create(key, "data of "+strconv.Itoa(i), expires)
		keys = append(keys, key)
	}
	return keys
}

// lists checks that a walk yields exactly keys.
func (p *probe) lists(prefix string, keys ...string) {
	p.Helper()
	got := slices.Sorted(maps.Keys(p.listed(prefix)))
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		p.Errorf("List(%q) yields %d keys %.300q, want %d keys %.300q", prefix, len(got), got, len(keys), keys)
	}
}

func listAll(p *probe) {
	far := p.far()
	p.create(p.key("never"), "", time.Time{})
	p.create(p.key("far"), "far data", far)
	r := p.create(p.key("touched"), "touched data", far)
	p.touch(p.key("touched"), r, far.Add(time.Hour))
	p.create(p.key("deleted"), "deleted", far)
	p.remove(p.key("deleted"))

	p.lists(p.prefix, p.key("never"), p.key("far"), p.key("touched"))
	all := p.listed(p.prefix)
	p.same("List", all[p.key("never")], "", time.Time{})
	p.same("List", all[p.key("far")], "far data", far)
	p.same("List", all[p.key("touched")], "touched data", far.Add(time.Hour))
	for key, r := range all {
		p.save(key, r, record("saved", far))
	}
	if _, ok := p.listed("")[p.key("far")]; !ok {
		p.Errorf("List with an empty prefix lacks a record")
	}
}

func listPrefix(p *probe) {
	far := p.far()
	for _, name := range []string{"a", "ab", "abc", "b", "A", "ba", "a/b"} {
		p.create(p.key(name), "data", far)
	}
	p.lists(p.key("a"), p.key("a"), p.key("ab"), p.key("abc"), p.key("a/b"))
	p.lists(p.key("ab"), p.key("ab"), p.key("abc"))
	p.lists(p.key("abc"), p.key("abc"))
	p.lists(p.key("A"), p.key("A"))
	p.lists(p.key("abcd"))
	p.lists(p.key("a/"), p.key("a/b"))
}

func listLiteral(p *probe) {
	far := p.far()
	odd := []string{"*", "?", "[a-z]", "%", "_", `\`, ".", "^", "$", "'", "{a}", "/", "(", "|"}
	for _, name := range odd {
		p.create(p.key(name+"x"), "data", far)
	}
	p.create(p.key("ax"), "data", far)
	for _, name := range odd {
		p.lists(p.key(name), p.key(name+"x"))
	}
}

func listNothing(p *probe) {
	p.create(p.key("something"), "data", p.far())
	p.lists(p.key("nothing"))
	p.lists(p.key("a prefix that no key has: \x00\r\nä"))
}

func listExpired(p *probe) {
	soon := p.soon()
	p.create(p.key("soon"), "data", soon)
	p.create(p.key("far"), "data", p.far())
	p.create(p.key("never"), "data", time.Time{})
	p.past(soon)
	p.lists(p.prefix, p.key("far"), p.key("never"))
}

func listDeleting(p *probe) {
	keys := p.populate(200, p.far())
	seen := map[string]bool{}
	err := p.list(p.ctx, p.prefix, func(e store.Entry) {
		seen[e.Key] = true
		p.remove(e.Key)
	})
	if err != nil {
		p.Fatalf("List = %v, want no error", err)
	}
	if len(seen) != len(keys) {
		p.Errorf("List yields %d records, want %d", len(seen), len(keys))
	}
	p.lists(p.prefix)
}

func listChanging(p *probe) {
	keys := p.populate(200, p.far())
	seen := map[string]int{}
	err := p.list(p.ctx, p.prefix, func(e store.Entry) {
		if seen[e.Key]++; seen[e.Key] == 1 {
			p.save(e.Key, e.Record, record("changed", e.Record.Expires))
		}
	})
	if err != nil {
		p.Fatalf("List = %v, want no error", err)
	}
	if len(seen) != len(keys) {
		p.Errorf("List yields %d records, want %d", len(seen), len(keys))
	}
	for _, key := range keys {
		if r := p.load(key); string(r.Data) != "changed" {
			p.Errorf("data is %s, want changed", brief(string(r.Data)))
		}
	}
}

// listRacing walks while others create and delete, so that records move about
// in stores that keep them in order or close together.
func listRacing(p *probe) {
	keys := p.populate(200, p.far())
	var done atomic.Bool
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for n := 0; !done.Load(); n++ {
				// Many go before any comes back, so that the others move up.
				name := fmt.Sprintf("%04d-%d", n%20*10, i)
				if !churn(p, p.key(name), n/20%2 == 0) {
					return
				}
			}
		})
	}
	defer wg.Wait()
	defer done.Store(true)
	for range p.rounds(5) {
		found := p.listed(p.prefix)
		for _, key := range keys {
			if _, ok := found[key]; !ok {
				p.Fatalf("List lacks a record that was there all the time")
			}
		}
	}
}

// churn creates or deletes a record, and reports whether that went well.
func churn(p *probe, key string, create bool) bool {
	breathe()
	if !create {
		if err := p.Delete(p.ctx, key); err != nil {
			p.Errorf("Delete = %v, want nil", err)
			return false
		}
		return true
	}
	if _, err := p.Save(p.ctx, key, store.Record{}, record("data", p.far())); err != nil {
		p.Errorf("Save = %v, want nil", err)
		return false
	}
	return true
}

func listStopped(p *probe) {
	keys := p.populate(100, p.far())
	for _, stop := range []int{1, 2, 50} {
		n := 0
		for _, err := range p.inner.(store.Lister).List(p.ctx, p.prefix) {
			p.supported(Lister, err)
			if err != nil {
				p.Fatalf("List = %v, want no error", err)
			}
			if n++; n == stop {
				break
			}
		}
		p.remove(keys[stop])
		p.create(keys[stop], "works", p.far())
	}
	p.lists(p.prefix, keys...)
}

func listCancelled(p *probe) {
	p.populate(3, p.far())
	p.lists(p.key("nothing"))
	ctx, cancel := cancelled(p.ctx)
	defer cancel()
	err := p.list(ctx, p.prefix, func(store.Entry) { p.Errorf("List yields a record after its context ended") })
	if !errors.Is(err, context.Canceled) {
		p.Errorf("List = %v, want %v", err, context.Canceled)
	}
}

func listCancelledLater(p *probe) {
	p.populate(300, p.far())
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	n := 0
	err := p.list(ctx, p.prefix, func(store.Entry) {
		n++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || n >= 300 {
		p.Errorf("List yields %d records and %v, want it to stop with %v", n, err, context.Canceled)
	}
}
