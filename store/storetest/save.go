package storetest

import (
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func saveCases() []testCase {
	return []testCase{
		{name: "create", run: saveCreate,
			rule: "a zero prev creates"},
		{name: "create conflicts with a live record", run: saveCreateExisting,
			rule: "a zero prev stands for no record: where one is live, Save answers ErrConflict and changes nothing"},
		{name: "replace", run: saveReplace,
			rule: "Save replaces prev by next"},
		{name: "result is what Load returns", run: saveResult,
			rule: "Save returns next as it is now stored, with its token"},
		{name: "result serves as prev", run: saveChain,
			rule: "a record that Save returned is prev until somebody saves another"},
		{name: "prev that was replaced conflicts", run: saveStale,
			rule: "Save replaces only if the live record is still prev; otherwise it changes nothing"},
		{name: "prev that was deleted conflicts", run: saveDeleted,
			rule: "a record that was deleted after it was loaded is never brought back"},
		{name: "prev that has expired conflicts", run: saveExpiredPrev, timed: true,
			rule: "a record that has expired after it was loaded is never brought back"},
		{name: "prev of another record with that key conflicts", run: saveOtherLife,
			rule: "a record that was deleted and created with other data is not prev"},
		{name: "prev that was deleted and created alike conflicts", run: saveAlike,
			rule: "a token is not used again after a deletion"},
		{name: "prev that was saved unchanged conflicts", run: saveUnchanged,
			rule: "a record is still prev only if nobody saved it in between, be it with the same data"},
		{name: "zero next deletes", run: saveDelete,
			rule: "a zero next deletes, if the live record is prev"},
		{name: "zero next with stale prev conflicts", run: saveDeleteStale,
			rule: "a zero next deletes only if the live record is still prev"},
		{name: "zero prev and zero next", run: saveNothing,
			rule: "from no record to no record changes nothing, and conflicts where a record is live"},
		{name: "expired next deletes", run: saveExpiredNext,
			rule: "a next that has already expired deletes, and only if the live record is prev"},
		{name: "expired next creates nothing", run: saveExpiredCreate,
			rule: "a next that has already expired is no record"},
	}
}

func saveCreate(p *probe) {
	key, far := p.key("k"), p.far()
	p.same("Save", p.create(key, "data", far), "data", far)
	p.holds(key, "data", far)
}

func saveCreateExisting(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	p.conflicts(key, store.Record{}, record("other", far.Add(time.Hour)))
	p.conflicts(key, store.Record{}, record("data", far.Add(time.Hour)))
	p.holds(key, "data", far)
	p.save(key, r, record("right", far))
}

func saveReplace(p *probe) {
	key, far := p.key("k"), p.far()
	p.create(key, "data", far)
	p.save(key, p.load(key), record("longer data", far.Add(time.Hour)))
	p.save(key, p.holds(key, "longer data", far.Add(time.Hour)), record("d", far))
	p.holds(key, "d", far)
}

func saveResult(p *probe) {
	key, far := p.key("k"), p.far()
	saved := p.create(key, "data", far)
	p.equal(saved, p.load(key))
	saved = p.save(key, saved, record("more data", far.Add(time.Minute)))
	p.equal(saved, p.load(key))
	saved = p.save(key, saved, record("more data", time.Time{}))
	p.equal(saved, p.load(key))
}

// equal checks that what Save returned is what Load returned.
func (p *probe) equal(saved, loaded store.Record) {
	p.Helper()
	p.same("Load after Save", loaded, string(saved.Data), saved.Expires)
	if saved.Token != loaded.Token {
		p.Errorf("Load: token is %d, Save said %d", loaded.Token, saved.Token)
	}
}

func saveChain(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "0", far)
	for _, data := range []string{"1", "2", "3", "2", "", "4"} {
		r = p.save(key, r, record(data, far))
	}
	p.holds(key, "4", far)
}

