package flask_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const differencesFile = "testdata/http_differences.txt"

// differences are what exactly is otherwise in each argued scenario, so that an
// argument for one difference does not let another one pass.
type differences struct {
	all  map[string][]string // by run and name
	seen map[string]bool
}

// readDifferences reads testdata/http_differences.txt: a line for each scenario,
// and below it an indented one for each difference.
func readDifferences(t *testing.T) *differences {
	t.Helper()
	d := &differences{map[string][]string{}, map[string]bool{}}
	f, err := os.Open(differencesFile)
	if os.IsNotExist(err) && *update {
		return d
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	name := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		switch line, indented := strings.CutPrefix(lines.Text(), "\t"); {
		case indented:
			d.all[name] = append(d.all[name], line)
		default:
			name = line
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return d
}

// compare holds what differs in a scenario to what is known.
func (d *differences) compare(t *testing.T, name string, differ []string) {
	t.Helper()
	d.seen[name] = true
	for i := range differ {
		differ[i] = newID.ReplaceAllStringFunc(differ[i], func(id string) string {
			if strings.HasPrefix(id, "=sid0") { // one of the transcript's
				return id
			}
			return "=(new ID)"
		})
	}
	switch {
	case *update:
		d.all[name] = differ
	case !slices.Equal(differ, d.all[name]):
		t.Errorf("differs in another way than it is argued: go test ./flask -run BehavesAsFlask -update, and look at the changes of %s\ngot:\n%s\nwant:\n%s",
			differencesFile, strings.Join(differ, "\n"), strings.Join(d.all[name], "\n"))
	}
}

// newID is one of ours, which is another each time.
var newID = regexp.MustCompile(`=[A-Za-z0-9_-]{43}\b`)

// finish looks for entries of the run without a scenario, or writes the file.
func (d *differences) finish(t *testing.T, run string) {
	t.Helper()
	maps.DeleteFunc(d.all, func(name string, _ []string) bool {
		stale := strings.HasPrefix(name, run+" ") && !d.seen[name]
		if stale && !*update {
			t.Errorf("%s: no such scenario differs: %s", differencesFile, name)
		}
		return stale
	})
	if !*update {
		return
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(d.all)) {
		fmt.Fprintf(&text, "%s\n", name)
		for _, line := range d.all[name] {
			fmt.Fprintf(&text, "\t%s\n", line)
		}
	}
	if err := os.WriteFile(differencesFile, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
