package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/store"
)

func saveAllMany(p *probe) {
	far := p.far()
	changes := make([]store.Change, 250)
	for i := range changes {
		// Of a length that counts where a request has a limit.
		changes[i] = store.Change{Key: p.key(fmt.Sprintf("%04d-%s", i, strings.Repeat("k", 100))), Next: record(strconv.Itoa(i), far)}
	}
	for i, r := range p.saveAll(changes...) {
		p.same("SaveAll", r, strconv.Itoa(i), far)
		p.holds(changes[i].Key, strconv.Itoa(i), far)
		changes[i].Prev, changes[i].Next = r, store.Record{}
	}
	p.saveAll(changes...)
	for _, c := range changes {
		p.gone(c.Key)
	}
}

func saveAllAlike(p *probe) {
	far := p.far()
	var changes []store.Change
	for _, name := range []string{"abc", "ABC", "K", "k", "x", "x.", "%41", "A", "a*", "ab", "'", `"`, "k:k", "k:", `a\b`, "a/b"} {
		changes = append(changes, store.Change{Key: p.key(name), Next: record("data of "+name, far)})
	}
	for i, r := range p.saveAll(changes...) {
		p.equal(r, p.holds(changes[i].Key, string(changes[i].Next.Data), far))
	}
}

func saveAllTwice(p *probe) {
	far := p.far()
	a, b, c := p.key("a"), p.key("b"), p.key("c")
	ra := p.create(a, "data", far)
	for _, changes := range [][]store.Change{
		{{Key: b, Next: record("more", far)}, {Key: a, Prev: ra, Next: record("more", far)}, {Key: a, Prev: ra, Next: record("other", far)}},
		{{Key: c, Next: record("more", far)}, {Key: b, Next: record("more", far)}, {Key: c, Next: record("more", far)}},
		{{Key: b}, {Key: b}},
	} {
		if _, err := p.callSaveAll(p.ctx, changes...); !errors.Is(err, store.ErrKey) {
			p.Errorf("SaveAll with the same key twice = %v, want ErrKey", err)
		}
	}
	p.holds(a, "data", far)
	p.gone(b)
	p.gone(c)
	p.saveAll(store.Change{Key: a, Prev: ra, Next: record("more", far)}, store.Change{Key: b, Next: record("more", far)})
}

func saveAllRefused(p *probe) {
	far := p.far()
	key := p.key("k")
	prev := p.create(key, "data", far)
	for _, bad := range []string{"", "with a space", p.key("line\n"), p.key("ä"), strings.Repeat("k", store.MaxKey+1)} {
		good := store.Change{Key: key, Prev: prev, Next: record("more", far)}
		change := store.Change{Key: bad, Next: record("more", far)}
		if _, err := p.callSaveAll(p.ctx, good, change); !errors.Is(err, store.ErrKey) {
			p.Errorf("SaveAll = %v, want ErrKey", err)
		}
		// Before anything else: also before the context is asked.
		ctx, cancel := cancelled(p.ctx)
		if _, err := p.callSaveAll(ctx, good, change); !errors.Is(err, store.ErrKey) {
			p.Errorf("SaveAll with a context that is done = %v, want ErrKey", err)
		}
		cancel()
	}
	p.holds(key, "data", far)
	longest := p.key(strings.Repeat("k", store.MaxKey-len(p.prefix)))
	p.saveAll(store.Change{Key: longest, Next: record("long", far)}, store.Change{Key: key, Prev: prev, Next: record("more", far)})
	p.holds(longest, "long", far)
}

func saveAllTooLarge(p *probe) {
	if p.o.TooLarge == 0 {
		p.skip("SKIPPED, NO LIMIT: Options.TooLarge is not set")
	}
	far := p.far()
	big := store.Record{Data: pattern(p.o.TooLarge), Expires: far}
	a, b, c := p.key("a"), p.key("b"), p.key("c")
	rb, rc := p.create(b, "small", far), p.create(c, "small", far)
	for place := range 3 {
		changes := []store.Change{
			{Key: a, Next: record("new", far)},
			{Key: b, Prev: rb, Next: record("new", far)},
			{Key: c, Prev: rc, Next: record("new", far)},
		}
		changes[place].Next = big
		if _, err := p.callSaveAll(p.ctx, changes...); !errors.Is(err, store.ErrTooLarge) {
			p.Errorf("SaveAll with a large record in place %d = %v, want ErrTooLarge", place, err)
		} else if store.Advice(err) == "" {
			p.Errorf("SaveAll = %v without advice", err)
		}
		p.gone(a)
		p.holds(b, "small", far)
		p.holds(c, "small", far)
	}
	p.saveAll(store.Change{Key: b, Prev: rb, Next: record("still works", far)}, store.Change{Key: c, Prev: rc})
}

// saveAllLarge has more bytes than servers and drivers have in one buffer.
func saveAllLarge(p *probe) {
	far := p.far()
	all := pattern(p.o.MaxRecord + 3)
	changes := make([]store.Change, 3)
	for round := range 2 {
		for i := range changes {
			begin := (i + round) % 3
			changes[i].Key = p.key(fmt.Sprint("large", i))
			changes[i].Next = store.Record{Data: all[begin : begin+p.o.MaxRecord], Expires: far}
		}
		for i, r := range p.saveAll(changes...) {
			want := string(changes[i].Next.Data)
			if string(r.Data) != want || string(p.load(changes[i].Key).Data) != want {
				p.Errorf("SaveAll: %d bytes came back changed", p.o.MaxRecord)
			}
			changes[i].Prev = r
		}
	}
	for _, c := range changes {
		p.remove(c.Key)
	}
}
