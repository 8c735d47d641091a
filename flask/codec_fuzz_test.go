package flask_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
)

// FuzzRecordCodec rewrites records of any format in any format: nothing gets
// lost, and what has been rewritten once stays as it is.
func FuzzRecordCodec(f *testing.F) {
	for i, s := range []string{
		pickled, "\x83\xa1a\x93\xc0\xc3\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa1b\xc4\x01\xff\x07\x81\x01\x02", `{"b":"é","a":[1.5,{"x":null}]}`,
		"{\"0\":\"\xa9\"}", "(dVa\nI1\nsVt\n(I1\nI2\ntsI7\nVx\ns.", "\x80\x02}q\x00(U\x01aK\x01U\x01mcmarkupsafe\nMarkup\nU\x03<b>\x85\x81u.", "\x80", "}.",
		"\x80\x04}(\x8f(K\x01K\x02\x90q\x00K\x01\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01G?\xf8\x00\x00\x00\x00\x00\x00C\x01\xffu.",
	} {
		f.Add([]byte(s), byte(i))
	}
	formats := []flask.Format{flask.FormatMsgPack, flask.FormatJSON, flask.FormatPickle}
	f.Fuzz(func(t *testing.T, record []byte, which byte) {
		c := flask.RecordCodec(formats[int(which)%len(formats)])
		fields, err := c.Split(nil, record)
		if err != nil {
			if !errors.Is(err, codec.ErrMalformed) && !errors.Is(err, codec.ErrLimit) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		if !c.Match(record) {
			t.Fatal("a record that does not match")
		}
		out, err := c.Join(nil, fields)
		if errors.Is(err, codec.ErrLimit) {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", record, err)
		}
		again, err := c.Split(nil, out)
		if err != nil || len(again) != len(fields) {
			t.Fatalf("%q became %q: %d fields instead of %d, error %v", record, out, len(again), len(fields), err)
		}
		for i := range fields {
			if n := fields[i].Name; n != nil && !bytes.Equal(again[i].Name, n) {
				t.Fatalf("%q became %q: name %q instead of %q", record, out, again[i].Name, n)
			}
		}
		if !setAnew(c, fields) {
			t.Fatalf("%q: its values set anew make no record", record)
		}
		if twice, err := c.Join(nil, again); err != nil || !bytes.Equal(twice, out) {
			t.Fatalf("%q became %q and then %q, error %v", record, out, twice, err)
		}
	})
}

// setAnew gives the fields values of the codec's own, one after the other, and
// reports whether they make a record each time.
func setAnew(c codec.Codec, fields []codec.Field) bool {
	one, err := c.Marshal(nil, 1)
	if err != nil {
		return false
	}
	fields = slices.Clone(fields)
	for i := range fields {
		if fields[i].Raw = one; i > 3 && i < len(fields)-1 {
			continue
		}
		out, err := c.Join(nil, fields)
		if err != nil {
			return errors.Is(err, codec.ErrLimit)
		}
		if again, err := c.Split(nil, out); err != nil || len(again) != len(fields) {
			return false
		}
	}
	return true
}
