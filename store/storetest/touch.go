package storetest

import (
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func touchCases() []testCase {
	return []testCase{
		{name: "extends", run: touchExtends, timed: true,
			rule: "Touch moves the expiry on and leaves the data alone"},
		{name: "never shortens", run: touchShortens,
			rule: "if the record lives longer already, Touch does nothing"},
		{name: "never revives an expired record", run: touchExpired, timed: true,
			rule: "if no record is live, Touch answers ErrNotFound, and none comes to be"},
		{name: "never revives a deleted record", run: touchDeleted,
			rule: "if no record is live, Touch answers ErrNotFound, and none comes to be"},
		{name: "never creates", run: touchAbsent,
			rule: "if no record is live, Touch answers ErrNotFound, and none comes to be"},
		{name: "to never", run: touchToNever, timed: true,
			rule: "the zero time means never"},
		{name: "never is not shortened", run: touchFromNever,
			rule: "a record that never expires lives longer than any other expiry"},
		{name: "newer data stays", run: touchChanged,
			rule: "if the record has changed since prev, its expiry is moved all the same, and its newer data stays"},
		{name: "prev need not be known", run: touchUnknown,
			rule: "prev is what the caller knows, and the expiry moves whatever that is"},
		{name: "is no change for Save", run: touchThenSave,
			rule: "Touch does not count as a change: a Save with an earlier prev succeeds"},
		{name: "empty data", run: touchEmpty,
			rule: "a record with empty data is a record for Touch too"},
		{name: "leaves other records alone", run: touchOthers, timed: true,
			rule: "Touch moves the expiry of the record of key only"},
	}
}

// touchless checks that there is nothing to touch.
func (p *probe) touchless(key string, prev store.Record, expires time.Time) {
	p.Helper()
	if err := p.Touch(p.ctx, key, prev, expires); !errors.Is(err, store.ErrNotFound) {
		p.Errorf("Touch = %v, want ErrNotFound", err)
	}
	p.gone(key)
}

func touchExtends(p *probe) {
	key, soon := p.key("k"), p.soon()
	r := p.create(key, "data", soon)
	later := soon.Add(p.life())
	p.touch(key, r, later)
	p.holds(key, "data", later)
	p.past(soon)
	p.holds(key, "data", later)
	p.past(later)
	p.gone(key)
}

func touchShortens(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	for _, earlier := range []time.Time{
		far.Add(-time.Second), far, far.Add(-time.Hour), time.Now(), time.Now().Add(-time.Hour), time.Unix(0, 0),
	} {
		p.touch(key, r, earlier)
		p.holds(key, "data", far)
	}
}

func touchExpired(p *probe) {
	key, soon := p.key("k"), p.soon()
	r := p.create(key, "data", soon)
	p.past(soon)
	p.touchless(key, r, p.far())
	p.touchless(key, r, time.Time{})
}

func touchDeleted(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	p.remove(key)
	p.touchless(key, r, far.Add(time.Hour))
	p.touchless(key, r, time.Time{})
	p.touchless(key, r, time.Now().Add(-time.Hour))
}

func touchAbsent(p *probe) {
	p.touchless(p.key("a"), store.Record{}, p.far())
	p.touchless(p.key("b"), record("data", p.far()), p.far())
}

func touchToNever(p *probe) {
	key, soon := p.key("k"), p.soon()
	r := p.create(key, "data", soon)
	p.touch(key, r, time.Time{})
	p.holds(key, "data", time.Time{})
	p.past(soon)
	p.holds(key, "data", time.Time{})
}

func touchFromNever(p *probe) {
	key := p.key("k")
	r := p.create(key, "data", time.Time{})
	p.touch(key, r, p.far())
	p.holds(key, "data", time.Time{})
	p.touch(key, r, time.Time{})
	p.holds(key, "data", time.Time{})
}

func touchChanged(p *probe) {
	key, far := p.key("k"), p.far()
	later := far.Add(time.Hour)
	r := p.create(key, "data", far)
	p.save(key, r, record("newer", far))
	p.touch(key, r, later)
	p.holds(key, "newer", later)
}

func touchUnknown(p *probe) {
	key, far := p.key("k"), p.far()
	p.create(key, "data", far)
	p.touch(key, store.Record{}, far.Add(time.Hour))
	p.holds(key, "data", far.Add(time.Hour))
	p.touch(key, record("invented", far), far.Add(2*time.Hour))
	p.holds(key, "data", far.Add(2*time.Hour))
}

func touchThenSave(p *probe) {
	far := p.far()
	later := far.Add(time.Hour)
	for name, touched := range map[string]bool{"before": false, "after": true} {
		key := p.key(name)
		prev := p.create(key, "data", far)
		p.touch(key, prev, later)
		if touched {
			prev = p.load(key)
		}
		p.save(key, prev, record("newer", later))
		p.holds(key, "newer", later)
	}
	// Nor does it make an old prev good again.
	key := p.key("old")
	prev := p.create(key, "data", far)
	p.save(key, prev, record("newer", far))
	p.touch(key, prev, later)
	p.conflicts(key, prev, record("wrong", later))
	p.holds(key, "newer", later)
}

func touchEmpty(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "", far)
	p.touch(key, r, far.Add(time.Hour))
	p.holds(key, "", far.Add(time.Hour))
}

func touchOthers(p *probe) {
	key, other, soon := p.key("k"), p.key("kk"), p.soon()
	r := p.create(key, "data", soon)
	p.create(other, "data", soon)
	p.touch(key, r, p.far())
	p.holds(other, "data", soon)
	p.past(soon)
	p.gone(other)
	p.load(key)
}
