package storetest

import (
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func expiryCases() []testCase {
	return []testCase{
		{name: "live until its expiry and gone from then on", run: expiryEdge, timed: true,
			rule: "a record is live before its expiry, and does not exist from then on"},
		{name: "fractions of a second", run: expiryFraction, timed: true,
			rule: "a store may keep a record up to its precision longer, never shorter"},
		{name: "zero time never expires", run: expiryNever, timed: true,
			rule: "the zero expiry means that the record never expires"},
		{name: "year 9999", run: expiryFarFuture,
			rule: "an expiry far in the future comes back as it was"},
		{name: "replacement moves it either way", run: expiryReplaced, timed: true,
			rule: "Save stores next's expiry, be it earlier or later than prev's"},
		{name: "expired record does not exist", run: expiryNotThere, timed: true,
			rule: "a record that has expired does not exist, for any method"},
		{name: "expired record can be created anew", run: expiryCreateAgain, timed: true,
			rule: "a zero prev creates where the old record has expired"},
	}
}

func expiryEdge(p *probe) {
	key, soon := p.key("k"), p.soon()
	p.create(key, "data", soon)
	p.justBefore(soon)
	p.holds(key, "data", soon)
	p.past(soon)
	p.gone(key)
}

func expiryFraction(p *probe) {
	key := p.key("k")
	soon := time.Now().Truncate(time.Second).Add(p.life() + time.Second + 987654321*time.Nanosecond)
	p.create(key, "data", soon)
	p.holds(key, "data", soon)
	p.justBefore(soon)
	p.holds(key, "data", soon)
	p.past(soon)
	p.gone(key)
}

func expiryNever(p *probe) {
	key := p.key("k")
	p.create(key, "data", time.Time{})
	p.holds(key, "data", time.Time{})
	p.past(p.soon())
	p.holds(key, "data", time.Time{})
}

func expiryFarFuture(p *probe) {
	for name, far := range map[string]time.Time{
		"2038": time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), // past 32 bits of seconds
		"2106": time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC), // past 32 unsigned bits
		"2262": time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC),  // past 64 bits of nanoseconds
		"9999": time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		key := p.key(name)
		p.create(key, "data", far)
		r := p.holds(key, "data", far)
		p.save(key, r, record("more", far))
		p.touch(key, r, far)
		p.holds(key, "more", far)
	}
}

func expiryReplaced(p *probe) {
	later, earlier, limited := p.key("later"), p.key("earlier"), p.key("limited")
	soon, far := p.soon(), p.far()
	r1 := p.create(later, "data", soon)
	r2 := p.create(earlier, "data", far)
	r3 := p.create(limited, "data", time.Time{})
	p.save(later, r1, record("new", far))
	p.save(earlier, r2, record("new", soon))
	p.save(limited, r3, record("new", soon))
	p.holds(later, "new", far)
	p.holds(earlier, "new", soon)
	p.holds(limited, "new", soon)
	p.past(soon)
	p.holds(later, "new", far)
	p.gone(earlier)
	p.gone(limited)
}

func expiryNotThere(p *probe) {
	key, soon, far := p.key("k"), p.soon(), p.far()
	r := p.create(key, "data", soon)
	p.past(soon)
	p.conflicts(key, r, record("new", far))
	p.conflicts(key, r, store.Record{})
	p.touchless(key, r, far)
	p.remove(key)
	p.gone(key)
}

func expiryCreateAgain(p *probe) {
	key, soon, far := p.key("k"), p.soon(), p.far()
	p.create(key, "old", soon)
	p.past(soon)
	p.create(key, "new", far)
	p.holds(key, "new", far)
}
