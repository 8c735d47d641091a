package storetest

import "github.com/cloakroom/cloakroom/store"

func deleteCases() []testCase {
	return []testCase{
		{name: "absent", run: deleteAbsent,
			rule: "that there is no record is no error for Delete"},
		{name: "present", run: deletePresent,
			rule: "Delete removes the record of key"},
		{name: "whatever it holds", run: deleteChanged,
			rule: "Delete removes the record, also one that was changed in the meantime"},
		{name: "beats every earlier prev", run: deleteBeats,
			rule: "once Delete has returned, no Save with an earlier prev succeeds"},
		{name: "leaves other records alone", run: deleteOthers,
			rule: "Delete removes the record of key only"},
	}
}

func deleteAbsent(p *probe) {
	key := p.key("k")
	p.remove(key)
	p.create(key, "data", p.far())
	p.remove(key)
	p.remove(key)
	p.gone(key)
}

func deletePresent(p *probe) {
	key := p.key("k")
	p.create(key, "data", p.far())
	p.remove(key)
	p.gone(key)
}

func deleteChanged(p *probe) {
	key, far := p.key("k"), p.far()
	r := p.create(key, "data", far)
	p.touch(key, p.save(key, r, record("newer", far)), far.AddDate(0, 0, 1))
	p.remove(key)
	p.gone(key)
}

func deleteBeats(p *probe) {
	key, far := p.key("k"), p.far()
	var known []store.Record
	r := p.create(key, "0", far)
	for _, data := range []string{"1", "2", "3"} {
		known = append(known, r, p.load(key))
		r = p.save(key, r, record(data, far))
	}
	known = append(known, r, p.load(key))
	p.remove(key)
	for _, prev := range known {
		p.conflicts(key, prev, record("back", far))
		p.gone(key)
	}
}

func deleteOthers(p *probe) {
	far := p.far()
	p.create(p.key("k"), "1", far)
	p.create(p.key("kk"), "2", far)
	p.create(p.key("K"), "3", far)
	p.remove(p.key("k"))
	p.remove(p.key(""))
	p.gone(p.key("k"))
	p.holds(p.key("kk"), "2", far)
	p.holds(p.key("K"), "3", far)
}
