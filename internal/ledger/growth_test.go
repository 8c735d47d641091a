package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
)

// plenty is so many that whatever takes the square of it takes minutes with the race
// detector, in each of many places. What is done to so many values here takes a
// second in all without it.
const plenty = 48_000

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
	step := func(_ codec.Codec, raw []byte, to codec.Codec) ([]byte, codec.Codec, error) {
		return []byte("2"), to, nil
	}
	for i, name := range names {
		raw, c := w.d.Raw(w.st, w.b, name)
		switch i % 3 {
		case 0:
			w.d.Set(name, []byte("2"), w.st.Codec)
		case 1:
			w.d.Set(name, nil, nil)
		case 2:
			after, in, _ := step(c, raw, w.st.Codec)
			if !w.d.Update(w.st, w.b, name, raw, after, in, step) {
				t.Fatal("the value changed in between")
			}
		}
	}
}

// ageless is a Style whose records hold values alone.
var ageless = ledger.Style{Codec: codec.JSON, Flash: ledger.PairFlash}

// What a request does to many values takes no more than their number times what
// it takes for one.
func TestManyValues(t *testing.T) {
	names := manyNames(plenty)
	for name, base := range map[string]ledger.Base{
		"of a new session":     {},
		"of a session of many": manyFields(&ageless, names),
	} {
		t.Run(name, func(t *testing.T) {
			var d ledger.Draft
			changeAll(t, wish{&ageless, &base, &d}, names)
			left := d.Names(&ageless, &base)
			if want := plenty / 3 * 2; len(left) != want {
				t.Fatalf("%d names, want %d", len(left), want)
			}
			saving := d.Snapshot()
			changeAll(t, wish{&ageless, &base, &d}, names)
			if err := saving.Rebase(&ageless, &base); err != nil {
				t.Fatal(err)
			}
			next, err := saving.Apply(&ageless, &base, nil, now)
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
				d.Raw(&ageless, &next, name)
			}
			if got := d.Names(&ageless, &next); !slices.Equal(got, left) {
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
	step := func(_ codec.Codec, _ []byte, to codec.Codec) ([]byte, codec.Codec, error) {
		n++
		return []byte("1"), to, nil
	}
	for range plenty {
		before, c := d.Raw(&native, &base, "a")
		after, in, _ := step(c, before, codec.JSON)
		d.Update(&native, &base, "a", before, after, in, step)
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
		w.d.Update(&native, &base, "a", must(d.Raw(&native, &base, "a")), []byte(`"draft"`), codec.JSON, replace(`"draft"`))
		s.d.Update(&native, &base, "a", must(saving.Raw(&native, &base, "a")), []byte(`"saved"`), codec.JSON, replace(`"saved"`))
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
	return func(_ codec.Codec, _ []byte, to codec.Codec) ([]byte, codec.Codec, error) {
		return []byte(raw), to, nil
	}
}

// formats are codecs that take lists apart, and one that does not.
var formats = map[string]codec.Codec{
	"MessagePack": codec.MsgPack, "JSON": codec.JSON, "no lister": struct{ codec.Codec }{codec.JSON},
}

// manyMessages returns a session of n flash messages, of the categories a, b
// and c in turn.
func manyMessages(t testing.TB, c codec.Codec, n int) (*ledger.Style, ledger.Base) {
	st := ageless
	st.Codec = c
	var d ledger.Draft
	for i := range n {
		d.Flash(string(rune('a'+i%3)), fmt.Sprintf("message %d", i))
	}
	base, err := d.Apply(&st, &ledger.Base{}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	return &st, base
}

// What a request does to many messages takes no more than their number times
// what it takes for one: also where a save is under way, somebody else has
// saved, and the categories are many.
func TestManyFlashes(t *testing.T) {
	const many = plenty / 4
	for name, c := range formats {
		t.Run(name, func(t *testing.T) {
			st, base := manyMessages(t, c, many)
			newer := base
			newer.Fields = []codec.Field{{Name: base.Fields[0].Name, Raw: slices.Clone(base.Fields[0].Raw)}}
			var d ledger.Draft
			w := wish{st, &base, &d}
			for i := range many {
				w.flash("a", fmt.Sprintf("new %d", i))
			}
			saving := d.Snapshot()
			got := w.take("a")
			if len(got) != many/3+many || got[0] != "a:message 0" || got[len(got)-1] != fmt.Sprintf("a:new %d", many-1) {
				t.Fatalf("%d messages, %q to %q", len(got), got[0], got[len(got)-1])
			}
			saved, err := saving.Apply(st, &base, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			d.Forget(&saving)
			if got := w.take(append(manyNames(many), "b")...); len(got) != many/3 {
				t.Errorf("%d messages of one of many categories", len(got))
			}
			for what, b := range map[string]struct {
				base *ledger.Base
				left int
			}{"what was read": {&base, many / 3}, "what was saved": {&saved, many / 3}, "what others saved": {&newer, many / 3}} {
				saving := d.Snapshot()
				next, err := saving.Apply(st, b.base, nil, now)
				if err != nil {
					t.Fatal(err)
				}
				var check ledger.Draft
				if left := (wish{st, &next, &check}).take(); len(left) != b.left || left[0] != "c:message 2" {
					t.Errorf("with %s %d messages are left, want %d", what, len(left), b.left)
				}
			}
		})
	}
}

// When a save is done, what it has saved is forgotten in one pass, however much
// of it has been shown meanwhile.
func TestForgetManyFlashes(t *testing.T) {
	const n = 1 << 16
	list := append(make([]byte, 0, 2*n), '[')
	for range n - 1 {
		list = append(list, '7', ',')
	}
	base := ledger.Read(&ageless, codec.JSON, []codec.Field{{Name: []byte(ledger.NameFlashes), Raw: append(list, "7]"...)}})
	var d ledger.Draft
	w := wish{&ageless, &base, &d}
	shown := func(categories ...string) (n int) {
		d.Flashes(&base, categories, func(_, _ string) { n++ })
		return n
	}
	for i := range n {
		w.flash(string(rune('a'+i%2)), "new")
	}
	if got := shown("message"); got != n {
		t.Fatalf("%d messages, want %d", got, n)
	}
	saving := d.Snapshot()
	if got := shown("a"); got != n/2 {
		t.Fatalf("%d messages, want %d", got, n/2)
	}
	d.Forget(&saving) // b has been saved, a has yet to be removed
	base = ledger.Base{}
	saving = d.Snapshot()
	d.Forget(&saving)
	if got := shown(); d.Dirty() || got != n+n/2 {
		t.Errorf("%d messages are shown, want %d, and something is left to be saved: %t", got, n+n/2, d.Dirty())
	}
}

// Where a request adds one message too many the oldest go.
func TestBoundOfFlashes(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, tt := range []struct {
		name          string
		number, bytes int // the bounds
		stored        int // messages "0" and on, of long text
		want          func(wish)
		left          int
		first         string // of those that are left
		dropped       int
	}{
		{"as many as are kept", 100, 0, 99, func(w wish) { w.flash("m", "new") }, 100, "0", 0},
		{"one too many", 100, 0, 100, func(w wish) { w.flash("m", "new") }, 90, "11", 11},
		{"many too many, of another program", 100, 0, 500, func(w wish) { w.flash("m", "new") }, 90, "411", 411},
		{"as many, while none is added", 100, 0, 500, func(w wish) { w.set("a", "1") }, 500, "0", 0},
		{"some taken and none added", 100, 0, 500, func(w wish) { w.take("0") }, 499, "1", 0},
		{"all taken and one added", 100, 0, 500, func(w wish) { w.take(); w.flash("m", "new") }, 1, "m", 0},
		{"more in one request", 100, 0, 5, func(w wish) {
			for i := range 200 {
				w.flash(fmt.Sprintf("n%d", i), "new")
			}
		}, 90, "n110", 115},
		{"as many bytes", 0, 50_000, 40, func(w wish) { w.flash("m", long) }, 41, "0", 0},
		{"too many bytes", 0, 50_000, 60, func(w wish) { w.flash("m", long) }, 44, "17", 17},
		{"many bytes in one request", 0, 5000, 2, func(w wish) {
			for range 10 {
				w.flash("m", long)
			}
		}, 10, "m", 2},
		{"too many of both", 20, 10_000, 50, func(w wish) { w.flash("m", "new") }, 9, "42", 42},
		{"no bound", 0, 0, 5000, func(w wish) { w.flash("m", "new") }, 5001, "0", 0},
	} {
		for name, c := range formats {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				st := native
				st.Codec = c
				var d ledger.Draft
				for i := range tt.stored {
					d.Flash(fmt.Sprint(i), long)
				}
				base, err := d.Apply(&st, &ledger.Base{}, nil, now)
				if err != nil {
					t.Fatal(err)
				}
				d = ledger.Draft{}
				st.MaxFlashes, st.MaxFlashBytes = tt.number, tt.bytes
				tt.want(wish{&st, &base, &d})
				next, err := d.Apply(&st, &base, nil, now)
				if err != nil {
					t.Fatal(err)
				}
				if got := d.DroppedFlashes(); got != tt.dropped {
					t.Errorf("%d messages were dropped, want %d", got, tt.dropped)
				}
				var after ledger.Draft
				left := wish{&st, &next, &after}.take()
				if len(left) != tt.left || !strings.HasPrefix(left[0], tt.first+":") {
					t.Errorf("%d messages are left, the first one %.9q, want %d from %s", len(left), left[0], tt.left, tt.first)
				}
			})
		}
	}
}

// Of more messages than anybody reads a request looks at the newest, and drops
// the others when it writes the list.
func TestMoreFlashesThanAreLookedAt(t *testing.T) {
	const n = 1<<20 + 100
	list := append(make([]byte, 0, 2*n), '[')
	for range n - 1 {
		list = append(list, '7', ',')
	}
	base := ledger.Read(&native, codec.JSON, []codec.Field{
		{Name: []byte(ledger.NameCreated), Raw: []byte("5")},
		{Name: []byte(ledger.NameFlashes), Raw: append(list, `["m","newest"]]`...)},
	})
	var d ledger.Draft
	shown, first, last := 0, "", ""
	d.Flashes(&base, nil, func(category, text string) {
		shown++
		if last = text; shown == 1 {
			first = category + ":" + text
		}
	})
	if shown != 1<<20 || first != "message:7" || last != "newest" {
		t.Errorf("%d messages, %q to %q", shown, first, last)
	}
	next, err := d.Apply(&native, &base, nil, now)
	if got := written(t, next); err != nil || got != `{"_created":5}` || d.DroppedFlashes() != 100 {
		t.Errorf("next is %s, %v, and %d are dropped", got, err, d.DroppedFlashes())
	}
}

// A message that cannot be read is not shown, and hides no other.
func TestUnreadableFlash(t *testing.T) {
	pack := native
	pack.Codec = codec.MsgPack
	bad := "\xa2\xff\xfe" // a string that is not UTF-8
	base := ledger.Read(&pack, codec.MsgPack, []codec.Field{
		{Name: []byte(ledger.NameCreated), Raw: []byte{5}},
		{Name: []byte(ledger.NameFlashes), Raw: []byte("\x93\x92\xa1m\xa1x" + "\x92\xa1m" + bad + "\x92\xa1m\xa1y")},
	})
	var d ledger.Draft
	if got := (wish{&pack, &base, &d}).take(); !slices.Equal(got, []string{"m:x", "m:y"}) {
		t.Errorf("messages are %q", got)
	}
	next, err := d.Apply(&pack, &base, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	if raw, _ := next.Find(ledger.NameFlashes); string(raw) != "\x91\x92\xa1m"+bad {
		t.Errorf("what is left is %x, %v", raw, err)
	}
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
		base := ledger.Read(&ageless, codec.JSON, fields)
		var d ledger.Draft
		for range 50 { // through the fields one by one, and by a map
			for name, want := range map[string]string{"a": "1", "": `"empty"`, "b": ""} {
				if raw, _ := d.Raw(&ageless, &base, name); string(raw) != want {
					t.Errorf("among %d others %q is %s, want %s", others, name, raw, want)
				}
			}
		}
		if got := d.Names(&ageless, &base); len(got) != others+3 {
			t.Errorf("among %d others there are %d names", others, len(got))
		}
		d.Set("a", []byte("3"), codec.JSON)
		next, err := d.Apply(&ageless, &base, nil, now)
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
