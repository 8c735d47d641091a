package ledger_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
)

var (
	now = time.Unix(1000, 0)

	native = ledger.Style{Codec: codec.JSON, Created: true, Aging: true, Flash: ledger.PairFlash}
	// extension and cookie are Flask-Session's and Flask's own.
	extension = ledger.Style{Codec: codec.JSON, Permanent: true, Permanence: ledger.PermanentAsSet, EmptyEnds: true, Flash: ledger.PairFlash}
	cookie    = ledger.Style{Codec: codec.JSON, Permanence: ledger.PermanentAsValue, EmptyEnds: true, Flash: ledger.PairFlash}
	eternal   = ledger.Style{Codec: codec.JSON, Created: true, Flash: ledger.PairFlash}
)

const noSession = ""

// A wish is a request that holds a session's draft.
type wish struct {
	st *ledger.Style
	b  *ledger.Base
	d  *ledger.Draft
}

func (w wish) set(name, raw string)   { w.d.Set(name, []byte(raw), w.st.Codec) }
func (w wish) del(name string)        { w.d.Set(name, nil, nil) }
func (w wish) flash(cat, text string) { w.d.Flash(cat, text) }
func (w wish) permanent(v bool)       { w.d.SetPermanent(v) }
func (w wish) clear()                 { w.d.Clear(w.st) }
func (w wish) take(categories ...string) []string {
	var got []string
	w.d.Flashes(w.b, categories, func(category, text string) { got = append(got, category+":"+text) })
	return got
}

// double replaces a value by itself twice, side by side.
func (w wish) double(name string) {
	step := func(_ codec.Codec, raw []byte, to codec.Codec) ([]byte, codec.Codec, error) {
		text := strings.Trim(string(raw), `"`)
		return []byte(`"` + text + text + `"`), to, nil
	}
	before, c := w.d.Raw(w.st, w.b, name)
	after, in, _ := step(c, before, w.st.Codec)
	if !w.d.Update(w.st, w.b, name, before, after, in, step) {
		panic("the value changed in between")
	}
}

