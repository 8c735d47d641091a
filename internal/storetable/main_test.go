package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/store/storetest"
)

// folder returns a folder with a report of every run of the table, as edit
// leaves it, and a README whose table is empty.
func folder(t *testing.T, edit func(test string, r *storetest.Report) (keep bool)) (reports, readme string) {
	t.Helper()
	reports = t.TempDir()
	for _, row := range rows {
		for _, s := range row.runs {
			pkg, test, _ := strings.Cut(s.test, ".")
			r := storetest.Report{Store: "example.com/" + pkg, Test: test, Passed: []string{"A/b", "A/c"},
				Has: []storetest.Capability{storetest.Closer, storetest.Lister}}
			if !edit(s.test, &r) {
				continue
			}
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.ReplaceAll(s.test, "/", "_") + ".json"
			if err := os.WriteFile(filepath.Join(reports, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	readme = filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(readme, []byte("before\n"+begin+end+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return reports, readme
}

func all(string, *storetest.Report) bool { return true }

func TestTable(t *testing.T) {
	reports, readme := folder(t, func(test string, r *storetest.Report) bool {
		switch test {
		case "redisstore.TestConformance/tcp":
			r.Passed = append(r.Passed, "A/d")
		case "cachestore.TestConformance":
			r.Skipped = []string{"A/e"}
		case "mongostore.TestStore/native":
			r.Has = []storetest.Capability{storetest.BatchLoader, storetest.Cleaner, storetest.Closer, storetest.Lister, storetest.Pinger}
		}
		return true
	})
	if err := run(reports, readme, true, true); err == nil || !strings.Contains(err.Error(), "make stores") {
		t.Errorf("the check of an empty table = %v, want what to do", err)
	}
	if err := run(reports, readme, false, true); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n" + begin + head,
		"| memory | [memstore](store/memstore) | no | no | 2: memory | list |\n",
		" | 3: Redis 7, 2: Sentinel, Cluster, Valkey 8 | list |\n",
		" | 2: FerretDB 1.24 | clean up, list, load many, ping |\n",
		" | 2: it and Redis 7 (1 skipped) | list |\n",
		end + "after\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the README lacks %q:\n%s", want, text)
		}
	}
	if err := run(reports, readme, true, true); err != nil {
		t.Errorf("the check of a new table = %v, want nil", err)
	}
}

func TestRunsThatDoNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(test string, r *storetest.Report) bool
		want string
	}{
		"a failure":      {func(_ string, r *storetest.Report) bool { r.Failed = []string{"A/f"}; return true }, "mend that first"},
		"nothing passed": {func(_ string, r *storetest.Report) bool { r.Passed = nil; return true }, "mend that first"},
		"not all alike": {func(test string, r *storetest.Report) bool {
			if strings.HasSuffix(test, "cluster") {
				r.Has = nil
			}
			return true
		}, "rows of their own"},
		"missing": {func(test string, _ *storetest.Report) bool { return !strings.HasPrefix(test, "mongostore") }, "CI must not"},
	} {
		reports, readme := folder(t, c.edit)
		if err := run(reports, readme, false, true); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
}

// A developer without a server does not lose its line.
func TestMissingRunKeepsItsLine(t *testing.T) {
	reports, readme := folder(t, all)
	if err := run(reports, readme, false, true); err != nil {
		t.Fatal(err)
	}
	some, _ := folder(t, func(test string, _ *storetest.Report) bool { return strings.HasPrefix(test, "memstore") })
	if err := run(some, readme, true, false); err != nil {
		t.Errorf("the check with one report = %v, want nil", err)
	}
}
