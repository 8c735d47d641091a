package codec

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// split returns the fields of data as text: name=raw, with ? for no name.
func split(c Codec, data []byte) (string, error) {
	fields, err := c.Split(nil, data)
	var b strings.Builder
	for _, f := range fields {
		name := string(f.Name)
		if f.Name == nil {
			name = "?"
		}
		fmt.Fprintf(&b, "%s=%s ", name, f.Raw)
	}
	return strings.TrimSpace(b.String()), err
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		name string
		raw  enc
		want string
	}{
		{"in order", enc{"82a162a178a161a179", `{"b":"x","a":"y"}`}, `b=x a=y`},
		{"empty name", enc{"81a0a178", `{"":"x"}`}, "=x"},
		{"name twice, the later counts in the earlier's place", enc{"83a161a131a162a132a161a133", `{"a":"1","b":"2","a":"3"}`}, "a=3 b=2"},
		{"name twice in two spellings", enc{"82a161a131d90161a132", `{"a":"1","\u0061":"2"}`}, "a=2"},
		{"white space", enc{"", " { \"a\" : [ 1 ] , \"b\"\t:\r\n2 } \n"}, `a=[ 1 ] b=2`},
		{"keys that are not strings", enc{"8301a178c40161a179a16101", ""}, "?=x ?=y a=\x01"},
		{"list as key", enc{"81910101", ""}, "?=\x01"},
		{"long forms", enc{"df00000001db0000000161cf0000000000000005", ""}, "a=\xcf\x00\x00\x00\x00\x00\x00\x00\x05"},
		{"value that is not UTF-8", enc{"81a161a1ff", "{\"a\":\"\xff\"}"}, "a=\xff"},
		{"value with a lone surrogate", enc{"", `{"a":"\ud800"}`}, `a="\ud800"`},
		{"value beyond Go's floats", enc{"", `{"a":1e999}`}, `a=1e999`},
		{"wrong timestamp", enc{"81a161c701ff00", ""}, "a=\xc7\x01\xff\x00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.raw.each(t, func(c Codec, raw []byte) {
				want := tt.want
				if c == MsgPack { // a string of one byte: leave its header out
					want = strings.NewReplacer("=x", "=\xa1x", "=y", "=\xa1y", "=1", "=\xa11", "=2", "=\xa12", "=3", "=\xa13", "=\xff", "=\xa1\xff").Replace(want)
				} else if !strings.ContainsAny(want, "[\\") && !strings.HasSuffix(want, "999") {
					for _, v := range []string{"x", "y", "1", "2", "3", "\xff"} {
						want = strings.ReplaceAll(want, "="+v, `="`+v+`"`)
					}
				}
				if got, err := split(c, raw); err != nil || got != want {
					t.Errorf("%s: got %q and error %v, want %q", c.Name(), got, err, want)
				}
			})
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		raw  enc
	}{
		{"value that is no dictionary", enc{"90", "[]"}},
		{"white space alone", enc{"", " "}},
		{"cut off after the header", enc{"81", "{"}},
		{"cut off after a name", enc{"81a161", `{"a"`}},
		{"cut off after a value", enc{"82a16101", `{"a":1`}},
		{"cut off after a comma", enc{"", `{"a":1,`}},
		{"comma at the end", enc{"", `{"a":1,}`}},
		{"comma alone", enc{"", `{,}`}},
		{"more after it", enc{"81a1610100", `{"a":1}}`}},
		{"name that is not UTF-8", enc{"81a1ff01", "{\"\xff\":1}"}},
		{"name with a lone surrogate", enc{"", `{"\ud800":1}`}},
		{"name that is not a string", enc{"", `{1:1}`}},
		{"nested value that is wrong", enc{"81a16191c1", `{"a":[1 2]}`}},
		{"claims more fields than bytes", enc{"dfffffffff", ""}},
		{"claims more elements than bytes", enc{"81a161ddffffffff", ""}},
		{"claims more text than bytes", enc{"81a161dbffffffff", ""}},
		{"claims more pairs than bytes", enc{"81a161df7fffffff", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.raw.each(t, func(c Codec, raw []byte) {
				before := []Field{{Name: []byte("before")}}
				got, err := c.Split(before, raw)
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("%s: got error %v, want ErrMalformed", c.Name(), err)
				}
				if !reflect.DeepEqual(got, before) {
					t.Errorf("%s: got %q, want dst as it was", c.Name(), got)
				}
			})
		})
	}
}

