package storetest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// ReportsVariable is the environment variable that makes [Run] tell how it
// ended: it names a folder, into which each call writes its [Report] as JSON.
const ReportsVariable = "STORETEST_REPORTS"

// A Report says how a call of [Run] ended. Cases are named as "Group/case", in
// order.
type Report struct {
	Store   string   // the import path of the store's package
	Test    string   // the test that called Run
	Passed  []string // the cases that the store passed
	Failed  []string
	Skipped []string // skipped for another reason than a missing capability

	// Has are the capabilities of which all cases passed. Those that the suite
	// asks for in vain are in Lacks.
	Has, Lacks []Capability
}

// A reporter fills in a report while cases run, some at the same time. A nil
// reporter does nothing.
type reporter struct {
	mu     sync.Mutex
	report Report
}

// newReporter returns a reporter that writes its report when t has ended, or
// nil if nobody asks for one.
func newReporter(t *testing.T) *reporter {
	dir := os.Getenv(ReportsVariable)
	if dir == "" {
		return nil
	}
	r := &reporter{report: Report{Test: t.Name()}}
	t.Cleanup(func() {
		if err := r.write(dir); err != nil {
			t.Errorf("storetest: write the report that %s asks for: %v", ReportsVariable, err)
		}
	})
	return r
}

// opening returns open, seen by the reporter.
func (r *reporter) opening(open func(t *testing.T) store.Store) func(t *testing.T) store.Store {
	if r == nil {
		return open
	}
	return func(t *testing.T) store.Store {
		s := open(t)
		typ := reflect.TypeOf(s)
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Store = typ.PkgPath()
		return s
	}
}

// expect notes how the test t of a case ends. The case says in what is returned
// which capability it lacked, if any.
func (r *reporter) expect(t *testing.T, name string, needs Capability) (lacks *Capability) {
	lacks = new(Capability)
	if r == nil {
		return lacks
	}
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		switch {
		case t.Failed():
			r.report.Failed = append(r.report.Failed, name)
		case *lacks != "":
			r.report.Lacks = append(r.report.Lacks, *lacks)
		case t.Skipped():
			r.report.Skipped = append(r.report.Skipped, name)
		default:
			r.report.Passed = append(r.report.Passed, name)
			if needs != "" {
				r.report.Has = append(r.report.Has, needs)
			}
		}
	})
	return lacks
}

func (r *reporter) write(dir string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := &r.report
	report.Lacks = sorted(report.Lacks)
	report.Has = slices.DeleteFunc(sorted(report.Has), func(c Capability) bool { return slices.Contains(report.Lacks, c) })
	for _, names := range []*[]string{&report.Passed, &report.Failed, &report.Skipped} {
		*names = sorted(*names)
	}
	text, err := json.MarshalIndent(report, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := strings.Map(func(c rune) rune {
		if strings.ContainsRune(`/\:*?"<>|' ,`, c) {
			return '_'
		}
		return c
	}, fmt.Sprintf("%s.%s.json", report.Store, report.Test))
	return os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o644)
}

// sorted returns the distinct elements of list in order, and never nil, so
// that an empty list is one in JSON too.
func sorted[T ~string](list []T) []T {
	return append([]T{}, slices.Compact(slices.Sorted(slices.Values(list)))...)
}
