package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// The vectors are what Flask-Session 0.8 with msgspec 0.21.1 stored, and what
// it read from given bytes.
type vectors struct {
	Encode []vector
	Decode []vector
}

type vector struct {
	Name   string
	Value  tagged
	Stored *string
	// Of large records only the length and the hash are given.
	StoredLen    int    `json:"stored_len"`
	StoredSHA256 string `json:"stored_sha256"`
	StoredBase64 string `json:"stored_b64"`
	// Loaded is what comes back, if that is not Value.
	Loaded      *tagged
	Same        bool
	EncodeError any `json:"encode_error"`
	DecodeError any `json:"decode_error"`
}

// Vectors that do not pass, and why that is right. An entry that would pass is
// an error.
var (
	msgpackUnlike = map[string]string{
		"str_lone_surrogate":   "msgspec refuses it; we write text that is not UTF-8 as bytes",
		"int_2_64":             "msgspec refuses integers beyond 64 bits, we write extension 73",
		"int_10_30":            "as int_2_64",
		"int_2_2100":           "as int_2_64",
		"int_neg_2_63_minus_1": "as int_2_64",
		"int_neg_10_30":        "as int_2_64",
		"markup":               "Go has no type Markup; its text is a string",
		"markup_empty":         "as markup",
		"str_subclass":         "Go has no subclasses",
		"int_subclass":         "as str_subclass",
	}
	msgpackUnread = map[string]string{
		"dict_bytes_key": "a []byte cannot be the key of a Go map",
		"dict_tuple_key": "a slice cannot be the key of a Go map",
	}
	jsonUnlike = map[string]string{
		"str_lone_surrogate": "msgspec refuses it; we write U+FFFD, as encoding/json does",
		"float_inf":          "msgspec writes null, another value; we refuse",
		"float_neg_inf":      "as float_inf",
		"float_nan":          "as float_inf",
		"markup":             "Go has no type Markup; its text is a string",
		"markup_empty":       "as markup",
		"str_subclass":       "Go has no subclasses",
		"int_subclass":       "as str_subclass",
	}
	jsonUnread   = map[string]string{}
	decodeUnlike = map[string]string{
		"top_int":                  "a record is a dictionary; Flask-Session fails on it later",
		"top_list":                 "as top_int",
		"top_str":                  "as top_int",
		"top_nil":                  "as top_int",
		"top_list_pairs":           "a record is a dictionary, not what Python can make one of",
		"json_top_list":            "as top_int",
		"json_top_null":            "as top_int",
		"mp_one_byte_c0":           "as top_int",
		"ambiguous_digit":          "as top_int",
		"ambiguous_true":           "as top_int",
		"mp_map_key":               "Python cannot hold it; we keep the field, which cannot be asked for",
		"mp_ts64":                  "Python cuts nanoseconds off, Go has them",
		"pickle_proto0":            "pickle is another codec",
		"pickle_proto1":            "as pickle_proto0",
		"pickle_proto2":            "as pickle_proto0",
		"pickle_proto3":            "as pickle_proto0",
		"pickle_proto4":            "as pickle_proto0",
		"pickle_proto5":            "as pickle_proto0",
		"pickle_empty_dict_proto4": "as pickle_proto0",
	}
)

func readVectors(t *testing.T, name string) *vectors {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return &v
}

// expect runs one vector, which must fail exactly if it is listed.
func expect(t *testing.T, name string, listed map[string]string, seen map[string]bool, run func() error) {
	t.Run(name, func(t *testing.T) {
		err := run()
		reason, isListed := listed[name]
		seen[name] = true
		switch {
		case err != nil && !isListed:
			t.Error(err)
		case err == nil && isListed:
			t.Errorf("passes, although it is listed: %s", reason)
		}
	})
}

func checkSeen(t *testing.T, listed map[string]string, seen map[string]bool) {
	for name := range listed {
		if !seen[name] {
			t.Errorf("listed, but there is no such vector: %s", name)
		}
	}
}

func TestVectorsAreWritten(t *testing.T) {
	for _, c := range []struct {
		codec  Codec
		file   string
		listed map[string]string
	}{
		{MsgPack, "flask_session_msgpack.json", msgpackUnlike},
		{JSON, "flask_session_json.json", jsonUnlike},
	} {
		t.Run(c.codec.Name(), func(t *testing.T) {
			seen := make(map[string]bool)
			for _, v := range readVectors(t, c.file).Encode {
				expect(t, v.Name, c.listed, seen, func() error { return checkWritten(c.codec, &v) })
			}
			checkSeen(t, c.listed, seen)
		})
	}
}

