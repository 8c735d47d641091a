package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// seed adds what Python stored, which is up to 4 KB each.
func seed(f *testing.F, file string) {
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		f.Fatal(err)
	}
	var vs vectors
	if err := json.Unmarshal(data, &vs); err != nil {
		f.Fatal(err)
	}
	for _, v := range append(vs.Encode, vs.Decode...) {
		var raw []byte
		switch {
		case v.Stored != nil:
			raw, err = hex.DecodeString(*v.Stored)
		case v.StoredBase64 != "":
			raw, err = base64.StdEncoding.DecodeString(v.StoredBase64)
		}
		if err != nil {
			f.Fatal(err)
		}
		if len(raw) < 4096 {
			f.Add(raw)
		}
	}
}

func FuzzMsgPackSplit(f *testing.F) {
	seed(f, "flask_session_msgpack.json")
	f.Fuzz(func(t *testing.T, data []byte) { checkSplit(t, MsgPack, data) })
}

func FuzzJSONSplit(f *testing.F) {
	seed(f, "flask_session_json.json")
	f.Fuzz(func(t *testing.T, data []byte) { checkSplit(t, JSON, data) })
}

func FuzzMsgPackValue(f *testing.F) {
	seed(f, "flask_session_msgpack.json")
	f.Fuzz(func(t *testing.T, data []byte) { checkValue(t, MsgPack, data) })
}

func FuzzJSONValue(f *testing.F) {
	seed(f, "flask_session_json.json")
	f.Fuzz(func(t *testing.T, data []byte) { checkValue(t, JSON, data) })
}

func FuzzConvert(f *testing.F) {
	seed(f, "flask_session_msgpack.json")
	seed(f, "flask_session_json.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		checkConvert(t, JSON, MsgPack, data)
		checkConvert(t, MsgPack, JSON, data)
	})
}

// ours reports whether err is one that the Codec interface promises.
func ours(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, ErrLimit) || errors.Is(err, ErrType)
}

// checkSplit checks that a record which is split can be joined again.
func checkSplit(t *testing.T, c Codec, data []byte) {
	before := bytes.Clone(data)
	fields, err := c.Split(nil, data)
	if !bytes.Equal(before, data) {
		t.Fatal("Split changed the record")
	}
	if err != nil {
		if !ours(err) {
			t.Fatalf("Split: unexpected error %v", err)
		}
		return
	}
	names := make(map[string]bool)
	for _, f := range fields {
		if f.Name != nil && names[string(f.Name)] {
			t.Fatalf("two fields are called %q", f.Name)
		}
		names[string(f.Name)] = f.Name != nil
		if err := c.Unmarshal(f.Raw, new(any)); err != nil && !ours(err) {
			t.Fatalf("Unmarshal: unexpected error %v", err)
		}
	}
	joined, err := c.Join(nil, fields)
	if err != nil {
		t.Fatalf("Join: %v", err)
	}
	again, err := c.Split(nil, joined)
	if err != nil || len(again) != len(fields) {
		t.Fatalf("split again: got %d fields and error %v, want %d", len(again), err, len(fields))
	}
	for i := range again {
		a, b := again[i], fields[i]
		if !bytes.Equal(a.Name, b.Name) || !bytes.Equal(a.Key, b.Key) || !bytes.Equal(a.Raw, b.Raw) {
			t.Fatalf("field %d: got %q, want %q", i, a, b)
		}
	}
	if len(joined) == len(data) && len(fields) > 0 && c == MsgPack && !bytes.Equal(joined[1:], data[1:]) {
		t.Fatalf("joined: got %x, want %x", joined, data)
	}
}

// everything has a field of each kind that is read in its own way.
type everything struct {
	A int8              `json:"a"`
	K any               `json:"k"`
	B *everything       `json:"b"`
	C []everything      `json:"c"`
	D map[string][]byte `json:"d"`
	E map[int]float32   `json:"e"`
	T time.Time         `json:"t"`
	X Ext               `json:"x"`
	L level             `json:"l"`
	P point             `json:"p"`
	R [2]uint16         `json:"r"`
	S string            `json:"s"`
}

func checkValue(t *testing.T, c Codec, data []byte) {
	for _, dst := range []any{
		new(everything), new(map[string]everything), new([]map[string]string), new(map[any]int), new(map[string]time.Time),
		new(map[string]Ext), new(map[string]level), new(map[string]float32), new(map[string]*uint16), new(map[string][]byte),
	} {
		err := c.Unmarshal(data, dst)
		if err == nil {
			checkAgain(t, c, dst)
		} else if !ours(err) {
			t.Fatalf("into %T: unexpected error %v", dst, err)
		}
	}
	var v any
	if err := c.Unmarshal(data, &v); err == nil {
		checkAgain(t, c, &v)
	} else if !ours(err) {
		t.Fatalf("unexpected error %v", err)
	}
	for _, read := range []func() error{
		func() error { s, err := Value[string](c, data); return agrees(c, data, s, err) },
		func() error { i, err := Value[int64](c, data); return agrees(c, data, i, err) },
		func() error { b, err := Value[bool](c, data); return agrees(c, data, b, err) },
	} {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
}

// agrees checks that the short way gives the same as Unmarshal, apart from
// lists and maps, which the short way does not look into.
func agrees[T comparable](c Codec, data []byte, v T, err error) error {
	var want T
	wantErr := c.Unmarshal(data, &want)
	if (err == nil) != (wantErr == nil) || err == nil && v != want {
		return errors.New("Value and Unmarshal disagree")
	}
	return nil
}

// checkAgain checks that what was read can be written and reads back as the
// same.
func checkAgain(t *testing.T, c Codec, v any) {
	written, err := c.Marshal(nil, v)
	if err != nil {
		if !ours(err) || errors.Is(err, ErrMalformed) {
			t.Fatalf("Marshal: unexpected error %v", err)
		}
		return // a record as deep as allowed, say
	}
	again := newLike(v)
	if err := c.Unmarshal(written, again); err != nil {
		t.Fatalf("what was written cannot be read into %T: %v", v, err)
	}
	twice, err := c.Marshal(nil, again)
	if err != nil || !bytes.Equal(twice, written) {
		t.Fatalf("written again: got %q and error %v, want %q", twice, err, written)
	}
}

// checkConvert checks that a value survives the way to another codec and
// back.
func checkConvert(t *testing.T, to, from Codec, data []byte) {
	there, err := Convert(nil, to, from, data)
	if err != nil {
		if !ours(err) {
			t.Fatalf("unexpected error %v", err)
		}
		return
	}
	back, err := Convert(nil, from, to, there)
	if err != nil {
		t.Fatalf("back from %s: %v", to.Name(), err)
	}
	var a, b any
	if err := from.Unmarshal(data, &a); err != nil {
		if errors.Is(err, ErrType) || errors.Is(err, ErrLimit) {
			return // keys that Go cannot hold
		}
		t.Fatal(err)
	}
	if err := from.Unmarshal(back, &b); err != nil {
		t.Fatal(err)
	}
	if !same(a, b) && !sameBytes(from, a, b) {
		t.Fatalf("got %#v, want %#v", b, a)
	}
}

// sameBytes compares what same cannot: *big.Int.
func sameBytes(c Codec, a, b any) bool {
	x, _ := c.Marshal(nil, a)
	y, _ := c.Marshal(nil, b)
	return bytes.Equal(x, y)
}
