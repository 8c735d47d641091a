package flask_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
)

// records are what Python stored, by the name of the vector: in MessagePack and
// JSON by Flask-Session 0.8, in pickle by 0.3.2. A nil one is a value that
// msgspec refused.
type records struct{ msgpack, json, pickle map[string][]byte }

func loadRecords(t *testing.T) records {
	t.Helper()
	load := func(file string, dst any) {
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, dst)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	msgspec := func(file string) map[string][]byte {
		var v struct {
			Encode []struct {
				Name        string
				Stored      *string
				EncodeError any `json:"encode_error"`
			}
		}
		load(file, &v)
		all := map[string][]byte{}
		for _, e := range v.Encode {
			switch {
			case e.EncodeError != nil:
				all[e.Name] = nil
			case e.Stored != nil:
				b, err := hex.DecodeString(*e.Stored)
				if err != nil {
					t.Fatal(err)
				}
				all[e.Name] = b
			}
		}
		return all
	}
	var v struct {
		Values []struct {
			Name  string
			Redis json.RawMessage
		}
	}
	load("../internal/pickle/testdata/flask_session_pickle.json", &v)
	pickles := map[string][]byte{}
	for _, e := range v.Values {
		var text string
		if json.Unmarshal(e.Redis, &text) == nil { // else only its digest is there
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			pickles[e.Name] = b
		}
	}
	return records{
		msgspec("../codec/testdata/flask_session_msgpack.json"),
		msgspec("../codec/testdata/flask_session_json.json"), pickles,
	}
}

// rewrite splits a record and joins it again, as saving it with a change does.
func rewrite(c codec.Codec, record []byte) ([]byte, error) {
	fields, err := c.Split(nil, record)
	if err != nil {
		return nil, err
	}
	return c.Join(nil, fields)
}

// TestPicklesBecomeWhatMsgspecWrites rewrites pickles of Flask-Session 0.3.2 in
// the formats of 0.8: the bytes are those that 0.8 wrote for the same value.
func TestPicklesBecomeWhatMsgspecWrites(t *testing.T) {
	all := loadRecords(t)
	for _, tt := range []struct {
		format flask.Format
		want   map[string][]byte
		kept   map[string]string // why, though msgspec has bytes for it
	}{
		{flask.FormatMsgPack, all.msgpack, nil},
		{flask.FormatJSON, all.json, map[string]string{
			"float_inf":     "msgspec writes null, another value",
			"float_neg_inf": "as float_inf",
			"float_nan":     "as float_inf",
		}},
	} {
		t.Run(string(tt.format), func(t *testing.T) {
			c := flask.RecordCodec(tt.format)
			n, kept := 0, 0
			for name, record := range all.pickle {
				want, ok := tt.want[name]
				if !ok {
					continue
				}
				n++
				if _, listed := tt.kept[name]; want == nil || listed {
					want = record
					kept++
				}
				if got, err := rewrite(c, record); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: got %q and error %v, want %q", name, got, err, want)
				}
			}
			if n < 100 || kept < 4 {
				t.Errorf("only %d records were rewritten, and %d kept", n, kept)
			}
		})
	}
}

// TestForeignRecordsAreRead reads each record with the codecs of all formats.
func TestForeignRecordsAreRead(t *testing.T) {
	all := loadRecords(t)
	for _, format := range []flask.Format{flask.FormatMsgPack, flask.FormatJSON, flask.FormatPickle} {
		c := flask.RecordCodec(format)
		if c.Name() != string(format) {
			t.Errorf("the codec of %s is called %s", format, c.Name())
		}
		for from, list := range map[string]map[string][]byte{"msgpack": all.msgpack, "json": all.json, "pickle": all.pickle} {
			for name, record := range list {
				if record == nil {
					continue
				}
				fields, err := c.Split(nil, record)
				if err != nil || !c.Match(record) {
					t.Errorf("%s reads %s in %s: error %v, matches: %v", format, name, from, err, c.Match(record))
					continue
				}
				for _, f := range fields {
					var v any
					if err := c.Unmarshal(f.Raw, &v); err != nil && !strings.Contains(err.Error(), "cannot be a key") {
						t.Errorf("%s reads %s in %s: %v", format, name, from, err)
					}
				}
				again, err := rewrite(c, record)
				if err != nil {
					t.Errorf("%s rewrites %s in %s: %v", format, name, from, err)
				} else if from == string(format) && name != "memo_shared_list" && !bytes.Equal(again, record) {
					t.Errorf("%s rewrites %s as %q, want %q", format, name, again, record)
				}
			}
		}
	}
}

