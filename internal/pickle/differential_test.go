package pickle

import (
	"bytes"
	_ "embed"
	"strconv"
	"testing"

	"github.com/cloakroom/cloakroom/internal/pyvalue/pyvaluetest"
)

//go:embed testdata/peer.py
var peerScript string

var peer = pyvaluetest.Peer{Modules: []string{"markupsafe"}, Script: peerScript}

// TestPythonReadsWhatWeWrite has Python load random values that Append wrote,
// and write them itself.
func TestPythonReadsWhatWeWrite(t *testing.T) {
	r := pyvaluetest.Source(t)
	type written struct {
		value    Value
		protocol int
		data     []byte
		err      error
	}
	questions := func(yield func(pyvaluetest.Question, written) bool) {
		for range pyvaluetest.Rounds() {
			w := written{value: randomValue(r, 3), protocol: r.IntN(HighestProtocol + 1)}
			w.data, w.err = Append(nil, w.value, w.protocol)
			if !yield(pyvaluetest.Question{[]byte("load"), []byte(strconv.Itoa(w.protocol)), w.data}, w) {
				return
			}
		}
	}
	same, setless := 0, 0
	pyvaluetest.Ask(t, peer, questions, func(w written, answer [][]byte) {
		if w.err != nil {
			t.Fatal(w.err)
		}
		if w.protocol < 4 {
			w.value = withoutFolds(w.value)
		}
		if want := spell(w.value); !bytes.Equal(answer[0], want) {
			t.Fatalf("protocol %d, %q: Python has%s", w.protocol, w.data, pyvaluetest.Difference(answer[0], want))
		}
		// Python does not keep the order of sets.
		if !hasSet(w.value) {
			setless++
			if bytes.Equal(answer[1], w.data) {
				same++
			}
		}
	})
	t.Logf("Python wrote %d of %d values without sets in the same bytes", same, setless)
	// The rest have a Markup of one character, of which Python has two copies.
	if same < setless*97/100 {
		t.Errorf("only %d of %d values without sets are written in the same bytes", same, setless)
	}
}

// TestWeReadWhatPythonWrites reads random values of Python's making, which
// share parts, in every protocol, and writes them again.
func TestWeReadWhatPythonWrites(t *testing.T) {
	r := pyvaluetest.Source(t)
	first := r.Uint64() >> 1
	questions := func(yield func(pyvaluetest.Question, int) bool) {
		for i := range pyvaluetest.Rounds() {
			protocol := i % (HighestProtocol + 1)
			seed := strconv.AppendUint(nil, first+uint64(i), 10)
			if !yield(pyvaluetest.Question{[]byte("random"), []byte(strconv.Itoa(protocol)), seed}, protocol) {
				return
			}
		}
	}
	same, setless := 0, 0
	pyvaluetest.Ask(t, peer, questions, func(protocol int, answer [][]byte) {
		want, data := answer[0], answer[1]
		v, err := Unmarshal(data, Limits{})
		if err != nil {
			t.Fatalf("protocol %d, %q: %v", protocol, data, err)
		}
		if got := spell(v); !bytes.Equal(got, want) {
			t.Fatalf("protocol %d, %q: we have%s", protocol, data, pyvaluetest.Difference(got, want))
		}
		again, err := Append(nil, v, protocol)
		if err != nil {
			t.Fatalf("protocol %d, %q: %v", protocol, data, err)
		}
		if hasSet(v) {
			return
		}
		if setless++; bytes.Equal(again, data) {
			same++
			return
		}
		back, err := Unmarshal(again, Limits{})
		if got := spell(back); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("protocol %d, rewritten as %q: error %v, we have%s", protocol, again, err, pyvaluetest.Difference(got, want))
		}
	})
	t.Logf("we wrote %d of %d values without sets in the same bytes", same, setless)
}

// spell spells v as peer.py does.
func spell(v Value) []byte {
	switch v := v.(type) {
	case *List:
		return pyvaluetest.Items('l', v.Items, spell)
	case *Tuple:
		return pyvaluetest.Items('t', v.Items, spell)
	case *Set:
		return pyvaluetest.Sorted('S', v.entries, func(e entry) []byte { return spell(e.key) })
	case *FrozenSet:
		return pyvaluetest.Sorted('Z', v.entries, func(e entry) []byte { return spell(e.key) })
	case *Dict:
		out := pyvaluetest.Items('d', v.entries, func(e entry) []byte { return append(spell(e.key), spell(e.value)...) })
		out[bytes.IndexByte(out, '[')] = '{'
		return out
	}
	return pyvaluetest.Scalar(v)
}

// hasSet reports whether there is a set in v.
func hasSet(v Value) bool {
	has := func(items []Value) bool {
		for _, item := range items {
			if hasSet(item) {
				return true
			}
		}
		return false
	}
	switch v := v.(type) {
	case *Set, *FrozenSet:
		return true
	case *List:
		return has(v.Items)
	case *Tuple:
		return has(v.Items)
	case *Dict:
		for k, v := range v.All() {
			if hasSet(k) || hasSet(v) {
				return true
			}
		}
	}
	return false
}

// withoutFolds returns v as protocols below 4 keep it.
func withoutFolds(v Value) Value {
	all := func(items []Value) []Value {
		out := []Value{}
		for _, item := range items {
			out = append(out, withoutFolds(item))
		}
		return out
	}
	switch v := v.(type) {
	case Time:
		v.Fold = false
		return v
	case DateTime:
		v.Fold = false
		return v
	case *List:
		return &List{Items: all(v.Items)}
	case *Tuple:
		return &Tuple{Items: all(v.Items)}
	case *Set:
		s := &Set{}
		for item := range v.All() {
			_ = s.Add(withoutFolds(item))
		}
		return s
	case *FrozenSet:
		s := &FrozenSet{}
		for item := range v.All() {
			_ = s.Add(withoutFolds(item))
		}
		return s
	case *Dict:
		d := &Dict{}
		for k, v := range v.All() {
			_ = d.Set(withoutFolds(k), withoutFolds(v))
		}
		return d
	}
	return v
}