// checkWritten writes the value in the two ways there are: as one map, and
// field by field, which keeps the order.
func checkWritten(c Codec, v *vector) error {
	value := v.Value
	if v.Value.has("object") && v.Loaded != nil {
		value = *v.Loaded // dataclasses and the like
	}
	whole, err := c.Marshal(nil, value.ordered())
	if v.EncodeError != nil {
		if !errors.Is(err, ErrType) {
			return fmt.Errorf("got error %v, want ErrType", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := v.compare(whole); err != nil {
		return fmt.Errorf("as a map: %w", err)
	}
	var fields []Field
	for _, p := range value.pairs() {
		if p[0].T != "str" {
			return nil
		}
		raw, err := c.Marshal(nil, p[1].ordered())
		if err != nil {
			return err
		}
		fields = append(fields, Field{Name: []byte(p[0].text()), Raw: raw})
	}
	joined, err := c.Join(nil, fields)
	if err != nil {
		return err
	}
	return v.compare(joined)
}

func (v *vector) compare(got []byte) error {
	if v.Stored == nil {
		sum := sha256.Sum256(got)
		if len(got) != v.StoredLen || hex.EncodeToString(sum[:]) != v.StoredSHA256 {
			return fmt.Errorf("got %d bytes with hash %x, want %d with %s", len(got), sum, v.StoredLen, v.StoredSHA256)
		}
		return nil
	}
	if got := hex.EncodeToString(got); got != *v.Stored {
		return fmt.Errorf("got %s, want %s", got, *v.Stored)
	}
	return nil
}

func TestVectorsAreRead(t *testing.T) {
	for _, c := range []struct {
		codec  Codec
		file   string
		listed map[string]string
	}{
		{MsgPack, "flask_session_msgpack.json", msgpackUnread},
		{JSON, "flask_session_json.json", jsonUnread},
	} {
		t.Run(c.codec.Name(), func(t *testing.T) {
			seen := make(map[string]bool)
			for _, v := range readVectors(t, c.file).Encode {
				if v.EncodeError != nil {
					continue
				}
				expect(t, v.Name, c.listed, seen, func() error { return checkRead(c.codec, &v) })
			}
			checkSeen(t, c.listed, seen)
		})
	}
}

func (v *vector) bytes(c Codec) ([]byte, error) {
	switch {
	case v.Stored != nil:
		return hex.DecodeString(*v.Stored)
	case v.StoredBase64 != "":
		return base64.StdEncoding.DecodeString(v.StoredBase64)
	}
	return c.Marshal(nil, v.Value.ordered()) // equal, as the other test shows
}

// checkRead reads the record as a whole and field by field, and joins it
// again.
func checkRead(c Codec, v *vector) error {
	data, err := v.bytes(c)
	if err != nil {
		return err
	}
	want := v.Value
	if v.Loaded != nil {
		want = *v.Loaded
	}
	var got any
	if err := c.Unmarshal(data, &got); err != nil {
		return err
	}
	if want := want.plain(); !same(got, want) {
		return fmt.Errorf("got %#v, want %#v", got, want)
	}
	if !c.Match(data) {
		return errors.New("does not match its own codec")
	}
	fields, err := c.Split(nil, data)
	if err != nil {
		return err
	}
	if err := checkFields(c, fields, want.pairs()); err != nil {
		return err
	}
	joined, err := c.Join(nil, fields)
	if err != nil {
		return err
	}
	if !bytes.Equal(joined, data) {
		return fmt.Errorf("joined again: got %x, want %x", joined, data)
	}
	return nil
}

func checkFields(c Codec, fields []Field, want [][2]tagged) error {
	if len(fields) != len(want) {
		return fmt.Errorf("got %d fields, want %d", len(fields), len(want))
	}
	for i, f := range fields {
		var key, value any
		if err := c.Unmarshal(f.Key, &key); err != nil {
			return err
		}
		if err := c.Unmarshal(f.Raw, &value); err != nil {
			return err
		}
		if want := want[i][0].plain(); !same(key, want) {
			return fmt.Errorf("field %d: got key %#v, want %#v", i, key, want)
		}
		if name, ok := key.(string); ok != (f.Name != nil) || ok && name != string(f.Name) {
			return fmt.Errorf("field %d: got name %q, want %#v", i, f.Name, key)
		}
		if want := want[i][1].plain(); !same(value, want) {
			return fmt.Errorf("field %d: got %#v, want %#v", i, value, want)
		}
	}
	return nil
}

func TestForeignVectorsAreRead(t *testing.T) {
	for _, file := range []string{"flask_session_msgpack.json", "flask_session_json.json"} {
		t.Run(file, func(t *testing.T) {
			seen := make(map[string]bool)
			for _, v := range readVectors(t, file).Decode {
				expect(t, v.Name, decodeUnlike, seen, func() error { return checkForeign(&v) })
			}
			checkSeen(t, decodeUnlike, seen)
		})
	}
}

func checkForeign(v *vector) error {
	data, err := v.bytes(nil)
	if err != nil {
		return err
	}
	err = func() error {
		c := Detect(data, MsgPack, JSON)
		if c == nil {
			return errors.New("no codec matches")
		}
		fields, err := c.Split(nil, data)
		if err != nil {
			return err
		}
		if v.DecodeError == nil {
			return checkFields(c, fields, v.Loaded.pairs())
		}
		for _, f := range fields {
			var x any
			if err := c.Unmarshal(f.Raw, &x); err != nil {
				return err
			}
		}
		return nil
	}()
	if v.DecodeError == nil {
		return err
	}
	if err == nil {
		return errors.New("was read, want an error")
	}
	return nil
}

// same is reflect.DeepEqual, but for NaN and the zones of times.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, same)
	case map[any]any:
		b, ok := b.(map[any]any)
		return ok && maps.EqualFunc(a, b, same)
	}
	return reflect.DeepEqual(a, b)
}

// newLike returns a pointer to a new variable of the type v points to.
func newLike(v any) any { return reflect.New(reflect.TypeOf(v).Elem()).Interface() }
