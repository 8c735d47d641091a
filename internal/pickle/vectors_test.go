package pickle

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"
)

// stored is a pickle in the vectors: base64, or what is left of a long one.
type stored struct {
	data []byte
	Len  int    `json:"len"`
	Head string `json:"head"`
	Tail string `json:"tail"`
	Sum  string `json:"sha256"`
}

func (s *stored) UnmarshalJSON(b []byte) (err error) {
	var text string
	if json.Unmarshal(b, &text) == nil {
		s.data, err = base64.StdEncoding.DecodeString(text)
		return err
	}
	type plain stored
	return json.Unmarshal(b, (*plain)(s))
}

// is reports whether data is the pickle.
func (s *stored) is(data []byte) bool {
	if s.Sum == "" {
		return bytes.Equal(data, s.data)
	}
	sum := sha256.Sum256(data)
	return len(data) == s.Len && hex.EncodeToString(sum[:]) == s.Sum
}

type vectors struct {
	Values []struct {
		Name       string
		Value      tagged
		Redis      stored // protocol 4
		Memcached  stored // protocol 0
		Filesystem stored // protocol 5
	}
	Other []struct {
		Name   string
		Value  tagged
		Proto1 stored
		Proto2 stored
		Proto3 stored
	} `json:"other_protocols"`
	DecodeOnly []sample `json:"decode_only"`
	Malformed  []sample
	Hostile    []sample
}

type sample struct {
	Name   string
	Stored stored
	Loaded *tagged
	Note   string
	Must   string
}

func loadJSON(t testing.TB, name string, dst any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, dst); err != nil {
		t.Fatal(err)
	}
}

func loadVectors(t testing.TB) (v vectors) {
	t.Helper()
	loadJSON(t, "flask_session_pickle.json", &v)
	if len(v.Values) < 100 || len(v.Other) < 100 || len(v.Hostile) < 40 || len(v.Malformed) < 40 || len(v.DecodeOnly) < 40 {
		t.Fatal("vectors are missing")
	}
	return v
}

// A vector is a value and its pickle in one protocol.
type vector struct {
	name     string
	protocol int
	want     tagged
	pickle   stored
}

func allVectors(t testing.TB) (all []vector) {
	vs := loadVectors(t)
	for _, v := range vs.Values {
		all = append(all,
			vector{v.Name, 0, v.Value, v.Memcached},
			vector{v.Name, 4, v.Value, v.Redis},
			vector{v.Name, 5, v.Value, v.Filesystem})
	}
	for _, v := range vs.Other {
		all = append(all,
			vector{v.Name, 1, v.Value, v.Proto1},
			vector{v.Name, 2, v.Value, v.Proto2},
			vector{v.Name, 3, v.Value, v.Proto3})
	}
	return all
}

func TestReadsWhatPythonWrote(t *testing.T) {
	for _, v := range allVectors(t) {
		data := v.pickle.data
		if data == nil { // only its digest is in the vectors
			var err error
			if data, err = Append(nil, v.want.value(t), v.protocol); err != nil || !v.pickle.is(data) {
				t.Errorf("%s, protocol %d: error %v, or not what Python wrote", v.name, v.protocol, err)
				continue
			}
		}
		got, err := Unmarshal(data, Limits{})
		if err != nil {
			t.Errorf("%s, protocol %d: %v", v.name, v.protocol, err)
			continue
		}
		if got, want := describe(got), describe(v.want.value(t)); got != want {
			t.Errorf("%s, protocol %d:\n got %s\nwant %s", v.name, v.protocol, shorten(got), shorten(want))
		}
	}
}

