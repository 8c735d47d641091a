package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func saveAllCases() []testCase {
	const done = "a context that is done when the call begins is answered with an error that matches its cause, and nothing changes"
	cases := []testCase{
		{name: "no changes", run: saveAllNothing,
			rule: "SaveAll of no changes does nothing"},
		{name: "create, replace and delete", run: saveAllKinds,
			rule: "SaveAll does with each change what Save does: create, replace, delete"},
		{name: "result is what Load returns", run: saveAllResult,
			rule: "SaveAll returns the records as they are now stored, with their tokens; empty ones, marks and those that never expire too"},
		{name: "result serves as prev", run: saveAllChain,
			rule: "a record that SaveAll returned is prev until somebody saves another, and what it was before is not"},
		{name: "one conflict", run: saveAllConflict,
			rule: "if the live record of one key is not prev, SaveAll answers ErrConflict and changes nothing"},
		{name: "prev that has expired conflicts", run: saveAllExpiredPrev, timed: true,
			rule: "a record that has expired after it was loaded is never brought back"},
		{name: "expired next deletes", run: saveAllExpiredNext,
			rule: "a next that has already expired deletes, or creates nothing"},
		{name: "zero prev and zero next", run: saveAllNoRecord,
			rule: "from no record to no record changes nothing, and conflicts where a record is live"},
		{name: "touch is no change", run: saveAllTouched,
			rule: "a record is still prev after a Touch"},
		{name: "order of changes", run: saveAllOrder,
			rule: "SaveAll returns its records in the order of changes"},
		{name: "250 changes", run: saveAllMany,
			rule: "there is no limit on the number of changes that a caller could reach"},
		{name: "keys that look alike", run: saveAllAlike,
			rule: "two different keys never name the same record"},
		{name: "same key twice", run: saveAllTwice,
			rule: "two changes with the same key are answered with ErrKey, and nothing changes"},
		{name: "a key that is refused", run: saveAllRefused,
			rule: "a key that CheckKey refuses is answered with its error, and nothing changes"},
		{name: "one too large", run: saveAllTooLarge,
			rule: "if the store cannot hold one record, SaveAll answers ErrTooLarge and changes nothing"},
		{name: "large records", run: saveAllLarge,
			rule: "records as large as the store promises are saved whole, several at a time, too"},
		{name: "records do not disturb one another", run: saveAllApart,
			rule: "nobody changes the bytes behind Data after SaveAll returned them"},
		{name: "changes are left alone", run: saveAllArguments,
			rule: "the store does not change changes"},
		{name: "cancelled", run: saveAllEnded(cancelled, context.Canceled), rule: done},
		{name: "too late", run: saveAllEnded(tooLate, context.DeadlineExceeded), rule: done},
		{name: "cancelled for a reason", run: saveAllEnded(cancelledFor, errReason), rule: done},
	}
	cases = append(cases, saveAllRaceCases()...)
	for i := range cases {
		cases[i].needs = BatchSaver
	}
	return cases
}

// callSaveAll calls SaveAll and checks what holds for every call.
func (p *probe) callSaveAll(ctx context.Context, changes ...store.Change) ([]store.Record, error) {
	p.Helper()
	records, err := p.inner.(store.BatchSaver).SaveAll(ctx, changes)
	p.supported(BatchSaver, err)
	if err != nil {
		for _, c := range changes {
			p.discreet("SaveAll", err, c.Key, c.Prev.Data, c.Next.Data)
		}
		if records != nil {
			p.Errorf("SaveAll returns %d records together with the error %v", len(records), err)
		}
		return nil, err
	}
	if len(records) != len(changes) {
		p.Fatalf("SaveAll returns %d records for %d changes", len(records), len(changes))
	}
	return records, nil
}

// saveAll saves and returns the records as stored.
func (p *probe) saveAll(changes ...store.Change) []store.Record {
	p.Helper()
	records, err := p.callSaveAll(p.ctx, changes...)
	if err != nil {
		p.Fatalf("SaveAll = %v, want no error", err)
	}
	return records
}