func saveStale(p *probe) {
	key, far := p.key("k"), p.far()
	created := p.create(key, "data", far)
	loaded := p.load(key)
	p.save(key, loaded, record("second", far))
	p.conflicts(key, created, record("third", far.Add(time.Hour)))
	p.conflicts(key, loaded, record("third", far.Add(time.Hour)))
	p.save(key, p.holds(key, "second", far), record("third", far))
}

func saveDeleted(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	p.remove(key)
	p.conflicts(key, r, record("more", far))
	p.conflicts(key, r, record("data", far))
	p.gone(key)
}

func saveExpiredPrev(p *probe) {
	key, soon := p.key("k"), p.soon()
	r := p.create(key, "data", soon)
	p.past(soon)
	p.conflicts(key, r, record("more", p.far()))
	p.conflicts(key, r, record("data", p.far()))
	p.gone(key)
}

func saveOtherLife(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "first life", far)
	p.remove(key)
	p.create(key, "second life", far)
	p.conflicts(key, r, record("more", far))
	p.holds(key, "second life", far)
}

func saveAlike(p *probe) {
	if p.o.ComparesData {
		return // what cannot be told apart is the same record, by the rule for stores without tokens
	}
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	p.remove(key)
	p.create(key, "data", far)
	p.conflicts(key, r, record("more", far))
	p.holds(key, "data", far)
}

func saveUnchanged(p *probe) {
	if p.o.ComparesData {
		return // as in saveAlike
	}
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	p.save(key, r, record("data", far))
	p.conflicts(key, r, record("more", far))
	p.holds(key, "data", far)
}

func saveDelete(p *probe) {
	key, far := p.key("k"), p.far()
	p.create(key, "data", far)
	if r := p.save(key, p.load(key), store.Record{}); r.Exists() {
		p.Errorf("Save returned a record with %d bytes, want the zero Record", len(r.Data))
	}
	p.gone(key)
	p.create(key, "again", far)
	p.holds(key, "again", far)
}

func saveDeleteStale(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	p.save(key, r, record("newer", far))
	p.conflicts(key, r, store.Record{})
	p.holds(key, "newer", far)
	p.remove(key)
	p.conflicts(key, r, store.Record{})
}

func saveNothing(p *probe) {
	key, far := p.key("k"), p.far()
	if r := p.save(key, store.Record{}, store.Record{}); r.Exists() {
		p.Errorf("Save returned a record, want the zero Record")
	}
	p.gone(key)
	p.create(key, "data", far)
	p.conflicts(key, store.Record{}, store.Record{})
	p.holds(key, "data", far)
}

// longAgo are expiries that have passed, some beyond what a count of
// nanoseconds, or of seconds without a sign, can hold.
func longAgo() map[string]time.Time {
	return map[string]time.Time{
		"now":       time.Now(),
		"a-second":  time.Now().Add(-time.Second),
		"the-epoch": time.Unix(0, 0),
		"year-1969": time.Unix(-1, 0),
		"year-1":    time.Time{}.Add(1),
	}
}

func saveExpiredNext(p *probe) {
	for name, then := range longAgo() {
		key, far := p.key(name), p.far()
		stale := p.create(key, "data", far)
		r := p.save(key, stale, record("second", far))
		p.conflicts(key, stale, record("third", then))
		p.conflicts(key, store.Record{}, record("third", then))
		p.holds(key, "second", far)
		if got := p.save(key, r, record("third", then)); got.Exists() {
			p.Errorf("%s: Save returned a record, want the zero Record", name)
		}
		p.gone(key)
		p.create(key, "again", far)
	}
}

func saveExpiredCreate(p *probe) {
	for name, then := range longAgo() {
		key := p.key(name)
		if r := p.save(key, store.Record{}, record("data", then)); r.Exists() {
			p.Errorf("%s: Save returned a record, want the zero Record", name)
		}
		p.gone(key)
	}
}
