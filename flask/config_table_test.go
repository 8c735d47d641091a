package flask_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/flask"
)

var update = flag.Bool("update", false, "write the table of keys into the manual, and the differences from the recorded exchanges")

const (
	manual     = "../docs/flask.md"
	tableBegin = "<!-- The keys; go test ./flask -run Manual -update writes them. -->\n"
	tableEnd   = "<!-- End of the keys. -->\n"
)

// TestManualHasAllKeys holds the manual, once there is one, to the registry.
func TestManualHasAllKeys(t *testing.T) {
	var table strings.Builder
	if err := flask.WriteKeyTable(&table); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(table.String()), "\n") {
		if got := strings.Count(line, "|"); got != 8 {
			t.Errorf("line %d of the table has %d bars, want 8: %s", i+1, got, line)
		}
	}
	text, err := os.ReadFile(manual)
	if os.IsNotExist(err) {
		t.Logf("%s is not written yet", manual)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), tableBegin)
	old, after, closed := strings.Cut(rest, tableEnd)
	if !found || !closed {
		t.Fatalf("%s lacks the lines between which the table of keys belongs:\n%s%s", manual, tableBegin, tableEnd)
	}
	if old == table.String() {
		return
	}
	if !*update {
		t.Fatalf("the table of keys in %s is out of step: go test ./flask -run Manual -update", manual)
	}
	if err := os.WriteFile(manual, []byte(before+tableBegin+table.String()+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTableShowsTheTrueDefaults(t *testing.T) {
	defaults := reflect.ValueOf(flask.DefaultConfig())
	for _, k := range flask.Keys() {
		value := defaults.FieldByName(k.Field)
		want := "none"
		switch v := value.Interface().(type) {
		case time.Duration:
			want = fmt.Sprintf("%d days", v/(24*time.Hour))
		case fs.FileMode:
			want = fmt.Sprintf("`%04o`", v)
		case bool:
			want = fmt.Sprintf("`%v`", v)
		case int:
			if v != 0 {
				want = fmt.Sprint(v)
			}
		default:
			if !value.IsZero() {
				want = fmt.Sprintf("`%v`", v)
			}
		}
		if k.Default != want {
			t.Errorf("%s: the table says %s, want %s", k.Name, k.Default, want)
		}
	}
}