// conflictsAll checks that a SaveAll is refused because one prev is not there
// any more.
func (p *probe) conflictsAll(what string, changes ...store.Change) {
	p.Helper()
	if _, err := p.callSaveAll(p.ctx, changes...); !errors.Is(err, store.ErrConflict) {
		p.Errorf("SaveAll with %s = %v, want ErrConflict", what, err)
	}
}

// none checks that SaveAll has returned the zero Record.
func (p *probe) none(r store.Record, what string) {
	p.Helper()
	if r.Data != nil || !r.Expires.IsZero() || r.Token != 0 {
		p.Errorf("SaveAll: %s is %s with the expiry %v and the token %d, want the zero Record", what, brief(string(r.Data)), r.Expires, r.Token)
	}
}

func saveAllNothing(p *probe) {
	key, far := p.key("something"), p.far()
	p.create(key, "data", far)
	if records, err := p.callSaveAll(p.ctx); len(records) != 0 || err != nil {
		p.Errorf("SaveAll = %d records, %v, want none and no error", len(records), err)
	}
	p.holds(key, "data", far)
}

func saveAllKinds(p *probe) {
	far := p.far()
	a, b, c := p.key("a"), p.key("b"), p.key("c")
	for round := range 3 {
		old, new := fmt.Sprint("old ", round), fmt.Sprint("new ", round)
		changes := []store.Change{
			{Key: a, Next: record(new, far)},
			{Key: b, Prev: p.create(b, old, far), Next: record(new, far.Add(time.Hour))},
			{Key: c, Prev: p.create(c, old, far)},
		}
		// Each kind of change stands in each place once.
		changes = slices.Concat(changes[round:], changes[:round])
		for i, r := range p.saveAll(changes...) {
			switch changes[i].Key {
			case a:
				p.same("SaveAll", r, new, far)
			case b:
				p.same("SaveAll", r, new, far.Add(time.Hour))
			default:
				p.none(r, "what was deleted")
			}
		}
		p.holds(a, new, far)
		p.holds(b, new, far.Add(time.Hour))
		p.gone(c)
		p.remove(a)
		p.remove(b)
	}
	p.saveAll(store.Change{Key: a, Next: record("alone", far)})
	p.holds(a, "alone", far)
}

func saveAllResult(p *probe) {
	far := p.far()
	mark := string(store.Mark{Kind: store.MarkMoved, At: time.Now(), Payload: []byte("payload")}.Append(nil))
	wants := []struct {
		name, data string
		expires    time.Time
	}{{"never", "data that stays", time.Time{}}, {"empty", "", far}, {"mark", mark, far.Add(time.Minute)}, {"far", "far data", far}}
	changes := make([]store.Change, len(wants))
	for range 2 { // created, and then replaced
		for i, want := range wants {
			changes[i].Key, changes[i].Next = p.key(want.name), record(want.data, want.expires)
		}
		for i, r := range p.saveAll(changes...) {
			if !r.Exists() {
				p.Errorf("SaveAll: Data is nil in a record that exists")
			}
			p.equal(r, p.holds(changes[i].Key, wants[i].data, wants[i].expires))
			changes[i].Prev = r
		}
	}
}

func saveAllChain(p *probe) {
	far := p.far()
	a, b := p.key("a"), p.key("b")
	ra, rb := store.Record{}, store.Record{}
	for _, data := range []string{"1", "2", "3", "2", "", "4"} {
		records := p.saveAll(store.Change{Key: a, Prev: ra, Next: record(data, far)}, store.Change{Key: b, Prev: rb, Next: record(data, far)})
		p.conflicts(a, ra, record("stale", far))
		p.conflicts(b, rb, record("stale", far))
		p.conflictsAll("what was replaced", store.Change{Key: b, Prev: rb, Next: record("stale", far)})
		ra, rb = records[0], records[1]
	}
	// Records go on with either method.
	ra = p.save(a, ra, record("5", far))
	rb = p.save(b, rb, store.Record{})
	p.saveAll(store.Change{Key: a, Prev: ra, Next: record("6", far)}, store.Change{Key: b, Prev: rb, Next: record("7", far)})
	p.save(a, p.holds(a, "6", far), record("8", far))
	p.holds(b, "7", far)
}