func TestSplitAppends(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON} {
		data, _ := c.Marshal(nil, map[string]int{"a": 1})
		before := []Field{{Name: []byte("a"), Raw: []byte("other record")}}
		got, err := c.Split(before, data)
		if err != nil || len(got) != 2 || string(got[0].Raw) != "other record" {
			t.Errorf("%s: got %q and error %v, want the field behind those of another record", c.Name(), got, err)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON} {
		for _, n := range []int{0, 1, 15, 16, 31, 32, 33, 64, 65, 1000, MaxFields} {
			m := make(map[string]int, n)
			for i := range n {
				m[fmt.Sprintf("key %d", i)] = i
			}
			data, err := c.Marshal(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			fields, err := c.Split(nil, data)
			if err != nil || len(fields) != n {
				t.Fatalf("%s: split %d fields: got %d and error %v", c.Name(), n, len(fields), err)
			}
			joined, err := c.Join([]byte("before"), fields)
			if err != nil || string(joined) != "before"+string(data) {
				t.Errorf("%s: joining %d fields gives another record; error %v", c.Name(), n, err)
			}
			for i := range fields {
				fields[i].Key = nil
			}
			if joined, err = c.Join(nil, fields); err != nil || string(joined) != string(data) {
				t.Errorf("%s: joining %d fields by name gives another record; error %v", c.Name(), n, err)
			}
		}
	}
}

// Of many fields, those that come twice are found by a table.
func TestManyNamesTwice(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON} {
		var fields []Field
		for i := range 20000 {
			raw, _ := c.Marshal(nil, i)
			fields = append(fields, Field{Name: fmt.Appendf(nil, "key %d", i%7000), Raw: raw})
		}
		data, err := c.Join(nil, fields)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Split(nil, data)
		if err != nil || len(got) != 7000 {
			t.Fatalf("%s: got %d fields and error %v, want 7000", c.Name(), len(got), err)
		}
		for i, f := range got {
			want := i + 14000
			if want >= 20000 {
				want -= 7000
			}
			if v, err := Int64(c, f.Raw); err != nil || v != int64(want) || string(f.Name) != fmt.Sprintf("key %d", i) {
				t.Fatalf("%s: field %d: got %s=%d and error %v, want %d", c.Name(), i, f.Name, v, err, want)
			}
		}
	}
}

func TestJoinRefuses(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON} {
		raw, _ := c.Marshal(nil, 1)
		for name, tt := range map[string]struct {
			fields []Field
			want   error
		}{
			"field without name":        {[]Field{{Raw: raw}}, ErrType},
			"field without value":       {[]Field{{Name: []byte("a")}}, ErrType},
			"name that is not UTF-8":    {[]Field{{Name: []byte("\xff"), Raw: raw}}, ErrType},
			"more fields than allowed":  {make([]Field, MaxFields+1), ErrLimit},
			"larger than a record":      {[]Field{{Name: []byte("a"), Raw: make([]byte, MaxSize+1)}}, ErrLimit},
			"larger by its header only": {[]Field{{Name: []byte("a"), Raw: make([]byte, MaxSize-1)}}, ErrLimit},
		} {
			got, err := c.Join([]byte("before"), tt.fields)
			if !errors.Is(err, tt.want) || string(got) != "before" {
				t.Errorf("%s: %s: got %d bytes and error %v, want %v and dst as it was", c.Name(), name, len(got), err, tt.want)
			}
		}
	}
}