// TestRewritesTheSameBytes reads what Python wrote and writes it again: the
// bytes are the same, for every vector in every protocol.
func TestRewritesTheSameBytes(t *testing.T) {
	for _, v := range allVectors(t) {
		if v.pickle.data == nil {
			continue
		}
		value, err := Unmarshal(v.pickle.data, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		got, err := Append([]byte("before"), value, v.protocol)
		if err != nil {
			t.Errorf("%s, protocol %d: %v", v.name, v.protocol, err)
		} else if got := got[len("before"):]; !bytes.Equal(got, v.pickle.data) {
			t.Errorf("%s, protocol %d:\n got %q\nwant %q", v.name, v.protocol, shorten(string(got)), shorten(string(v.pickle.data)))
		}
	}
}

// unwritable are the vectors whose bytes do not follow from the value alone.
var unwritable = map[string]string{
	"memo_shared_list": "the tagged value does not say that two lists are one",
	"datetime_fold":    "the tagged value does not say that the fold is set",
	"timezone_named":   "the tagged value does not have the zone's name",
}

// TestWritesWhatPythonWrote writes values that were not read from a pickle.
func TestWritesWhatPythonWrote(t *testing.T) {
	different := map[string]bool{}
	for _, v := range allVectors(t) {
		got, err := Append(nil, v.want.value(t), v.protocol)
		if err != nil {
			t.Errorf("%s, protocol %d: %v", v.name, v.protocol, err)
			continue
		}
		if v.pickle.is(got) {
			continue
		}
		if unwritable[v.name] != "" {
			different[v.name] = true
			continue
		}
		t.Errorf("%s, protocol %d:\n got %q\nwant %q", v.name, v.protocol, shorten(string(got)), shorten(string(v.pickle.data)))
	}
	for name, why := range unwritable {
		if !different[name] {
			t.Errorf("%s is listed (%s), but written as Python does, or there is no such vector", name, why)
		}
	}
}

func TestReadsWhatOldWritersWrote(t *testing.T) {
	for _, v := range loadVectors(t).DecodeOnly {
		got, err := Unmarshal(v.Stored.data, Limits{})
		if v.Loaded == nil { // Python fails, or has a value that contains itself
			if err == nil {
				t.Errorf("%s: got %s, want an error", v.Name, shorten(describe(got)))
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		} else if got, want := describe(got), describe(v.Loaded.value(t)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", v.Name, got, want)
		}
	}
}

func TestRefusesMalformed(t *testing.T) {
	for _, v := range loadVectors(t).Malformed {
		got, err := Unmarshal(v.Stored.data, Limits{})
		if v.Loaded != nil {
			if err != nil || describe(got) != describe(v.Loaded.value(t)) {
				t.Errorf("%s: got %v, %v", v.Name, got, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: got %s, want an error", v.Name, shorten(describe(got)))
		} else if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrRefused) && !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v matches no sentinel", v.Name, err)
		}
	}
}

// TestReadsCachelibFiles reads the pickles behind the four bytes of expiry that
// cachelib puts before them.
func TestReadsCachelibFiles(t *testing.T) {
	var files struct {
		Sessions []struct {
			Name  string
			Value tagged
			File  struct{ Content []byte }
		}
		Directories []struct {
			Name  string
			Files []struct{ Content []byte }
		}
		Behaviour []struct {
			Name     string
			Content  []byte
			Returned tagged
		}
	}
	loadJSON(t, "cachelib_files.json", &files)
	for _, s := range files.Sessions {
		got, err := Unmarshal(s.File.Content[4:], Limits{})
		if err != nil || describe(got) != describe(s.Value.value(t)) {
			t.Errorf("%s: got %v, %v", s.Name, got, err)
			continue
		}
		again, err := Append(nil, got, 5)
		if err != nil || !bytes.Equal(again, s.File.Content[4:]) {
			t.Errorf("%s: rewritten as %q, %v", s.Name, shorten(string(again)), err)
		}
	}
	for _, d := range files.Directories {
		for i, f := range d.Files {
			if _, err := Unmarshal(f.Content[4:], Limits{}); err != nil {
				t.Errorf("%s, file %d: %v", d.Name, i, err)
			}
		}
	}
	broken := map[string]bool{"header_only": true, "garbage_payload": true, "truncated_pickle": true, "json_payload": true}
	for _, b := range files.Behaviour {
		if len(b.Content) < 4 {
			continue
		}
		if _, err := Unmarshal(b.Content[4:], Limits{}); (err != nil) != broken[b.Name] {
			t.Errorf("%s: error %v", b.Name, err)
		}
	}
	if len(files.Sessions) < 100 || len(files.Directories) < 10 || len(files.Behaviour) < 10 {
		t.Error("vectors are missing")
	}
}
