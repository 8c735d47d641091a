package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
)

// plenty is so many that the square of it would take this package's tests past
// their timeout. What is done to so many values here takes a second in all.
const plenty = 210_000

// manyNames returns n names that differ at their ends alone, which is hardest
// for whoever compares them.
func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("a name that a visitor has chosen: %07d", i)
	}
	return names
}

// manyFields returns a session of one value for each name.
func manyFields(st *ledger.Style, names []string) ledger.Base {
	fields := make([]codec.Field, len(names))
	for i, name := range names {
		fields[i] = codec.Field{Name: []byte(name), Raw: []byte("1")}
	}
	return ledger.Read(st, codec.JSON, fields)
}

// changeAll does to each value what a request can do to it.
func changeAll(t testing.TB, w wish, names []string) {
	step := func(_ codec.Codec, raw []byte) ([]byte, error) { return []byte("2"), nil }
	for i, name := range names {
		raw, c := w.d.Raw(w.st, w.b, name)
		switch i % 3 {
		case 0:
			w.d.Set(name, []byte("2"))
		case 1:
			w.d.Set(name, nil)
		case 2:
			after, _ := step(c, raw)
			if !w.d.Update(w.st, w.b, name, raw, after, step) {
				t.Fatal("the value changed in between")
			}
		}
	}
}

// What a request does to many values takes no more than their number times what
// it takes for one.
func TestManyValues(t *testing.T) {
	names := manyNames(plenty)
	for name, base := range map[string]ledger.Base{
		"of a new session":     {},
		"of a session of many": manyFields(&eternal, names),
	} {
		t.Run(name, func(t *testing.T) {
			var d ledger.Draft
			changeAll(t, wish{&eternal, &base, &d}, names)
			left := d.Names(&eternal, &base)
			if want := plenty / 3 * 2; len(left) != want {
				t.Fatalf("%d names, want %d", len(left), want)
			}
			saving := d.Snapshot()
			changeAll(t, wish{&eternal, &base, &d}, names)
			if err := saving.Rebase(&eternal, &base); err != nil {
				t.Fatal(err)
			}
			next, err := saving.Apply(&eternal, &base, nil, now)
			if err != nil || len(next.Fields) != len(left) {
				t.Fatalf("%d values are saved, %v, want %d", len(next.Fields), err, len(left))
			}
			for i, name := range left {
				if raw, _ := next.Find(name); string(next.Fields[i].Name) != name || string(raw) != "2" {
					t.Fatalf("%s is %s and in place %d stands %s", name, raw, i, next.Fields[i].Name)
				}
			}
			d.Forget(&saving)
			for _, name := range names {
				d.Raw(&eternal, &next, name)
			}
			if got := d.Names(&eternal, &next); !slices.Equal(got, left) {
				t.Errorf("%d names are left, want %d", len(got), len(left))
			}
		})
	}
}

// A counter that a request moves on very often is moved on by one step each.
func TestManyUpdatesOfOneValue(t *testing.T) {
	base := read(t, &native, `{"_created":5}`)
	var d ledger.Draft
	n := 0
	step := func(codec.Codec, []byte) ([]byte, error) { n++; return []byte("1"), nil }
	for range plenty {
		before, c := d.Raw(&native, &base, "a")
		after, _ := step(c, before)
		d.Update(&native, &base, "a", before, after, step)
	}
	saving := d.Snapshot()
	newer := read(t, &native, `{"_created":5,"a":7}`)
	if err := saving.Rebase(&native, &newer); err != nil || n != 2*plenty {
		t.Errorf("%d steps, %v, want %d", n, err, 2*plenty)
	}
}

// A snapshot keeps its steps when the draft goes on, and the other way round.
func TestSnapshotKeepsItsSteps(t *testing.T) {
	for steps := 1; steps < 9; steps++ { // whatever room for more there is
		base := read(t, &native, `{"_created":5,"a":"x"}`)
		var d ledger.Draft
		w := wish{&native, &base, &d}
		for range steps {
			w.double("a")
		}
		saving := d.Snapshot()
		s := wish{&native, &base, &saving}
		w.d.Update(&native, &base, "a", must(d.Raw(&native, &base, "a")), []byte(`"draft"`), replace(`"draft"`))
		s.d.Update(&native, &base, "a", must(saving.Raw(&native, &base, "a")), []byte(`"saved"`), replace(`"saved"`))
		newer := read(t, &native, `{"_created":5,"a":"y"}`)
		for want, draft := range map[string]*ledger.Draft{`"draft"`: &d, `"saved"`: &saving} {
			if err := draft.Rebase(&native, &newer); err != nil {
				t.Fatal(err)
			}
			if got := must(draft.Raw(&native, &newer, "a")); string(got) != want {
				t.Fatalf("a = %s, want %s", got, want)
			}
		}
	}
}

func replace(raw string) ledger.Step {
	return func(codec.Codec, []byte) ([]byte, error) { return []byte(raw), nil }
}

// No codec of ours splits a record into two fields of one name. Should another
// do it, the first one is what is read, however many there are, and a change
// replaces both.
func TestFieldsOfOneName(t *testing.T) {
	for _, others := range []int{0, 20, 100} {
		fields := []codec.Field{{Name: nil, Key: []byte("1"), Raw: []byte(`"nameless"`)}}
		for _, name := range manyNames(others) {
			fields = append(fields, codec.Field{Name: []byte(name), Raw: []byte("1")})
		}
		fields = append(fields,
			codec.Field{Name: []byte("a"), Raw: []byte("1")}, codec.Field{Name: []byte("a"), Raw: []byte("2")},
			codec.Field{Name: []byte{}, Raw: []byte(`"empty"`)})
		base := ledger.Read(&eternal, codec.JSON, fields)
		var d ledger.Draft
		for range 50 { // through the fields one by one, and by a map
			for name, want := range map[string]string{"a": "1", "": `"empty"`, "b": ""} {
				if raw, _ := d.Raw(&eternal, &base, name); string(raw) != want {
					t.Errorf("among %d others %q is %s, want %s", others, name, raw, want)
				}
			}
		}
		if got := d.Names(&eternal, &base); len(got) != others+3 {
			t.Errorf("among %d others there are %d names", others, len(got))
		}
		d.Set("a", []byte("3"))
		next, err := d.Apply(&eternal, &base, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range next.Fields[others+1:] {
			if want := []string{"3", "3", `"empty"`}[i]; string(f.Raw) != want {
				t.Errorf("among %d others field %q is %s, want %s", others, f.Name, f.Raw, want)
			}
		}
	}
}
