package pickle

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/codec"
)

// TestSplitAndJoinAreTheSameBytes takes every vector apart and puts it together
// again.
func TestSplitAndJoinAreTheSameBytes(t *testing.T) {
	// What two entries share does not survive, as Split says.
	unshared := map[string]bool{"memo_shared_list": true}
	for _, v := range allVectors(t) {
		if v.pickle.data == nil {
			continue
		}
		parts, err := Split(nil, v.pickle.data, Limits{})
		if err != nil {
			t.Errorf("%s, protocol %d: %v", v.name, v.protocol, err)
			continue
		}
		got, err := Join([]byte("before"), parts, v.protocol)
		if err != nil {
			t.Errorf("%s, protocol %d: %v", v.name, v.protocol, err)
			continue
		}
		got = got[len("before"):]
		if unshared[v.name] {
			back, err := Unmarshal(got, Limits{})
			if err != nil || describe(back) != describe(v.want.value(t)) {
				t.Errorf("%s: joined to %v, %v", v.name, back, err)
			}
		} else if !bytes.Equal(got, v.pickle.data) {
			t.Errorf("%s, protocol %d:\n got %q\nwant %q", v.name, v.protocol, shorten(string(got)), shorten(string(v.pickle.data)))
		}
	}
}

func TestSplit(t *testing.T) {
	shared := &List{Items: []Value{int64(1)}}
	d := &Dict{}
	for _, e := range []struct{ key, value Value }{
		{"a", shared}, {int64(2), shared}, {"", &Tuple{Items: []Value{shared, shared}}}, {Markup("m"), "text"},
	} {
		if err := d.Set(e.key, e.value); err != nil {
			t.Fatal(err)
		}
	}
	data, err := Append(nil, d, 4)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Split([]codec.Field{{Name: []byte("before")}}, data, Limits{})
	if err != nil || len(parts) != 5 || string(parts[0].Name) != "before" {
		t.Fatalf("got %d parts, %v", len(parts), err)
	}
	want := []struct{ name, value string }{
		{"a", "list[int64 1 ]"}, {"nil", "list[int64 1 ]"},
		{"", "tuple[list[int64 1 ] list[int64 1 ] ]"}, {"m", `str "text"`},
	}
	for i, p := range parts[1:] {
		name := string(p.Name)
		if p.Name == nil {
			name = "nil"
		}
		v, err := Unmarshal(p.Raw, Limits{})
		if err != nil || name != want[i].name || describe(v) != want[i].value {
			t.Errorf("part %d: %q with %v, %v", i, name, v, err)
		}
	}
	last := string(parts[4].Raw)
	_ = append(parts[3].Raw, "overwritten"...)
	_ = append(parts[4].Key, "overwritten"...)
	if string(parts[4].Raw) != last {
		t.Error("appending to one part changed another")
	}
	third, _ := Unmarshal(parts[3].Raw, Limits{})
	if items := third.(*Tuple).Items; items[0] != items[1] {
		t.Error("a list that is shared within an entry became two")
	}
}

func TestJoin(t *testing.T) {
	one, _ := Append(nil, int64(1), 4)
	two, _ := Append(nil, int64(2), 0)
	key, _ := Append(nil, &Tuple{Items: []Value{"a", nil}}, 2)
	list, _ := Append(nil, &List{}, 4)
	tests := []struct {
		name  string
		parts []codec.Field
		want  string
		err   error
	}{
		{"nothing", nil, "dict[]", nil},
		{"in order", []codec.Field{{Name: []byte("z"), Raw: one}, {Name: []byte("a"), Raw: two}}, `dict[str "z" int64 1 str "a" int64 2 ]`, nil},
		{"the later value", []codec.Field{{Name: []byte("z"), Raw: one}, {Name: []byte("a"), Raw: one}, {Name: []byte("z"), Raw: two}}, `dict[str "z" int64 2 str "a" int64 1 ]`, nil},
		{"a key that is no text", []codec.Field{{Key: key, Raw: one}}, `dict[tuple[str "a" <nil> <nil> ] int64 1 ]`, nil},
		{"a key that cannot be one", []codec.Field{{Key: list, Raw: one}}, "", ErrValue},
		{"a name that is not UTF-8", []codec.Field{{Name: []byte("\xff"), Raw: one}}, "", ErrValue},
		{"not a pickle", []codec.Field{{Name: []byte("a"), Raw: []byte("x")}}, "", ErrMalformed},
		{"a function", []codec.Field{{Name: []byte("a"), Raw: []byte("cos\nsystem\n.")}}, "", ErrRefused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := Join(nil, tt.parts, 5)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			v, err := Unmarshal(data, Limits{})
			if got := describe(v); err != nil || got != tt.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	tests := []struct {
		name, pickle string
		limits       Limits
		err          error
	}{
		{"a list", "].", Limits{}, ErrMalformed},
		{"None", "N.", Limits{}, ErrMalformed},
		{"too many entries", "(NNK\x01Nd.", Limits{Fields: 1}, ErrLimit},
		{"a function", "}Nccodecs\nopen\ns.", Limits{}, ErrRefused},
		// Small as a pickle, but each entry is a pickle of its own.
		{"one long text in many entries", "}(" + func() string {
			var b strings.Builder
			b.WriteString("NX\x00\x00\x10\x00" + strings.Repeat("x", 1<<20) + "q\x00")
			for i := range 100 {
				b.WriteString("K" + string([]byte{byte(i)}) + "h\x00")
			}
			return b.String()
		}() + "u.", Limits{}, ErrLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Split(nil, []byte(tt.pickle), tt.limits); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
}
