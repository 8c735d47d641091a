// Package storetest is the definition of a store as a test suite: a
// [store.Store] is right when [Run] says so.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store {
//			return mystore.New(t.TempDir())
//		}, storetest.Options{})
//	}
//
// Each case guards one rule of the contract, and a case that fails prints the
// rule. The suite makes keys that no other run uses, and removes nothing that
// it did not make, but for expired records.
package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// A Capability is one of the optional interfaces of package store, by name.
type Capability string

// The capabilities that the suite has cases for.
const (
	BatchLoader Capability = "BatchLoader"
	BatchSaver  Capability = "BatchSaver"
	Lister      Capability = "Lister"
	Cleaner     Capability = "Cleaner"
	Pinger      Capability = "Pinger"
	Closer      Capability = "Closer"
)

// Options describe what the suite may expect of a store. The zero value suits
// a store in this process that is exact and has no limits.
type Options struct {
	// RealTime says that the store's clock is not this process's time.Now,
	// because a server keeps the records or because the store waits for a
	// network. The suite then really waits for records to expire, for most at
	// the same time: such a case is called "Waits/Group/case". Otherwise
	// each case runs in a bubble of testing/synctest, where an hour passes at
	// once.
	RealTime bool

	// Precision is how much longer than asked a record may live. Zero means
	// that it is gone at the very moment. A store never keeps it shorter.
	Precision time.Duration

	// MaxRecord is the size in bytes of the largest data that the store must
	// hold. Zero means 1 MiB.
	MaxRecord int

	// TooLarge is a size that the store must refuse. Zero means that it has no
	// limit worth reaching, and the case is skipped.
	TooLarge int

	// ComparesData says that the store has no tokens and tells versions of a
	// record apart by their data, so that it cannot see that a record was
	// deleted and created again with the same bytes.
	ComparesData bool

	// CleansItself says that the store also removes expired records when
	// nobody asks, so that the count that DeleteExpired returns cannot be
	// foretold.
	CleansItself bool

	// Require lists the capabilities that the store must have. A missing
	// capability that is not listed is skipped.
	Require []Capability

	// Skip names cases that must not run, as "Group/case", with the reason. It
	// is for stores that cannot keep a rule; each is one that the store's
	// users have to know of. A name that no case has is a failure.
	Skip map[string]string

	// Stall makes the server that keeps the records stop answering without
	// closing its connections, until resume is called. If it is nil, there are
	// no such cases.
	Stall func(t *testing.T) (resume func())
}

// A testCase is one rule and the function that tells whether it is kept.
type testCase struct {
	name string
	rule string
	run  func(p *probe)
	// timed cases wait for records to expire. Where waiting is real, those of all
	// groups run at the same time, before the others.
	timed bool
	needs Capability
}

// A group is the cases of one subject.
type group struct {
	name  string
	cases []testCase
}

// groups returns the whole suite.
func groups() []group {
	return []group{
		{"Data", dataCases()},
		{"Expiry", expiryCases()},
		{"Save", saveCases()},
		{"Touch", touchCases()},
		{"Delete", deleteCases()},
		{"Key", keyCases()},
		{"Context", contextCases()},
		{"Race", raceCases()},
		{"LoadAll", loadAllCases()},
		{"SaveAll", saveAllCases()},
		{"List", listCases()},
		{"Clean", cleanCases()},
		{"Ping", pingCases()},
		{"Close", closeCases()},
		{"Stall", stallCases()},
	}
}

// Run runs the suite against the stores that open returns. It calls open once
// for each case and closes the store after it. The stores may share their
// records, as clients of one server do, but not with another running program.
//
// Unless o.RealTime is set, open is called inside a bubble of
// testing/synctest, so that whatever the store starts must have ended when
// Close returns, and open must not call t.Run or t.Parallel.
func Run(t *testing.T, open func(t *testing.T) store.Store, o Options) {
	t.Helper()
	run(t, open, o, func(string) bool { return true })
}

// run is Run for the cases that are wanted, named as "Group/case".
func run(t *testing.T, open func(t *testing.T) store.Store, o Options, wanted func(name string) bool) {
	t.Helper()
	report := newReporter(t)
	open = report.opening(open)
	if o.MaxRecord == 0 {
		o.MaxRecord = 1 << 20
	}
	all := groups()
	if o.Stall == nil {
		all = slices.DeleteFunc(all, func(g group) bool { return g.name == "Stall" })
	}
	unknown := maps.Clone(o.Skip)
	for _, g := range all {
		for _, c := range g.cases {
			delete(unknown, g.name+"/"+c.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		t.Errorf("Options.Skip names the case %q, which does not exist", name)
	}
	cases := func(t *testing.T, g group, waits bool) {
		for _, c := range g.cases {
			name := g.name + "/" + c.name
			if !wanted(name) || waits != (o.RealTime && c.timed) {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				lacks := report.expect(t, name, c.needs)
				if reason, ok := o.Skip[name]; ok {
					t.Skipf("SKIPPED BY Options.Skip: %s: %s\nrule: %s", name, reason, c.rule)
				}
				runCase(t, c, open, &o, lacks)
			})
		}
	}
	if o.RealTime {
		t.Run("Waits", func(t *testing.T) {
			for _, g := range all {
				if slices.ContainsFunc(g.cases, func(c testCase) bool { return c.timed }) {
					t.Run(g.name, func(t *testing.T) {
						t.Parallel()
						cases(t, g, true)
					})
				}
			}
		})
	}
	for _, g := range all {
		t.Run(g.name, func(t *testing.T) { cases(t, g, false) })
	}
}

// runCase runs one case in the kind of time that the options ask for, and says
// which capability it lacked.
func runCase(t *testing.T, c testCase, open func(t *testing.T) store.Store, o *Options, lacks *Capability) {
	var skipped *string
	body := func(t *testing.T) {
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("rule: %s", c.rule)
			}
		})
		p := newProbe(t, open(t), o)
		p.timed = c.timed
		skipped, p.lacks = p.skipped, lacks
		if c.needs != "" && !has(p.inner, c.needs) {
			p.unable(c.needs, fmt.Errorf("%T is no %s", p.inner, c.needs))
		}
		c.run(p)
	}
	if o.RealTime && c.timed {
		t.Parallel()
	}
	if o.RealTime {
		body(t)
		return
	}
	synctest.Test(t, body)
	if skipped != nil && *skipped != "" {
		t.Skip(*skipped)
	}
}
