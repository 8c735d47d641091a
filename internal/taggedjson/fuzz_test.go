package taggedjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// records calls add with the records of the vectors and with odd ones.
func records(add func([]byte)) {
	v := loadVectors()
	for _, e := range v.Encode {
		if len(e.JSON) > 0 && len(e.JSON) < 4096 {
			add(e.JSON)
		}
	}
	for _, d := range v.Decode {
		if data := payload(d.Cookie); data != nil && len(data) < 4096 {
			add(data)
		}
	}
	for _, s := range oddValues {
		add([]byte(s))
	}
}

// known reports whether err is one of those that the contract names.
func known(err error) bool {
	return errors.Is(err, codec.ErrMalformed) || errors.Is(err, codec.ErrLimit) || errors.Is(err, codec.ErrType)
}

// FuzzSplit checks that a record is the same after it was split and joined.
func FuzzSplit(f *testing.F) {
	records(func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		fields, err := Codec.Split(nil, data)
		if err != nil {
			if !known(err) || errors.Is(err, codec.ErrType) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		if !Codec.Match(data) {
			t.Fatal("a record that does not match")
		}
		joined, err := Codec.Join(nil, fields)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Codec.Split(nil, joined)
		if err != nil || len(again) != len(fields) {
			t.Fatalf("joined to %q: %d fields instead of %d, error %v", joined, len(again), len(fields), err)
		}
		raws := map[string]string{}
		for _, f := range fields {
			if f.Name != nil {
				raws[string(f.Name)] = string(f.Raw)
			}
		}
		for _, f := range again {
			if raw, ok := raws[string(f.Name)]; f.Name != nil && (!ok || raw != string(f.Raw)) {
				t.Fatalf("the value of %q is %q instead of %q", f.Name, f.Raw, raw)
			}
		}
		if twice, err := Codec.Join(nil, again); err != nil || !bytes.Equal(twice, joined) {
			t.Fatalf("joined again: got %q and error %v, want %q", twice, err, joined)
		}
	})
}

// FuzzUnmarshal checks that what can be read into any can be written, and is
// then the same value in the same bytes every time.
func FuzzUnmarshal(f *testing.F) {
	records(func(data []byte) {
		f.Add(data)
		if fields, err := Codec.Split(nil, data); err == nil {
			for _, field := range fields {
				f.Add(field.Raw)
			}
		}
	})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, dst := range []any{
			new(struct {
				A []pyvalue.Tuple       `json:"a"`
				K map[string]time.Time  `json:"k"`
				T *[]byte               `json:" t"`
				M map[int]json.Number   `json:"m"`
				U map[pyvalue.UUID]bool `json:"u"`
			}), new([]string), new(map[float64]any), new(time.Time), new([2][]int), new(json.RawMessage),
		} {
			if err := Codec.Unmarshal(raw, dst); err != nil && !known(err) {
				t.Fatalf("into %T: unexpected error %v", dst, err)
			}
		}
		var v any
		if err := Codec.Unmarshal(raw, &v); err != nil {
			if !known(err) || errors.Is(err, codec.ErrType) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		once, err := Codec.Marshal(nil, v)
		if err != nil {
			if errors.Is(err, codec.ErrLimit) || hasEarlyDate(v) {
				return
			}
			t.Fatalf("%s cannot be written: %v", show(v), err)
		}
		var back any
		if err := Codec.Unmarshal(once, &back); err != nil || show(back) != show(v) {
			t.Fatalf("%q was %s, is %s, error %v", once, show(v), show(back), err)
		}
		if twice, err := Codec.Marshal(nil, back); err != nil || !bytes.Equal(twice, once) {
			t.Fatalf("written again: got %q and error %v, want %q", twice, err, once)
		}
	})
}

// hasEarlyDate reports whether a time is in v that was in the years that can
// be written in its own zone, but is not in UTC.
func hasEarlyDate(v any) bool {
	switch v := v.(type) {
	case time.Time:
		return v.Year() < firstYear || v.Year() > 9999
	case []any:
		for _, item := range v {
			if hasEarlyDate(item) {
				return true
			}
		}
	case pyvalue.Tuple:
		return hasEarlyDate([]any(v))
	case map[string]any:
		for _, item := range v {
			if hasEarlyDate(item) {
				return true
			}
		}
	}
	return false
}