// saveAllConflict has one change that is refused, of each kind and in each
// place, among others that would be all right.
func saveAllConflict(p *probe) {
	far := p.far()
	type refused struct {
		what   string
		change func(key string) store.Change
		holds  string // what there is of its key before and after
	}
	kinds := []refused{
		{"a prev that was replaced", func(key string) store.Change {
			prev := p.create(key, "old data", far)
			p.save(key, prev, record("newer", far))
			return store.Change{Key: key, Prev: prev, Next: record("refused", far)}
		}, "newer"},
		{"a prev that was deleted", func(key string) store.Change {
			prev := p.create(key, "old data", far)
			p.remove(key)
			return store.Change{Key: key, Prev: prev, Next: record("refused", far)}
		}, ""},
		{"no prev where there is one", func(key string) store.Change {
			p.create(key, "there", far)
			return store.Change{Key: key, Next: record("refused", far)}
		}, "there"},
		{"a delete of what was replaced", func(key string) store.Change {
			prev := p.create(key, "old data", far)
			p.save(key, prev, record("newer", far))
			return store.Change{Key: key, Prev: prev}
		}, "newer"},
		{"a delete of what was deleted", func(key string) store.Change {
			prev := p.create(key, "old data", far)
			p.remove(key)
			return store.Change{Key: key, Prev: prev}
		}, ""},
	}
	for k, kind := range kinds {
		for place := range 4 {
			key := func(name string) string { return p.key(fmt.Sprintf("%d-%d-%s", k, place, name)) }
			// The keys of the changes stand in another order than the changes.
			created, replaced, deleted := key("y"), key("x"), key("z")
			changes := []store.Change{
				{Key: created, Next: record("created", far)},
				{Key: replaced, Prev: p.create(replaced, "replace", far), Next: record("replaced", far)},
				{Key: deleted, Prev: p.create(deleted, "delete", far)},
			}
			bad := kind.change(key([]string{"a", "x2", "y2", "z2"}[place]))
			p.conflictsAll(fmt.Sprintf("%s in place %d", kind.what, place), slices.Insert(slices.Clone(changes), place, bad)...)
			p.gone(created)
			p.holds(replaced, "replace", far)
			p.holds(deleted, "delete", far)
			if kind.holds == "" {
				p.gone(bad.Key)
			} else {
				p.holds(bad.Key, kind.holds, far)
			}
			p.saveAll(changes...) // nothing is left of what was refused
			p.holds(replaced, "replaced", far)
		}
	}
}

func saveAllExpiredPrev(p *probe) {
	soon, far := p.soon(), p.far()
	a, b := p.key("a"), p.key("b")
	ra, rb := p.create(a, "data", soon), p.create(b, "data", far)
	p.past(soon)
	p.conflictsAll("a prev that has expired", store.Change{Key: b, Prev: rb, Next: record("more", far)}, store.Change{Key: a, Prev: ra, Next: record("more", far)})
	p.conflictsAll("a delete of what has expired", store.Change{Key: a, Prev: ra}, store.Change{Key: b, Prev: rb})
	p.gone(a)
	p.holds(b, "data", far)
	// No record is live where one has expired.
	p.saveAll(store.Change{Key: a, Next: record("again", far)}, store.Change{Key: b, Prev: rb, Next: record("more", far)})
	p.holds(a, "again", far)
	p.holds(b, "more", far)
}

func saveAllExpiredNext(p *probe) {
	far := p.far()
	for name, then := range longAgo() {
		a, b, c := p.key(name+"-a"), p.key(name+"-b"), p.key(name+"-c")
		ra, rc := p.create(a, "data", far), p.create(c, "data", far)
		p.conflictsAll("an expired next and no prev", store.Change{Key: c, Prev: rc, Next: record("more", far)}, store.Change{Key: a, Next: record("more", then)})
		records := p.saveAll(store.Change{Key: a, Prev: ra, Next: record("more", then)},
			store.Change{Key: b, Next: record("more", then)}, store.Change{Key: c, Prev: rc, Next: record("more", far)})
		p.none(records[0], "what had expired")
		p.none(records[1], "what had expired")
		p.gone(a)
		p.gone(b)
		p.holds(c, "more", far)
	}
}