// TestMsgspecRecordsBecomePickles goes from Flask-Session 0.8 back to 0.3.
func TestMsgspecRecordsBecomePickles(t *testing.T) {
	c := flask.RecordCodec(flask.FormatPickle)
	for _, tt := range []struct{ name, record, want string }{
		{"msgpack", "\x83\xa1a\x93\xc0\xc3\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa1b\xc4\x01\xff\x07\x81\x01\x02",
			"\x80\x04}\x94(\x8c\x01a\x94]\x94(N\x88G?\xf8\x00\x00\x00\x00\x00\x00e\x8c\x01b\x94C\x01\xff\x94K\x07}\x94K\x01K\x02su."},
		{"json", `{"b":"é","a":18446744073709551616}`,
			"\x80\x04}\x94(\x8c\x01b\x94\x8c\x02é\x94\x8c\x01a\x94\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01u."},
		{"a time", "\x81\xa1t\xd6\xff\x65\xe0\x79\xf0",
			"\x80\x04}\x94\x8c\x01t\x94\x8c\x08datetime\x94\x8c\x08datetime\x94\x93\x94C\x0a\x07\xe8\x02\x1d\x0c\x22\x38\x00\x00\x00\x94h\x02\x8c\x08timezone\x94\x93\x94h\x02\x8c\x09timedelta\x94\x93\x94K\x00K\x00K\x00\x87\x94R\x94\x85\x94R\x94\x86\x94R\x94s."},
		{"an extension, which stays", "\x81\xa1k\xd4\x05\x01", "\x81\xa1k\xd4\x05\x01"},
		{"a list as a key", "\x81\x92\x01\x02\x03", "\x80\x04}K\x01K\x02\x86K\x03s."},
		{"a list in a list as a key, which stays", "\x81\x91\x91\x01\x03", "\x81\x91\x91\x01\x03"},
		{"nothing", "\x80", "\x80\x04}\x94."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := rewrite(c, []byte(tt.record))
			if err != nil {
				t.Fatal(err)
			}
			if !sameRecord(t, got, []byte(tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// sameRecord compares what two records say, and that they are in one format.
func sameRecord(t *testing.T, a, b []byte) bool {
	return a[0] == b[0] && reflect.DeepEqual(contents(t, a), contents(t, b))
}

func contents(t *testing.T, record []byte) (all []any) {
	t.Helper()
	c := flask.RecordCodec(flask.FormatPickle)
	fields, err := c.Split(nil, record)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		var key, value any
		if err := c.Unmarshal(f.Key, &key); err != nil {
			t.Fatal(err)
		}
		if err := c.Unmarshal(f.Raw, &value); err != nil {
			t.Fatal(err)
		}
		if at, ok := value.(time.Time); ok {
			value = at.UTC()
		}
		all = append(all, key, value)
	}
	return all
}

func TestMixedRecords(t *testing.T) {
	const (
		plain  = "(dVa\nI1\nsVt\n(I1\nI2\ntsI7\nVx\ns."                                    // {"a": 1, "t": (1, 2), 7: "x"}
		markup = "\x80\x02}q\x00(U\x01aK\x01U\x01mcmarkupsafe\nMarkup\nU\x03<b>\x85\x81u." // {"a": 1, "m": Markup("<b>")}
	)
	for _, tt := range []struct {
		name   string
		format flask.Format
		record string
		set    any // the new "a"
		want   string
	}{
		{"pickle becomes msgpack", flask.FormatMsgPack, plain, "new", "\x83\xa1a\xa3new\xa1t\x92\x01\x02\x07\xa1x"},
		{"pickle becomes JSON", flask.FormatJSON, plain, "new", `{"a":"new","t":[1,2],"7":"x"}`},
		{"JSON becomes msgpack", flask.FormatMsgPack, `{"z":1,"a":2}`, true, "\x82\xa1z\x01\xa1a\xc3"},
		{"msgpack becomes JSON", flask.FormatJSON, "\x82\xa1a\x01\xa1b\xc4\x01\xff", 2.5, `{"a":2.5,"b":"/w=="}`},
		{"a Markup stays, and so the record", flask.FormatMsgPack, markup, flask.Tuple{"new"}, "pickle: a [new] m <b>"},
		{"in JSON, too", flask.FormatJSON, markup, time.Unix(0, 0).UTC(), "pickle: a 1970-01-01T00:00:00Z m <b>"},
		{"a number that would be another's name", flask.FormatJSON, "}(K\x07K\x01U\x017K\x02u.", nil, "pickle: 7 1 7 2 a <nil>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := flask.RecordCodec(tt.format)
			fields, err := c.Split(nil, []byte(tt.record))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := c.Marshal(nil, tt.set)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for i := range fields {
				if string(fields[i].Name) == "a" {
					fields[i].Raw, found = raw, true
				}
			}
			if !found {
				fields = append(fields, codec.Field{Name: []byte("a"), Raw: raw})
			}
			record, err := c.Join([]byte("before"), fields)
			if err != nil {
				t.Fatal(err)
			}
			got := string(bytes.TrimPrefix(record, []byte("before")))
			if got[0] == '\x80' {
				got = "pickle:"
				for _, v := range contents(t, bytes.TrimPrefix(record, []byte("before"))) {
					got += " " + show(v)
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func show(v any) string {
	if at, ok := v.(time.Time); ok {
		return at.Format(time.RFC3339)
	}
	return fmt.Sprint(v)
}

func TestRecordsThatAreNone(t *testing.T) {
	for name, record := range map[string]string{
		"nothing": "", "msgpack nil": "\xc0", "JSON null": "null", "None in protocol 0": "N.", "None": "\x80\x04N.",
		"a list": "[]", "a pickled list": "\x80\x04].", "a pickled tuple": "(K\x01t.", "text": "hello", "a function": "cos\nsystem\n.",
		"an empty map and more": "\x80\xa1a", "a protocol of the future": "\x80\x06}.", "a call": "\x80\x02cos\nsystem\n)R.",
	} {
		for _, format := range []flask.Format{flask.FormatMsgPack, flask.FormatJSON, flask.FormatPickle} {
			fields, err := flask.RecordCodec(format).Split([]codec.Field{{}}, []byte(record))
			if !errors.Is(err, codec.ErrMalformed) || len(fields) != 1 {
				t.Errorf("%s as %s: got %d fields and error %v", name, format, len(fields), err)
			}
		}
	}
	_, err := flask.RecordCodec(flask.FormatJSON).Split(nil, []byte("\x80\x02cos\nsystem\n)R."))
	if err == nil || !strings.Contains(err.Error(), `"os.system"`) {
		t.Errorf("got %v, want one that names os.system", err)
	}
}

func TestErrorsSayTypesButNoValues(t *testing.T) {
	c := flask.RecordCodec(flask.FormatMsgPack)
	// An extension cannot go into JSON, nor the large integer out of it.
	ext, err := c.Marshal(nil, codec.Ext{Code: 5, Data: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	fields, err := c.Split(nil, []byte(`{"n":12345678901234567890123}`))
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Join([]byte("before"), append(fields, codec.Field{Name: []byte("e"), Raw: ext}))
	if !errors.Is(err, codec.ErrType) || string(out) != "before" ||
		!strings.Contains(err.Error(), "integer beyond 64 bits") || strings.Contains(err.Error(), "12345") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %q and error %v", out, err)
	}
}

func TestCodecOfAConfiguration(t *testing.T) {
	for _, tt := range []struct {
		kind   flask.Type
		format flask.Format
		want   string // of {"a": 1}
	}{
		{flask.TypeCookie, flask.FormatMsgPack, `{"a":1}`},
		{flask.TypeRedis, flask.FormatMsgPack, "\x81\xa1a\x01"},
		{flask.TypeRedis, flask.FormatJSON, `{"a":1}`},
		{flask.TypeRedis, flask.FormatPickle, "\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s."},
		{flask.TypeMemcached, flask.FormatMsgPack, "\x81\xa1a\x01"},
		{flask.TypeMemcached, flask.FormatPickle, "(dp0\nVa\np1\nI1\ns."},
		{flask.TypeFileSystem, flask.FormatMsgPack, "\x80\x05\x95\x0a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s."},
		{flask.TypeCacheLib, flask.FormatJSON, "\x80\x05\x95\x0a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s."},
	} {
		cfg := flask.DefaultConfig()
		cfg.Type, cfg.Format = tt.kind, tt.format
		c := cfg.RecordCodec()
		if !reflect.TypeOf(c).Comparable() || c != cfg.RecordCodec() {
			t.Errorf("the codec of %s cannot be compared", tt.kind)
		}
		raw, err := c.Marshal(nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Join(nil, []codec.Field{{Name: []byte("a"), Raw: raw}})
		if err != nil || string(got) != tt.want {
			t.Errorf("%s %s: got %q and error %v, want %q", tt.kind, tt.format, got, err, tt.want)
		}
		if back, err := rewrite(c, got); err != nil || !bytes.Equal(back, got) {
			t.Errorf("%s %s: rewritten as %q and error %v", tt.kind, tt.format, back, err)
		}
	}
}
