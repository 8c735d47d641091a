package storetest

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// every is all capabilities.
var every = []Capability{BatchLoader, BatchSaver, Lister, Cleaner, Pinger, Closer}

func TestPlainStorePasses(t *testing.T) {
	Run(t, func(*testing.T) store.Store { return newPlain() },
		Options{TooLarge: 1<<20 + 1, Require: every})
}

func TestStoreThatStallsRightlyPasses(t *testing.T) {
	run(t, func(*testing.T) store.Store { return twisted(waits(untilDone)) },
		Options{Stall: func(*testing.T) func() { return stall() }},
		func(name string) bool { return strings.HasPrefix(name, "Stall/") })
}

// The cases that wait for an expiry also do so where time is real.
func TestRealTime(t *testing.T) {
	run(t, func(*testing.T) store.Store { return newPlain() },
		Options{RealTime: true, Precision: 10 * time.Millisecond, Require: every},
		func(name string) bool { return strings.HasPrefix(name, "Expiry/live") || name == "Clean/limit" })
}

// twisted returns a plain store with a twist.
func twisted(f func(*twist)) store.Store {
	s := &twist{plain: newPlain()}
	f(s)
	return s
}

// inside is set in the process whose tests must fail.
const inside = "STORETEST_INSIDE"

// TestInside is what the tests below run in another process, because a test
// that fails as it should cannot do so here.
func TestInside(t *testing.T) {
	if os.Getenv(inside) == "" {
		return
	}
	for _, b := range brokenStores() {
		t.Run(b.name, func(t *testing.T) {
			run(t, func(*testing.T) store.Store { return twisted(b.twist) },
				Options{TooLarge: 1<<20 + 1, Require: every, Stall: func(*testing.T) func() { return stall() }},
				func(name string) bool { return slices.Contains(b.fails, name) })
			stalled.Store(false)
		})
	}
	bare := func(*testing.T) store.Store { return struct{ store.Store }{newPlain()} }
	ping := func(name string) bool { return name == "Ping/answers" || name == "Data/absent" }
	t.Run("lacks what is required", func(t *testing.T) { run(t, bare, Options{Require: every}, ping) })
	t.Run("lacks what is not required", func(t *testing.T) { run(t, bare, Options{}, ping) })
	t.Run("skips", func(t *testing.T) {
		run(t, bare, Options{Skip: map[string]string{"Data/absent": "the reason is given"}}, ping)
	})
	t.Run("skips what is not there", func(t *testing.T) {
		run(t, bare, Options{Skip: map[string]string{"Data/abzent": "mistyped"}}, ping)
	})
}

// outcome returns the output of TestInside, run in another process, the tests
// in it by their verdict, and what was reported of them.
func outcome(t *testing.T) (output string, tests map[string]string, reports map[string]Report) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestInside$", "-test.v", "-test.timeout=60s")
	dir := t.TempDir()
	cmd.Env = append(os.Environ(), inside+"=1", ReportsVariable+"="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err == nil {
		t.Fatal("the broken stores passed")
	}
	tests = map[string]string{}
	for line := range strings.Lines(out.String()) {
		verdict, rest, ok := strings.Cut(strings.TrimSpace(line), ": TestInside/")
		if name, _, timed := strings.Cut(rest, " ("); ok && timed {
			tests[name] = strings.TrimPrefix(verdict, "--- ")
		}
	}
	return out.String(), tests, reportsIn(t, dir)
}

// underscored is a name as package testing prints it.
func underscored(name string) string { return strings.ReplaceAll(name, " ", "_") }

// TestEachCaseCanFail shows that the cases are worth something: each of them
// fails for a store that breaks its rule.
func TestEachCaseCanFail(t *testing.T) {
	output, tests, reports := outcome(t)
	if strings.Contains(output, "panic:") {
		t.Fatalf("a case panics or hangs:\n%s", output)
	}
	never := map[string]bool{}
	for _, g := range groups() {
		for _, c := range g.cases {
			never[g.name+"/"+c.name] = true
		}
	}
	for _, b := range brokenStores() {
		for _, name := range b.fails {
			delete(never, name)
			if got := tests[underscored(b.name+"/"+name)]; got != "FAIL" {
				t.Errorf("store that %s, case %s: %q, want FAIL", b.name, name, got)
			}
		}
		if r := reports[underscored("TestInside/"+b.name)]; !slices.Equal(r.Failed, slices.Sorted(slices.Values(b.fails))) {
			t.Errorf("store that %s: the report says that %q fail, want %q", b.name, r.Failed, b.fails)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(never)) {
		t.Errorf("no broken store fails the case %s", name)
	}
	if !strings.Contains(output, "rule: ") {
		t.Errorf("the output does not say which rules are broken:\n%s", output)
	}
	for name, want := range map[string]string{
		"lacks what is required/Ping/answers":     "FAIL",
		"lacks what is not required/Ping/answers": "SKIP",
		"lacks what is required/Data/absent":      "PASS",
		"skips/Data/absent":                       "SKIP",
		"skips what is not there":                 "FAIL",
	} {
		if got := tests[underscored(name)]; got != want {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
	for _, want := range []string{"the reason is given", `"Data/abzent"`} {
		if !strings.Contains(output, want) {
			t.Errorf("the output lacks %s", want)
		}
	}
}
