package codec

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
)

// lister is what package ledger asks MsgPack and JSON for.
type lister interface {
	Codec
	Elements(dst [][2]uint32, raw []byte) ([][2]uint32, error)
	AppendList(dst []byte, n int, elements iter.Seq[[]byte]) []byte
}

// pieces returns the elements of the list raw.
func pieces(c lister, raw []byte) ([][]byte, error) {
	at, err := c.Elements(nil, raw)
	list := make([][]byte, len(at))
	for i, x := range at {
		list[i] = raw[x[0]:x[1]]
	}
	return list, err
}

func TestElements(t *testing.T) {
	for _, tt := range []struct {
		codec Codec
		raw   string
		want  []string
		err   error
	}{
		{MsgPack, "\x90", nil, nil},
		{MsgPack, "\x93\x01\x92\x02\x03\xa1x", []string{"\x01", "\x92\x02\x03", "\xa1x"}, nil},
		{MsgPack, "\xdd\x00\x00\x00\x01\xc0", []string{"\xc0"}, nil},
		{MsgPack, "\xdd\xff\xff\xff\xff\xc0", nil, ErrMalformed},
		{MsgPack, "\x92\x01", nil, ErrMalformed},
		{MsgPack, "\x91\x01\x01", nil, ErrMalformed},
		{MsgPack, "\x81\x01\x01", nil, ErrType},
		{MsgPack, "\xc0", nil, ErrType},
		{MsgPack, "", nil, ErrMalformed},
		{JSON, `[]`, nil, nil},
		{JSON, ` [ 1 ,[2, 3],"x" ] `, []string{"1", "[2, 3]", `"x"`}, nil},
		{JSON, `[1,]`, nil, ErrMalformed},
		{JSON, `[,1]`, nil, ErrMalformed},
		{JSON, `[1`, nil, ErrMalformed},
		{JSON, `[1]2`, nil, ErrMalformed},
		{JSON, `[`, nil, ErrMalformed},
		{JSON, `{"a":1}`, nil, ErrType},
		{JSON, `null`, nil, ErrType},
		{JSON, ``, nil, ErrType},
		{JSON, strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), nil, ErrLimit},
	} {
		c := tt.codec.(lister)
		got, err := pieces(c, []byte(tt.raw))
		if !errors.Is(err, tt.err) || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
			t.Errorf("%s: elements of %.40q are %q, %v, want %q, %v", c.Name(), tt.raw, got, err, tt.want, tt.err)
		}
		if kept, err := c.Elements([][2]uint32{{7, 8}}, []byte(tt.raw)); kept[0] != [2]uint32{7, 8} || err != nil && len(kept) != 1 {
			t.Errorf("%s: elements of %.40q are appended as %v", c.Name(), tt.raw, kept)
		}
	}
}

// checkElements holds Elements to what Unmarshal finds.
func checkElements(t *testing.T, c lister, raw []byte) {
	list, err := pieces(c, raw)
	var values []any
	whole := c.Unmarshal(raw, &values)
	if err != nil {
		if whole == nil && values != nil {
			t.Fatalf("a list of %d has no elements: %v", len(values), err)
		}
		return
	}
	if whole == nil && len(values) != len(list) {
		t.Fatalf("%d elements, want %d", len(list), len(values))
	}
	again := c.AppendList(nil, len(list), slices.Values(list))
	back, err := pieces(c, again)
	if err != nil || fmt.Sprintf("%q", back) != fmt.Sprintf("%q", list) {
		t.Fatalf("the elements are %q, %v after they were put together, want %q", back, err, list)
	}
	if whole == nil {
		written, err := c.Marshal(nil, values)
		if err != nil {
			return
		}
		own, err := pieces(c, written)
		if err != nil || string(c.AppendList(nil, len(own), slices.Values(own))) != string(written) {
			t.Fatalf("%q is put together otherwise than written, %v", written, err)
		}
	}
}

func FuzzMsgPackElements(f *testing.F) {
	seed(f, "flask_session_msgpack.json")
	f.Add([]byte("\x92\x92\xa1a\xa1b\x92\xa1c\xa1d"))
	f.Fuzz(func(t *testing.T, data []byte) { checkElements(t, MsgPack.(lister), data) })
}

func FuzzJSONElements(f *testing.F) {
	seed(f, "flask_session_json.json")
	f.Add([]byte(`[["a","b"], ["c","d"] ]`))
	f.Fuzz(func(t *testing.T, data []byte) { checkElements(t, JSON.(lister), data) })
}