func saveAllNoRecord(p *probe) {
	far := p.far()
	a, b := p.key("a"), p.key("b")
	records := p.saveAll(store.Change{Key: a}, store.Change{Key: b, Next: record("data", far)})
	p.none(records[0], "what is not there")
	p.gone(a)
	rb := p.holds(b, "data", far)
	p.create(a, "data", far)
	p.conflictsAll("no prev where there is one", store.Change{Key: b, Prev: rb, Next: record("more", far)}, store.Change{Key: a})
	p.holds(a, "data", far)
	p.holds(b, "data", far)
}

func saveAllTouched(p *probe) {
	far := p.far()
	a, b := p.key("a"), p.key("b")
	ra, rb := p.create(a, "data", far), p.create(b, "data", far)
	p.touch(a, ra, far.Add(time.Hour))
	p.touch(b, rb, far.Add(time.Hour))
	p.saveAll(store.Change{Key: a, Prev: ra, Next: record("more", far)}, store.Change{Key: b, Prev: rb})
	p.holds(a, "more", far)
	p.gone(b)
}

func saveAllOrder(p *probe) {
	far := p.far()
	for round, names := range [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b", "c", "a"}} {
		var changes []store.Change
		for _, name := range names {
			changes = append(changes, store.Change{Key: p.key(fmt.Sprint(name, round)), Next: record("data of "+name, far)})
		}
		for i, r := range p.saveAll(changes...) {
			p.same("SaveAll", r, "data of "+names[i], far)
			p.save(changes[i].Key, r, record("more", far))
		}
	}
}

func saveAllApart(p *probe) {
	far := p.far()
	a, b := p.key("a"), p.key("b")
	first := p.saveAll(store.Change{Key: a, Next: record("first of a", far)}, store.Change{Key: b, Next: record("first of b", far)})
	// Appending to what was returned must reach neither into what the store
	// holds nor into another record.
	for _, r := range first {
		_ = append(r.Data, "overrun, longer than any data of this case"...)
	}
	p.holds(a, "first of a", far)
	p.holds(b, "first of b", far)
	p.saveAll(store.Change{Key: a, Prev: first[0], Next: record("other of a", far)}, store.Change{Key: b, Prev: first[1], Next: record("other of b", far)})
	p.same("SaveAll", first[0], "first of a", far)
	p.same("SaveAll", first[1], "first of b", far)
}

func saveAllArguments(p *probe) {
	far := p.far()
	changes := []store.Change{
		{Key: p.key("c"), Prev: p.create(p.key("c"), "old data", far), Next: record("new data", far)},
		{Key: p.key("a"), Next: record("new data", far)},
		{Key: p.key("b"), Prev: p.create(p.key("b"), "old data", far)},
	}
	text := func() (s string) {
		for _, c := range changes {
			s += fmt.Sprintf("%s: %q %v %d, %q %v %d\n", c.Key, c.Prev.Data, c.Prev.Expires, c.Prev.Token, c.Next.Data, c.Next.Expires, c.Next.Token)
		}
		return s
	}
	before := text()
	p.saveAll(changes...)
	if text() != before {
		p.Errorf("SaveAll has changed the changes that it was given")
	}
	p.conflictsAll("what was replaced", changes...)
	if text() != before {
		p.Errorf("SaveAll that conflicts has changed the changes that it was given")
	}
}

// saveAllEnded returns a case of a context that is done.
func saveAllEnded(done func(context.Context) (context.Context, context.CancelFunc), want error) func(p *probe) {
	return func(p *probe) {
		far := p.far()
		a, b := p.key("a"), p.key("b")
		ra := p.create(a, "data", far)
		changes := []store.Change{{Key: a, Prev: ra, Next: record("more", far)}, {Key: b, Next: record("more", far)}}
		ctx, cancel := done(p.ctx)
		defer cancel()
		if _, err := p.callSaveAll(ctx, changes...); !errors.Is(err, want) {
			p.Errorf("SaveAll = %v, want %v", err, want)
		}
		p.holds(a, "data", far)
		p.gone(b)
		p.saveAll(changes...)
	}
}
