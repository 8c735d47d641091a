package storetest

import (
	"context"
	"encoding/json"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// reportsIn returns the reports in a folder by the test that they are of.
func reportsIn(t *testing.T, dir string) map[string]Report {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	reports := map[string]Report{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r Report
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		reports[r.Test] = r
	}
	return reports
}

// pinger is a store that has no other capability, or not as it is set up.
type pinger struct {
	store.Store
	store.Pinger
}

func (*pinger) List(context.Context, string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) { yield(store.Entry{}, store.ErrUnsupported) }
}

func TestReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not there yet")
	t.Setenv(ReportsVariable, dir)
	t.Run("a store, and more", func(t *testing.T) {
		run(t, func(*testing.T) store.Store { s := newPlain(); return &pinger{s, s} },
			Options{Skip: map[string]string{"Data/absent": "a reason"}},
			func(name string) bool {
				return slices.Contains([]string{"Data/absent", "Data/empty data is a record", "Data/too large", "Ping/answers", "Ping/makes nothing", "Clean/limit"}, name)
			})
	})
	want := Report{
		Store:   "github.com/cloakroom/cloakroom/store/storetest",
		Test:    "TestReport/a_store,_and_more",
		Passed:  []string{"Data/empty data is a record", "Ping/answers"},
		Failed:  []string{},
		Skipped: []string{"Data/absent", "Data/too large"},
		Has:     []Capability{Pinger},
		Lacks:   []Capability{Cleaner, Lister},
	}
	if got := reportsIn(t, dir)[want.Test]; !reflect.DeepEqual(got, want) {
		t.Errorf("the report is %+v, want %+v", got, want)
	}
}
