package taggedjson

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/codec"
)

type vectors struct {
	Encode []struct {
		Name      string
		Value     tagged
		JSON      []byte
		Loaded    *tagged
		DumpError *struct{ Message string } `json:"dump_error"`
	}
	Decode []struct {
		Name        string
		Cookie      string
		Verdict     string
		Loads       struct{ OK *tagged }
		OpenSession struct{ Session *tagged } `json:"open_session"`
	}
}

var loadVectors = sync.OnceValue(func() *vectors {
	data, err := os.ReadFile("testdata/flask_cookie.json")
	if err != nil {
		panic(err)
	}
	v := new(vectors)
	if err := json.Unmarshal(data, v); err != nil {
		panic(err)
	}
	return v
})

// payload returns the JSON inside a cookie, or nil if it does not get that far.
func payload(cookie string) []byte {
	parts := strings.Split(cookie, ".")
	if len(parts) < 3 {
		return nil
	}
	text := strings.Join(parts[:len(parts)-2], ".")
	packed := strings.HasPrefix(text, ".")
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimLeft(text, "."))
	if err != nil {
		return nil
	}
	if packed {
		r, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		if data, err = io.ReadAll(r); err != nil {
			return nil
		}
	}
	return data
}

// A difference is a vector for which this package does something else than
// Flask, on purpose.
type difference map[string]string

// check reports the listed differences that were not met.
func (d difference) check(t *testing.T, used map[string]bool) {
	t.Helper()
	for name, why := range d {
		if !used[name] {
			t.Errorf("%s is listed as different (%s), but it is not, or there is no such vector", name, why)
		}
	}
}

const (
	noType  = "Go has no such type"
	handish = "Flask never writes this"
)

func TestVectorsWrite(t *testing.T) {
	different := difference{
		"str_lone_surrogate": "a Go string cannot hold half a surrogate pair",
		"datetime_year_1":    "the zero time is None: Flask reads the year 2001 back",
		"dict_uuid_key":      "keys with MarshalText are text, as in every codec",
		"dict_date_key":      noType,
	}
	used := map[string]bool{}
	n := 0
	for _, v := range loadVectors().Encode {
		var got []byte
		var err error
		switch value := v.Value.value().(type) {
		case map[string]any:
			got, err = dump(value)
		default: // a key that is no string
			got, err = Codec.Marshal(nil, value)
		}
		same := err == nil && bytes.Equal(got, v.JSON)
		if v.DumpError != nil {
			same = errors.Is(err, codec.ErrType)
		}
		if _, ok := different[v.Name]; ok && !same {
			used[v.Name] = true
			continue
		}
		n++
		if !same {
			t.Errorf("%s: got %s and error %v, want %s", v.Name, shorten(got), err, shorten(v.JSON))
		}
	}
	if n < 140 {
		t.Errorf("only %d vectors were compared", n)
	}
	different.check(t, used)
}

func TestVectorsRead(t *testing.T) {
	n := 0
	for _, v := range loadVectors().Encode {
		if v.Loaded == nil {
			continue
		}
		n++
		got, err := load(v.JSON)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if got, want := show(got), show(v.Loaded.value()); got != want {
			t.Errorf("%s: got %s, want %s", v.Name, shorten(got), shorten(want))
		}
		if again, err := rejoin(v.JSON); err != nil || !bytes.Equal(again, v.JSON) {
			t.Errorf("%s: split and joined: got %s and error %v, want %s", v.Name, shorten(again), err, shorten(v.JSON))
		}
	}
	if n < 130 {
		t.Errorf("only %d vectors were compared", n)
	}
}

// rejoin splits and joins a record.
func rejoin(data []byte) ([]byte, error) {
	fields, err := Codec.Split(nil, data)
	if err != nil {
		return nil, err
	}
	return Codec.Join(nil, fields)
}

func TestVectorsOdd(t *testing.T) {
	different := difference{
		"payload_json_pairs":     "a record is a dictionary",
		"payload_tag_top_tuple":  "a record is a dictionary",
		"payload_tag_tuple_str":  handish,
		"payload_tag_tuple_dict": handish,
		"payload_tag_markup_int": handish, "payload_tag_markup_null": handish, "payload_tag_markup_list": handish,
		"payload_tag_di_two": handish,
	}
	used := map[string]bool{}
	n := 0
	for _, v := range loadVectors().Decode {
		data := payload(v.Cookie)
		signed := strings.HasPrefix(v.Name, "payload_") || strings.HasPrefix(v.Name, "zlib_") || v.Name == "good"
		if data == nil || !signed {
			continue
		}
		want := "refused"
		if v.Verdict != "http_500" {
			want = show(v.OpenSession.Session.value())
		}
		got := "refused"
		m, err := load(data)
		if err == nil {
			got = show(m)
		} else if !errors.Is(err, codec.ErrMalformed) {
			t.Errorf("%s: the error is %v", v.Name, err)
		}
		if _, ok := different[v.Name]; ok && got != want {
			used[v.Name] = true
			continue
		}
		n++
		if got != want {
			t.Errorf("%s: got %s (%v), want %s", v.Name, shorten(got), err, shorten(want))
		}
	}
	if n < 60 {
		t.Errorf("only %d vectors were compared", n)
	}
	different.check(t, used)
}

// What Flask reads today it must still read after this package has written it.
func TestVectorsOddRewritten(t *testing.T) {
	for _, v := range loadVectors().Decode {
		data := payload(v.Cookie)
		if data == nil || v.Verdict == "http_500" {
			continue
		}
		before, err := load(data)
		if err != nil {
			continue
		}
		again, err := rejoin(data)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if after, err := load(again); err != nil || show(after) != show(before) {
			t.Errorf("%s: got %s and error %v, want %s", v.Name, shorten(show(after)), err, shorten(show(before)))
		}
	}
}