// TestNextFields says what is stored next: of what is stored, what a request
// wants, and what somebody else has stored meanwhile.
func TestNextFields(t *testing.T) {
	for _, tt := range []struct {
		name      string
		st        ledger.Style
		stored    string // what the request has read
		want      func(wish)
		meanwhile string // what somebody else has stored since then; empty if nothing
		next      string
	}{
		{"nothing", native, noSession, func(wish) {}, "", noSession},
		{"a new session", native, noSession, func(w wish) { w.set("a", "1") }, "", `{"_created":1000,"a":1}`},
		{"a new session without a lifetime", eternal, noSession, func(w wish) { w.set("a", "1") }, "", `{"_created":1000,"a":1}`},
		{"a new session of nothing but a deletion", native, noSession, func(w wish) { w.del("a") }, "", noSession},
		{"a value changes in its place", native, `{"_created":5,"a":1,"b":2}`, func(w wish) { w.set("a", "3") }, "", `{"_created":5,"a":3,"b":2}`},
		{"a new value comes last", native, `{"_created":5,"a":1}`, func(w wish) { w.set("b", "2") }, "", `{"_created":5,"a":1,"b":2}`},
		{"a record without an age begins to age", native, `{"a":1}`, func(w wish) { w.set("b", "2") }, "", `{"_created":1000,"a":1,"b":2}`},
		{"an age that is none is replaced", native, `{"_created":"x","a":1}`, func(w wish) { w.set("a", "2") }, "", `{"_created":1000,"a":2}`},
		{"an age stays where none is kept", eternal, `{"_created":5,"a":1}`, func(w wish) { w.set("a", "2") }, "", `{"_created":5,"a":2}`},
		{"bytes that nobody changed stay", native, `{"_created":5,"x": [ 1.50 ],"a":1}`, func(w wish) { w.set("a", "2") }, "", `{"_created":5,"x":[ 1.50 ],"a":2}`},
		{"the last value goes", native, `{"_created":5,"a":1}`, func(w wish) { w.del("a") }, "", `{"_created":5}`},
		{"clear", native, `{"_created":5,"a":1,"_flashes":[["m","x"]]}`, wish.clear, "", `{"_created":5}`},
		{"clear and set", native, `{"_created":5,"a":1,"b":2}`, func(w wish) { w.clear(); w.set("b", "3") }, "", `{"_created":5,"b":3}`},

		{"others set another value", native, `{"_created":5,"a":1}`, func(w wish) { w.set("b", "2") }, `{"_created":5,"a":1,"c":3}`, `{"_created":5,"a":1,"c":3,"b":2}`},
		{"others set the same value: the later save wins", native, `{"_created":5,"a":1}`, func(w wish) { w.set("a", "2") }, `{"_created":5,"a":9}`, `{"_created":5,"a":2}`},
		{"others deleted what is set", native, `{"_created":5,"a":1}`, func(w wish) { w.set("a", "2") }, `{"_created":5}`, `{"_created":5,"a":2}`},
		{"others set what is deleted", native, `{"_created":5,"a":1}`, func(w wish) { w.del("a") }, `{"_created":5,"a":9}`, `{"_created":5}`},
		{"others set a value, clear comes later", native, `{"_created":5,"a":1}`, func(w wish) { w.clear(); w.set("b", "2") }, `{"_created":5,"a":1,"c":3}`, `{"_created":5,"b":2}`},

		{"update", native, `{"_created":5,"a":"x"}`, func(w wish) { w.double("a") }, "", `{"_created":5,"a":"xx"}`},
		{"update runs again on the newest value", native, `{"_created":5,"a":"x"}`, func(w wish) { w.double("a"); w.double("a") }, `{"_created":5,"a":"y"}`, `{"_created":5,"a":"yyyy"}`},
		{"update of a value that others deleted", native, `{"_created":5,"a":"x"}`, func(w wish) { w.double("a") }, `{"_created":5}`, `{"_created":5,"a":""}`},
		{"update of a value that was set does not run again", native, `{"_created":5,"a":"x"}`, func(w wish) { w.set("a", `"s"`); w.double("a") }, `{"_created":5,"a":"y"}`, `{"_created":5,"a":"ss"}`},
		{"update after clear does not run again", native, `{"_created":5,"a":"x"}`, func(w wish) { w.clear(); w.double("a") }, `{"_created":5,"a":"y"}`, `{"_created":5,"a":""}`},
		{"set after update", native, `{"_created":5,"a":"x"}`, func(w wish) { w.double("a"); w.set("a", "1") }, `{"_created":5,"a":"y"}`, `{"_created":5,"a":1}`},

		{"a message", native, `{"_created":5,"a":1}`, func(w wish) { w.flash("m", "x") }, "", `{"_created":5,"a":1,"_flashes":[["m","x"]]}`},
		{"a message alone makes a session", native, noSession, func(w wish) { w.flash("m", "x") }, "", `{"_created":1000,"_flashes":[["m","x"]]}`},
		{"a message beside one that others added", native, `{"_created":5}`, func(w wish) { w.flash("m", "x") }, `{"_created":5,"_flashes":[["m","y"]]}`, `{"_created":5,"_flashes":[["m","y"],["m","x"]]}`},
		{"a message that was shown at once", native, noSession, func(w wish) { w.flash("m", "x"); w.take() }, "", noSession},
		{"messages taken", native, `{"_created":5,"_flashes":[["m","x"],["n","y"]]}`, func(w wish) { w.take("m") }, "", `{"_created":5,"_flashes":[["n","y"]]}`},
		{"messages taken stay taken when others add one", native, `{"_created":5,"_flashes":[["m","x"]]}`, func(w wish) { w.take() }, `{"_created":5,"_flashes":[["m","x"],["m","z"]]}`, `{"_created":5,"_flashes":[["m","z"]]}`},
		{"of two equal messages one is taken", native, `{"_created":5,"_flashes":[["m","x"]]}`, func(w wish) { w.take() }, `{"_created":5,"_flashes":[["m","x"],["m","x"]]}`, `{"_created":5,"_flashes":[["m","x"]]}`},

		{"permanent", native, `{"_created":5,"a":1}`, func(w wish) { w.permanent(true) }, "", `{"_permanent":true,"_created":5,"a":1}`},
		{"permanent no more", native, `{"_created":5,"_permanent":true,"a":1}`, func(w wish) { w.permanent(false) }, "", `{"_created":5,"a":1}`},
		{"permanence is no value", native, noSession, func(w wish) { w.permanent(true) }, "", noSession},
		{"permanent survives clear", native, `{"_created":5,"_permanent":true,"a":1}`, wish.clear, "", `{"_created":5,"_permanent":true}`},
		{"others made it permanent", native, `{"_created":5,"a":1}`, func(w wish) { w.set("a", "2") }, `{"_permanent":true,"_created":5,"a":1}`, `{"_permanent":true,"_created":5,"a":2}`},

		{"Flask-Session: a new session", extension, noSession, func(w wish) { w.set("a", "1") }, "", `{"_permanent":true,"a":1}`},
		{"Flask-Session: a new one that is not permanent", extension, noSession, func(w wish) { w.permanent(false); w.set("a", "1") }, "", `{"_permanent":false,"a":1}`},
		{"Flask-Session: permanence has its place", extension, `{"a":1,"_permanent":true,"b":2}`, func(w wish) { w.permanent(false) }, "", `{"a":1,"_permanent":false,"b":2}`},
		{"Flask-Session: permanence that was set comes last", extension, `{"a":1}`, func(w wish) { w.permanent(true) }, "", `{"a":1,"_permanent":true}`},
		{"Flask-Session: an emptied session ends", extension, `{"_permanent":true,"a":1}`, func(w wish) { w.del("a") }, "", noSession},
		{"Flask-Session: a bare session that nobody changes stays", extension, `{"_permanent":true}`, func(wish) {}, "", `{"_permanent":true}`},
		{"Flask-Session: a message left is a value", extension, `{"_permanent":true,"a":1,"_flashes":[["m","x"]]}`, func(w wish) { w.del("a") }, "", `{"_permanent":true,"_flashes":[["m","x"]]}`},
		{"Flask-Session: clear ends it", extension, `{"_permanent":true,"a":1}`, wish.clear, "", noSession},
		{"Flask-Session: _created is a value like any other", extension, `{"_permanent":true,"_created":5}`, func(w wish) { w.set("_created", "6") }, "", `{"_permanent":true,"_created":6}`},
		{"Flask-Session: others added a value to what was emptied", extension, `{"_permanent":true,"a":1}`, func(w wish) { w.del("a") }, `{"_permanent":true,"a":1,"b":2}`, `{"_permanent":true,"b":2}`},

		{"Flask's cookie: permanence alone makes a session", cookie, noSession, func(w wish) { w.permanent(true) }, "", `{"_permanent":true}`},
		{"Flask's cookie: clear removes it", cookie, `{"_permanent":true,"a":1}`, wish.clear, "", noSession},
		{"Flask's cookie: permanent after clear", cookie, `{"_permanent":true,"a":1}`, func(w wish) { w.clear(); w.permanent(true) }, "", `{"_permanent":true}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := read(t, &tt.st, tt.stored)
			var d ledger.Draft
			tt.want(wish{&tt.st, &base, &d})
			if tt.meanwhile != "" {
				base = read(t, &tt.st, tt.meanwhile)
			}
			if err := d.Rebase(&tt.st, &base); err != nil {
				t.Fatal(err)
			}
			next, err := d.Apply(&tt.st, &base, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			if got := written(t, next); got != tt.next {
				t.Errorf("next is\n\t%s, want\n\t%s", got, tt.next)
			}
			if again := read(t, &tt.st, tt.next); next.Exists() && (again.Permanent != next.Permanent || again.Created != next.Created) {
				t.Errorf("next is permanent %t since %d, its fields say %t, %d", next.Permanent, next.Created, again.Permanent, again.Created)
			}
		})
	}
}

// read returns the session that a JSON text holds.
func read(t *testing.T, st *ledger.Style, text string) ledger.Base {
	t.Helper()
	if text == noSession {
		return ledger.Base{}
	}
	fields, err := codec.JSON.Split(nil, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Read(st, codec.JSON, fields)
}

// written returns the JSON text that a session is stored as.
func written(t *testing.T, b ledger.Base) string {
	t.Helper()
	if !b.Exists() {
		return noSession
	}
	text, err := b.Codec.Join(nil, b.Fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Changes made while a snapshot is being saved go on from what was saved.
func TestForgetWhatWasSaved(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stored string
		first  func(wish) // is saved
		then   func(wish) // meanwhile
		next   string     // of the second save
		clean  bool       // nothing is left to be saved
	}{
		{"nothing since", `{"_created":5}`, func(w wish) { w.set("a", "1") }, func(wish) {}, `{"_created":5,"a":1}`, true},
		{"another value", `{"_created":5}`, func(w wish) { w.set("a", "1") }, func(w wish) { w.set("b", "2") }, `{"_created":5,"a":1,"b":2}`, false},
		{"the same value again", `{"_created":5}`, func(w wish) { w.set("a", "1") }, func(w wish) { w.set("a", "2") }, `{"_created":5,"a":2}`, false},
		{"another step", `{"_created":5,"a":"x"}`, func(w wish) { w.double("a") }, func(w wish) { w.double("a") }, `{"_created":5,"a":"xxxx"}`, false},
		{"a step on what was set", `{"_created":5}`, func(w wish) { w.set("a", `"s"`) }, func(w wish) { w.double("a") }, `{"_created":5,"a":"ss"}`, false},
		{"a step after clear", `{"_created":5,"a":"x"}`, wish.clear, func(w wish) { w.double("a") }, `{"_created":5,"a":""}`, false},
		{"set, while a step was saved", `{"_created":5,"a":"x"}`, func(w wish) { w.double("a") }, func(w wish) { w.set("a", "1") }, `{"_created":5,"a":1}`, false},
		{"clear, while a value was saved", `{"_created":5}`, func(w wish) { w.set("a", "1") }, wish.clear, `{"_created":5}`, false},
		{"a message taken while it was saved", `{"_created":5}`, func(w wish) { w.flash("m", "x") }, func(w wish) { w.take() }, `{"_created":5}`, false},
		{"another message", `{"_created":5}`, func(w wish) { w.flash("m", "x") }, func(w wish) { w.flash("m", "y") }, `{"_created":5,"_flashes":[["m","x"],["m","y"]]}`, false},
		{"permanent no more", `{"_created":5}`, func(w wish) { w.permanent(true) }, func(w wish) { w.permanent(false) }, `{"_created":5}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := read(t, &native, tt.stored)
			var d ledger.Draft
			tt.first(wish{&native, &base, &d})
			saving := d.Snapshot()
			tt.then(wish{&native, &base, &d})
			saved, err := saving.Apply(&native, &base, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			d.Forget(&saving)
			if d.Dirty() == tt.clean {
				t.Errorf("something is left to be saved: %t, want %t", d.Dirty(), !tt.clean)
			}
			if err := d.Rebase(&native, &saved); err != nil {
				t.Fatal(err)
			}
			next, err := d.Apply(&native, &saved, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			if got := written(t, next); got != tt.next {
				t.Errorf("next is\n\t%s, want\n\t%s", got, tt.next)
			}
		})
	}
}

// A discarded draft never takes what an older snapshot saved for its own.
func TestDiscardGoesOnCounting(t *testing.T) {
	base := read(t, &native, `{"_created":5}`)
	var d ledger.Draft
	d.Set("a", []byte("1"), codec.JSON)
	saving := d.Snapshot()
	d.Discard()
	if d.Dirty() {
		t.Error("a discarded draft changes something")
	}
	d.Set("a", []byte("2"), codec.JSON)
	d.Forget(&saving)
	next, err := d.Apply(&native, &base, nil, now)
	if got := written(t, next); err != nil || got != `{"_created":5,"a":2}` {
		t.Errorf("next is %s, %v", got, err)
	}
}

func TestFailingStepFailsTheRebase(t *testing.T) {
	base := read(t, &native, `{"a":1}`)
	var d ledger.Draft
	broken := errors.New("broken")
	before, _ := base.Find("a")
	d.Update(&native, &base, "a", before, []byte("2"), codec.JSON, func(codec.Codec, []byte, codec.Codec) ([]byte, codec.Codec, error) { return nil, nil, broken })
	newer := read(t, &native, `{"a":5}`)
	if err := d.Rebase(&native, &newer); !errors.Is(err, broken) {
		t.Errorf("Rebase = %v, want the step's error", err)
	}
}

func TestNamesInOrder(t *testing.T) {
	base := read(t, &native, `{"_created":5,"b":1,"a":2,"_flashes":[]}`)
	var d ledger.Draft
	w := wish{&native, &base, &d}
	check := func(want ...string) {
		t.Helper()
		if got := d.Names(&native, &base); !slices.Equal(got, want) {
			t.Errorf("names are %q, want %q", got, want)
		}
	}
	check("b", "a")
	w.set("c", "3")
	w.del("b")
	check("a", "c")
	w.clear()
	check()
	w.set("a", "4")
	check("a")
}

// A record keeps its codec, also when changes are in another one, as long as it
// can say them.
func TestOtherCodec(t *testing.T) {
	pack := native
	pack.Codec = codec.MsgPack
	marshal := func(v any) []byte {
		raw, err := codec.MsgPack.Marshal(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	ours := codec.Ext{Code: 7, Data: []byte("x")} // JSON cannot say it
	foreign := []codec.Field{{Name: []byte("_created"), Raw: marshal(5)}, {Name: []byte("a"), Raw: marshal(ours)}}
	for name, tt := range map[string]struct {
		style ledger.Style
		base  ledger.Base
		raw   []byte
		in    codec.Codec
		want  codec.Codec
	}{
		"a change in the record's codec": {pack, read(t, &pack, `{"_created":5,"a":1.50}`), []byte(`"x"`), codec.JSON, codec.JSON},
		"a change in ours":               {pack, read(t, &pack, `{"_created":5,"a":1.50}`), marshal("x"), codec.MsgPack, codec.JSON},
		"theirs can, and ours not":       {native, ledger.Read(&native, codec.MsgPack, foreign), []byte(`"x"`), codec.JSON, codec.MsgPack},
	} {
		t.Run(name, func(t *testing.T) {
			if in := tt.style.CodecOf(&tt.base); in != tt.base.Codec {
				t.Errorf("changes are written in %s", in.Name())
			}
			var d ledger.Draft
			d.Set("b", tt.raw, tt.in)
			next, err := d.Apply(&tt.style, &tt.base, nil, now)
			if err != nil || next.Codec != tt.want {
				t.Fatalf("next is in %v, %v", next.Codec, err)
			}
			before, _ := tt.base.Find("a")
			after, _ := next.Find("a")
			if same := string(before) == string(after); same != (tt.want == tt.base.Codec) {
				t.Errorf("a was %x and is %x", before, after)
			}
			wrote, err := codec.Value[any](tt.in, tt.raw)
			if got, readErr := codec.Value[any](next.Codec, must(next.Find("b"))); err != nil || readErr != nil || !reflect.DeepEqual(got, wrote) {
				t.Errorf("b = %v, %v, want %v", got, readErr, wrote)
			}
		})
	}
	if in := pack.CodecOf(&ledger.Base{}); in != codec.MsgPack {
		t.Errorf("a new record is in %s", in.Name())
	}
	// A new one is in the codec of its changes, if there is one.
	var made ledger.Draft
	made.Set("b", []byte(`"x"`), codec.JSON)
	if next, err := made.Apply(&pack, &ledger.Base{}, nil, now); err != nil || next.Codec != codec.JSON {
		t.Errorf("changes in JSON make a record in %v, %v", next.Codec, err)
	}
	made.Set("c", marshal("x"), codec.MsgPack)
	if next, err := made.Apply(&pack, &ledger.Base{}, nil, now); err != nil || next.Codec != codec.MsgPack {
		t.Errorf("changes in both make a record in %v, %v", next.Codec, err)
	}
	// What the record's codec cannot say is an error.
	base := ledger.Read(&native, codec.MsgPack, foreign)
	var d ledger.Draft
	d.Set("b", []byte(`"x"`), stubborn{codec.JSON})
	if next, err := d.Apply(&native, &base, nil, now); !errors.Is(err, codec.ErrType) {
		t.Errorf("next is in %v, %v", next.Codec, err)
	}
}

// stubborn is a codec that nothing can be read in.
type stubborn struct{ codec.Codec }

func (stubborn) Unmarshal([]byte, any) error { return codec.ErrType }

func must(raw []byte, _ codec.Codec) []byte { return raw }
