package taggedjson

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// split returns the fields of data as text: name=raw, with ? for no name.
func splitText(data string) (string, error) {
	fields, err := Codec.Split(nil, []byte(data))
	var b strings.Builder
	for _, f := range fields {
		name := string(f.Name)
		if f.Name == nil {
			name = "?" + string(f.Key)
		}
		fmt.Fprintf(&b, "%s=%s;", name, f.Raw)
	}
	return b.String(), err
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		name, data string
		fields     string
		joined     string
	}{
		{"empty", `{}`, "", `{}`},
		{"null", ` null `, "", `{}`},
		{"empty list", `[ ]`, "", `{}`},
		{"empty string", `""`, "", `{}`},
		{"in order", `{"a":1,"b":"x"}`, `a=1;b="x";`, `{"a":1,"b":"x"}`},
		{"values as they are", `{"a":{ "z":1,"b":"é\u00e9" },"b":[ 1e5, 1E+5 ]}`, `a={ "z":1,"b":"é\u00e9" };b=[ 1e5, 1E+5 ];`, `{"a":{ "z":1,"b":"é\u00e9" },"b":[ 1e5, 1E+5 ]}`},
		{"a value that cannot be read", `{"a":{" t":5},"b":"\ud800"}`, `a={" t":5};b="\ud800";`, `{"a":{" t":5},"b":"\ud800"}`},
		{"out of order", `{"b":1,"a":2}`, `b=1;a=2;`, `{"a":2,"b":1}`},
		{"order by code points", `{"\ud83d\ude00":1,"\uffff":2,"é":3}`, "😀=1;\uffff=2;é=3;", `{"é":3,"\uffff":2,"\ud83d\ude00":1}`},
		{"a name twice, the later counts in the earlier's place", `{"a":1,"b":2,"\u0061":3}`, `a=3;b=2;`, `{"\u0061":3,"b":2}`},
		{"names with half a pair", `{"\ud800":1,"\ud800":2,"\ue000":3,"a":4}`, "?\"\\ud800\"=1;?\"\\ud800\"=2;\ue000=3;a=4;", `{"a":4,"\ud800":1,"\ud800":2,"\ue000":3}`},
		{"a name that is a tag", `{" di":{" t__":[1]}}`, ` t=[1];`, `{" di":{" t__":[1]}}`},
		{"the tag of tags", `{" di":{" di__":{" t":[]}}}`, ` di={" t":[]};`, `{" di":{" di__":{" t":[]}}}`},
		{"a tag among others", `{" t":1,"x":2}`, ` t=1;x=2;`, `{" t":1,"x":2}`},
		{"a wrapper with white space", " { \" di\" : {\n\" t__\" : [ 1 ] } } ", ` t=[ 1 ];`, `{" di":{" t__":[ 1 ]}}`},
		{"a wrapper without need", `{" di":{"a__":1}}`, `a=1;`, `{"a":1}`},
		{"a wrapper of a name with half a pair", `{" di":{"\ud800__":1}}`, `?"\ud800"=1;`, `{"\ud800":1}`},
		{"a wrapper's suffix with half a pair", `{" di":{"ab\ud800_":1}}`, `ab=1;`, `{"ab":1}`},
		{"a name of one character in a wrapper", `{" di":{"a":1}}`, `=1;`, `{"":1}`},
		{"no tag", `{" x":1}`, ` x=1;`, `{" x":1}`},
		{"words that JSON lacks", `{"a":NaN,"b":Infinity,"c":-Infinity}`, `a=NaN;b=Infinity;c=-Infinity;`, `{"a":NaN,"b":Infinity,"c":-Infinity}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := splitText(tt.data); err != nil || got != tt.fields {
				t.Errorf("split: got %s and error %v, want %s", got, err, tt.fields)
			}
			if got, err := rejoin([]byte(tt.data)); err != nil || string(got) != tt.joined {
				t.Errorf("joined: got %s and error %v, want %s", got, err, tt.joined)
			}
			if !Codec.Match([]byte(tt.data)) {
				t.Error("does not match")
			}
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	for _, data := range []string{
		"", " ", "0", "false", "true", "5", `"abc"`, "[1]", `[["a",1]]`, "nul", "nullx", `"" x`, "[", "[]]",
		"{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a":1}}`, `{"a":1} x`, `{"a" 1}`, `{'a':1}`, `{a:1}`, `{1:1}`,
		`{"a":}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1}`, `{"a":{]}`, `{"a":{"b":1,}}`, `{"a":{"b"}}`, `{"a":{1:2}}`, `{"a":[1 2]}`,
		`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":+1}`, `{"a":-}`, `{"a":- 1}`, `{"a":0x1}`, `{"a":1_0}`,
		`{"a":nan}`, `{"a":Inf}`, `{"a":-NaN}`, `{"a":+Infinity}`, `{"a":tru}`, `{"a":True}`, `{"a":nul`, `{"a":-Inf`,
		"{\"a\":\"x\ty\"}", `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"\u12"}`, `{"a":"`, `{"a":"\`, `{"a":"\u`,
		"{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "\xef\xbb\xbf{}", "{}\x00", "\x00{}",
		`{" t":[["a",1]]}`, `{" b":"YWJj"}`, `{" m":""}`, `{" d":null}`, `{" u":"12000000000000000000000000000034"}`,
		`{" t":[]," t":[]}`, `{" t":{"a__":1}}`, `{" di":[]}`, `{" di":null}`, `{" di":{}}`, `{" di":{ }}`, `{" di":{"a__":1,"b__":2}}`,
		`{" di":{" t":[1]}}`, `{" di":{" di":{"a__":1}}}`, `{" di":{"a__":1},"\u0020di":5}`,
	} {
		dst := []codec.Field{{Name: []byte("before")}}
		got, err := Codec.Split(dst, []byte(data))
		if !errors.Is(err, codec.ErrMalformed) || len(got) != 1 {
			t.Errorf("%q: got %d fields and error %v, want ErrMalformed", data, len(got)-1, err)
		}
		if data == "" || data == " " || data[0] == '\x00' || data[0] == '\xef' || data == "5" {
			if Codec.Match([]byte(data)) {
				t.Errorf("%q matches", data)
			}
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, raw := range []string{
		"", " ", "5 5", "[1", "nul", `"\ud8"`, "\"\xff\"", "01", "-", `{"a":1,}`,
		`{" t":5}`, `{" t":"abc"}`, `{" t":null}`, `{" t":{"x":1}}`, `{" t":{" t":[]}}`,
		`{" b":7}`, `{" b":"a"}`, `{" b":"YQ"}`, `{" b":"_-8="}`, `{" b":"é"}`, `{" b":null}`, `{" b":{" b":"YQ=="}}`, `{" b":"Y==="}`,
		`{" m":3}`, `{" m":null}`, `{" m":{" m":"x"}}`,
		`{" u":"nothex"}`, `{" u":5}`, `{" u":""}`, `{" u":"g2000000000000000000000000000034"}`,
		`{" d":5}`, `{" d":[]}`, `{" d":true}`,
		`{" di":{}}`, `{" di":5}`, `{" di":"xyz"}`, `{" di":["abcd"]}`, `{" di":null}`, `{" di":{"a__":1,"b__":2}}`, `{" di":{" t":[1]}}`,
		`[{"a":{" b":7}}]`,
	} {
		var v any
		if err := Codec.Unmarshal([]byte(raw), &v); !errors.Is(err, codec.ErrMalformed) {
			t.Errorf("%q: got %v and error %v, want ErrMalformed", raw, v, err)
		}
		type typed struct {
			X map[string]int `json:"x"`
		}
		if err := Codec.Unmarshal([]byte(raw), new(typed)); err == nil && raw[0] != '[' {
			t.Errorf("%q: no error for a struct", raw)
		}
	}
}

func TestJoinRefuses(t *testing.T) {
	one := []byte("1")
	for _, tt := range []struct {
		name   string
		fields []codec.Field
		want   error
	}{
		{"no name", []codec.Field{{Raw: one}}, codec.ErrType},
		{"no value", []codec.Field{{Name: []byte("a")}}, codec.ErrType},
		{"a name that is not UTF-8", []codec.Field{{Name: []byte("\xff"), Raw: one}}, codec.ErrType},
		{"too many fields", make([]codec.Field, codec.MaxFields+1), codec.ErrLimit},
		{"too much", []codec.Field{{Name: []byte("a"), Raw: make([]byte, codec.MaxSize)}}, codec.ErrLimit},
		{"too much with its braces", []codec.Field{{Name: []byte("a"), Raw: make([]byte, codec.MaxSize-3)}}, codec.ErrLimit},
	} {
		got, err := Codec.Join([]byte("x"), tt.fields)
		if !errors.Is(err, tt.want) || string(got) != "x" {
			t.Errorf("%s: got %s and error %v, want %v", tt.name, shorten(got), err, tt.want)
		}
	}
}

func TestJoinNewNames(t *testing.T) {
	one := []byte("1")
	got, err := Codec.Join([]byte("x"), []codec.Field{
		{Name: []byte("é\n"), Raw: one}, {Name: []byte("b"), Key: []byte(`"\u0062"`), Raw: one}, {Name: []byte{}, Raw: one}})
	if want := `x{"":1,"\u0062":1,"\u00e9\n":1}`; err != nil || string(got) != want {
		t.Errorf("got %s and error %v, want %s", got, err, want)
	}
	got, err = Codec.Join(nil, []codec.Field{{Name: []byte(" m"), Raw: one}})
	if want := `{" di":{" m__":1}}`; err != nil || string(got) != want {
		t.Errorf("got %s and error %v, want %s", got, err, want)
	}
}

func nested(levels int, open, core, closing string) string {
	return strings.Repeat(open, levels) + core + strings.Repeat(closing, levels)
}

func TestDepth(t *testing.T) {
	for _, tt := range []struct {
		name, open, closing string
		each                int
	}{
		{"lists", "[", "]", 1},
		{"dictionaries", `{"a":`, "}", 1},
		{"tuples", `{" t":[`, "]}", 2},
		{"escaped dictionaries", `{" di":{" t__":`, "}}", 2},
	} {
		for _, form := range [][2]string{{`{"k":`, "}"}, {`{" di":{" t__":`, "}}"}} {
			most := (codec.MaxDepth - 1) / tt.each
			core, more := "1", "[1]"
			if (codec.MaxDepth-1)%tt.each == 1 {
				core, more = "[]", "[[]]"
			}
			deepest := nested(most, tt.open, core, tt.closing)
			deeper := nested(most, tt.open, more, tt.closing)
			fields, err := Codec.Split(nil, []byte(form[0]+deepest+form[1]))
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			var v any
			if err := Codec.Unmarshal(fields[0].Raw, &v); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if again, err := Codec.Marshal(nil, v); err != nil || string(again) != deepest {
				t.Errorf("%s: written again: got %s and error %v", tt.name, shorten(again), err)
			}
			for _, around := range []any{[]any{v}, pyvalue.Tuple{v}, map[string]any{"k": v}, map[string]any{" t": v}, [1]any{v}} {
				if _, err := Codec.Marshal(nil, around); !errors.Is(err, codec.ErrLimit) {
					t.Errorf("%s: writing a %T around it: error %v, want ErrLimit", tt.name, around, err)
				}
			}
			if _, err := Codec.Split(nil, []byte(form[0]+deeper+form[1])); !errors.Is(err, codec.ErrLimit) {
				t.Errorf("%s: deeper in a record: error %v, want ErrLimit", tt.name, err)
			}
			if err := Codec.Unmarshal([]byte(deeper), &v); !errors.Is(err, codec.ErrLimit) {
				t.Errorf("%s: deeper: error %v, want ErrLimit", tt.name, err)
			}
		}
	}
}

// TestDepthOfTags has values that are levels themselves at the bottom.
func TestDepthOfTags(t *testing.T) {
	for _, v := range []any{[]byte{1}, someTime, pyvalue.Markup("x"), someUUID} {
		for n, want := range map[int]error{codec.MaxDepth - 2: nil, codec.MaxDepth - 1: codec.ErrLimit} {
			deep := v
			for range n {
				deep = []any{deep}
			}
			raw, err := Codec.Marshal(nil, deep)
			if !errors.Is(err, want) {
				t.Errorf("a %T in %d lists: error %v, want %v", v, n, err, want)
			}
			if err == nil {
				if err := Codec.Unmarshal(raw, &deep); err != nil {
					t.Errorf("a %T in %d lists cannot be read: %v", v, n, err)
				}
			}
		}
	}
}

func TestSizes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	spaces := strings.Repeat(" ", codec.MaxSize)
	if _, err := Codec.Split(nil, []byte("{}"+spaces)); !errors.Is(err, codec.ErrLimit) {
		t.Errorf("a long record: error %v, want ErrLimit", err)
	}
	var v any
	if err := Codec.Unmarshal([]byte("1"+spaces), &v); !errors.Is(err, codec.ErrLimit) {
		t.Errorf("a long value: error %v, want ErrLimit", err)
	}
	if err := Codec.Unmarshal([]byte(strings.Repeat("9", 4301)), &v); !errors.Is(err, codec.ErrLimit) {
		t.Errorf("a long integer: error %v, want ErrLimit", err)
	}
	// 16 bytes a map of the smallest kind, each of which takes hundreds in memory.
	maps := `[` + strings.Repeat(`{"":1},`, codec.MaxSize/7-1) + `1]`
	if err := Codec.Unmarshal([]byte(maps), &v); !errors.Is(err, codec.ErrLimit) {
		t.Errorf("many maps: error %v, want ErrLimit", err)
	}
	typed := new([]map[string]int)
	if err := Codec.Unmarshal([]byte(strings.Replace(maps, ",1]", "]", 1)), typed); !errors.Is(err, codec.ErrLimit) {
		t.Errorf("many typed maps: error %v, want ErrLimit", err)
	}
	if err := Codec.Unmarshal([]byte(`[`+strings.Repeat(`1,`, codec.MaxSize/2-2)+`1]`), &v); !errors.Is(err, codec.ErrLimit) {
		t.Errorf("a long list: error %v, want ErrLimit", err)
	}
	if err := Codec.Unmarshal([]byte(`[`+strings.Repeat(`null,`, codec.MaxSize/5-1)+`1]`), new([][32]byte)); !errors.Is(err, codec.ErrLimit) {
		t.Errorf("a long typed list: error %v, want ErrLimit", err)
	}
	var b strings.Builder
	for i := range codec.MaxFields + 1 {
		fmt.Fprintf(&b, `,"%d":1`, i)
	}
	many := "{" + b.String()[1:] + "}"
	if _, err := Codec.Split(nil, []byte(many)); !errors.Is(err, codec.ErrLimit) {
		t.Errorf("many fields: error %v, want ErrLimit", err)
	}
	one := many[strings.IndexByte(many, ',')+1:]
	if fields, err := Codec.Split(nil, []byte("{"+one)); err != nil || len(fields) != codec.MaxFields {
		t.Errorf("as many fields as allowed: got %d and error %v", len(fields), err)
	}
}

// Names that come again are found among few fields and among many.
func TestManyNames(t *testing.T) {
	for _, n := range []int{1, fewFields - 1, fewFields, fewFields + 1, 1000} {
		var b strings.Builder
		for range 2 {
			for i := range n {
				fmt.Fprintf(&b, `,"k%d":%d`, i, b.Len())
			}
		}
		before := []codec.Field{{Name: []byte("k0"), Raw: []byte("before")}}
		fields, err := Codec.Split(before, []byte("{"+b.String()[1:]+"}"))
		if err != nil || len(fields) != n+1 || string(fields[0].Raw) != "before" {
			t.Fatalf("%d names: got %d fields and error %v", n, len(fields)-1, err)
		}
		for i, f := range fields[1:] {
			if want := fmt.Sprintf("k%d", i); string(f.Name) != want {
				t.Errorf("%d names: got %s in place %d", n, f.Name, i)
			}
		}
		if string(fields[1].Raw) == "0" {
			t.Errorf("%d names: the earlier value counts", n)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	type fresh struct {
		A, B int
		C    map[string]any
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			raw, err := Codec.Marshal(nil, fresh{A: 1, C: map[string]any{"k": []byte("v")}})
			if err != nil {
				t.Error(err)
			}
			var v fresh
			if err := Codec.Unmarshal(raw, &v); err != nil || v.A != 1 {
				t.Errorf("got %+v and error %v", v, err)
			}
		})
	}
	wg.Wait()
}
