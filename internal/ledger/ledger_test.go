package ledger_test

import (
	"errors"
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

func (w wish) set(name, raw string)   { w.d.Set(name, []byte(raw)) }
func (w wish) del(name string)        { w.d.Set(name, nil) }
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
	step := func(_ codec.Codec, raw []byte) ([]byte, error) {
		text := strings.Trim(string(raw), `"`)
		return []byte(`"` + text + text + `"`), nil
	}
	before, c := w.d.Raw(w.st, w.b, name)
	after, _ := step(c, before)
	if !w.d.Update(w.st, w.b, name, before, after, step) {
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
		{"a new session without a lifetime", eternal, noSession, func(w wish) { w.set("a", "1") }, "", `{"a":1}`},
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
	d.Set("a", []byte("1"))
	saving := d.Snapshot()
	d.Discard()
	if d.Dirty() {
		t.Error("a discarded draft changes something")
	}
	d.Set("a", []byte("2"))
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
	d.Update(&native, &base, "a", before, []byte("2"), func(codec.Codec, []byte) ([]byte, error) { return nil, broken })
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

// A record in another codec becomes ours, unless something in it cannot be
// said there.
func TestOtherCodec(t *testing.T) {
	pack := native
	pack.Codec = codec.MsgPack
	base := read(t, &native, `{"_created":5,"a":1}`)
	var d ledger.Draft
	raw, _ := codec.MsgPack.Marshal(nil, "x")
	d.Set("b", raw)
	next, err := d.Apply(&pack, &base, nil, now)
	if err != nil || next.Codec != codec.MsgPack {
		t.Fatalf("next is in %v, %v", next.Codec, err)
	}
	if a, err := codec.Int64(next.Codec, must(next.Find("a"))); a != 1 || err != nil {
		t.Errorf("a = %d, %v", a, err)
	}

	text := native
	ext, _ := codec.MsgPack.Marshal(nil, codec.Ext{Code: 7, Data: []byte("x")})
	foreign := ledger.Read(&text, codec.MsgPack, []codec.Field{{Name: []byte("a"), Raw: ext}})
	var e ledger.Draft
	e.Set("b", []byte(`"x"`))
	next, err = e.Apply(&text, &foreign, nil, now)
	if err != nil || next.Codec != codec.MsgPack {
		t.Fatalf("with a value that JSON has not, next is in %v, %v", next.Codec, err)
	}
	if b, err := codec.String(next.Codec, must(next.Find("b"))); b != "x" || err != nil {
		t.Errorf("b = %q, %v", b, err)
	}
	if a, _ := next.Find("a"); string(a) != string(ext) {
		t.Errorf("a = %x, want %x", a, ext)
	}
}

func must(raw []byte, _ codec.Codec) []byte { return raw }
