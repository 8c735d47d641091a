package flask_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/flask/cachelibstore"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
)

// vectorKey signs the vectors.
const vectorKey = "not-a-real-key"

const goodCookie = "eyJuIjoxLCJ1c2VyIjoiYWRhIn0.ZZN9JQ.45btcjH0g2labcPLKal7549G3wo"

func readJSON(t testing.TB, file string, dst any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, dst)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A pyValue is a Python value as the vectors show it.
type pyValue struct {
	T      string
	V      json.RawMessage
	Bits   string
	Unit   *string
	Times  int
	Item   *pyValue
	UTF8   *string
	Offset *float64
	Code   int
	Days   int
	Secs   int `json:"seconds"`
	Micros int `json:"microseconds"`
}

// TestInspectShowsEveryVector compares what is shown with what the vectors say.
func TestInspectShowsEveryVector(t *testing.T) {
	n := 0
	check := func(name, kind string, data []byte, want *pyValue) {
		t.Helper()
		n++
		in, err := flask.Inspect(data, flask.Config{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if in.Kind != kind || len(in.Unread) > 0 {
			t.Errorf("%s: got a %s with %v", name, in.Kind, in.Unread)
		}
		var got any
		d := json.NewDecoder(bytes.NewReader(in.JSON))
		d.UseNumber()
		if err := d.Decode(&got); err != nil {
			t.Errorf("%s: %s is no JSON: %v", name, in.JSON, err)
		} else if want := inspected(t, want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %.300s, want %.300v", name, in.JSON, want)
		}
	}
	var cookies struct {
		Encode []struct {
			Name   string
			Cookie string
			Loaded *pyValue
		}
	}
	readJSON(t, "../internal/taggedjson/testdata/flask_cookie.json", &cookies)
	for _, v := range cookies.Encode {
		if v.Loaded != nil && !strings.Contains(v.Name, "surrogate") {
			check("cookie "+v.Name, "Flask's session cookie", []byte(v.Cookie), v.Loaded)
		}
	}
	for _, file := range []string{"msgpack", "json"} {
		var vs struct {
			Encode []struct {
				Name          string
				Value, Loaded *pyValue
				Stored        *string
			}
		}
		readJSON(t, "../codec/testdata/flask_session_"+file+".json", &vs)
		for _, v := range vs.Encode {
			if v.Stored == nil {
				continue
			}
			data, _ := hex.DecodeString(*v.Stored)
			want := v.Value
			if v.Loaded != nil {
				want = v.Loaded
			}
			check(file+" "+v.Name, "record", data, want)
		}
	}
	var pickles struct {
		Values []struct {
			Name                         string
			Value                        *pyValue
			Redis, Memcached, Filesystem json.RawMessage
		}
	}
	readJSON(t, "../internal/pickle/testdata/flask_session_pickle.json", &pickles)
	for _, v := range pickles.Values {
		for _, raw := range []json.RawMessage{v.Redis, v.Memcached, v.Filesystem} {
			var data []byte
			if json.Unmarshal(raw, &data) == nil {
				check("pickle "+v.Name, "record", data, v.Value)
			}
		}
	}
	var files struct {
		Sessions []struct {
			Name  string
			Value *pyValue
			File  struct{ Content []byte }
		}
	}
	readJSON(t, "../internal/pickle/testdata/cachelib_files.json", &files)
	for _, v := range files.Sessions {
		check("file "+v.Name, "cachelib file", v.File.Content, v.Value)
	}
	if n < 900 {
		t.Errorf("only %d vectors were shown", n)
	}
}

func TestInspectShowsTypes(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"the order of the record", `{"b":1,"a":{"z":1.0,"y":2}}`, "{\n  \"b\": 1,\n  \"a\": {\n    \"z\": 1.0,\n    \"y\": 2\n  }\n}"},
		{"nothing in it", "\x80", "{}"},
		{"dollars", `{"$a":{"$$b":"$c"},"d":[{"$e":"$"},"$"]}`, `{"$$a":{"$$$b":"$c"},"d":[{"$$e":"$"},"$"]}`},
		{"keys that are no text", "}(K\x07K\x01NK\x02(\x88U\x01$tU\x01xU\x01$}(K\x01NU\x01$Nuu.",
			`{"$7":1,"$null":2,"${\"$tuple\":[true,\"$\"]}":"x","$$":{"$1":null,"$$":null}}`},
		{"bytes as a key", "\x81\xa1k\x81\xc4\x01\xff\xc4\x01\x00", `{"k":{"${\"$bytes\":\"/w==\"}":{"$bytes":"AA=="}}}`},
		{"floats", "\x83\xa1a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\xa1b\xcb\xff\xf0\x00\x00\x00\x00\x00\x00\xa1c\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00",
			`{"a":{"$float":"NaN"},"b":{"$float":"-Infinity"},"c":1.0}`},
		{"complex", "}U\x01kcbuiltins\ncomplex\n(F1.5\nFnan\ntRs.", `{"k":{"$complex":[1.5,{"$float":"NaN"}]}}`},
		{"extension", "\x81\xa1k\xd4\x05\x01", `{"k":{"$ext":[5,"AQ=="]}}`},
		{"large integer", `{"k":123456789012345678901234567890}`, `{"k":123456789012345678901234567890}`},
		{"a named zone", "}U\x01kcdatetime\ntimezone\n(cdatetime\ntimedelta\n(K\x00I3600\nK\x00tRVx\ntRs.", `{"k":{"$timezone":"+01:00 x"}}`},
		{"what a terminal would obey", "\x81\xa1k\xaa\x1b[31m\xc2\x9b\x7fé", `{"k":"\u001b[31m\u009b\u007fé"}`},
		{"text that runs backwards", "\x81\xa1k\xa4\xe2\x80\xaeX", `{"k":"\u202eX"}`},
		{"lone surrogate", "\x80\x02}U\x01kX\x03\x00\x00\x00\xed\xa0\x80s.", `{"k":"\ud800"}`},
		{"a name with a surrogate", "\x80\x02}X\x03\x00\x00\x00\xed\xa0\x80K\x01s.", `{"\ud800":1}`},
		{"a value that cannot be read", "{\"a\":1,\"k\":\"\xff\"}", `{"a":1,"k":{"$unread":"malformed data: a string is not valid UTF-8"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, err := flask.Inspect([]byte(tt.data), flask.Config{})
			if err != nil {
				t.Fatal(err)
			}
			got := string(in.JSON)
			if !strings.Contains(tt.want, "\n") {
				var b bytes.Buffer
				if err := json.Compact(&b, in.JSON); err != nil {
					t.Fatal(err)
				}
				got = b.String()
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if wantUnread := strings.Contains(tt.want, "$unread"); wantUnread != (len(in.Unread) > 0) {
				t.Errorf("not read: %q", in.Unread)
			}
		})
	}
}

// TestInspectSignatures tells who signed each cookie of the vectors.
func TestInspectSignatures(t *testing.T) {
	var vs struct {
		Decode []struct {
			Name, Cookie, Verdict string
			SecretKey             struct{ Hex string } `json:"secret_key"`
		}
		Fallbacks []struct {
			Name      string
			SecretKey struct{ Hex string }   `json:"secret_key"`
			Fallbacks []struct{ Hex string } `json:"fallbacks"`
			Accepts   []struct {
				Cookie, Verdict string
			}
		}
	}
	readJSON(t, "../internal/taggedjson/testdata/flask_cookie.json", &vs)
	n := 0
	for _, v := range vs.Decode {
		key, _ := hex.DecodeString(v.SecretKey.Hex)
		in, err := flask.Inspect([]byte(v.Cookie), flask.Config{SecretKey: key, CookieName: "session"})
		if err != nil {
			if v.Verdict == "loaded" && !differs[v.Name] {
				t.Errorf("%s: %v", v.Name, err)
			}
			continue
		}
		n++
		good := v.Verdict != "empty" || ages[v.Name]
		if got := in.Signature == flask.SignatureGood; got != good && !differs[v.Name] {
			t.Errorf("%s is good: %v, want %v", v.Name, got, good)
		}
	}
	for _, v := range vs.Fallbacks {
		key, _ := hex.DecodeString(v.SecretKey.Hex)
		cfg := flask.Config{SecretKey: key}
		for _, f := range v.Fallbacks {
			old, _ := hex.DecodeString(f.Hex)
			cfg.SecretKeyFallbacks = append(cfg.SecretKeyFallbacks, old)
		}
		for i, a := range v.Accepts {
			in, err := flask.Inspect([]byte(a.Cookie), cfg)
			if err != nil {
				t.Fatal(err)
			}
			n++
			if got, want := in.Signature == flask.SignatureGood, a.Verdict == "loaded"; got != want || got != (in.SignedBy != "") {
				t.Errorf("%s, cookie %d: good: %v by %q, want %v", v.Name, i, got, in.SignedBy, want)
			}
		}
	}
	if n < 70 {
		t.Errorf("only %d cookies were looked at", n)
	}
}

// ages are the cookies that Flask refuses for their age, which Inspect leaves
// to its caller.
var ages = map[string]bool{"age_max_plus_1": true, "from_the_future_1s": true, "short_lifetime_expired": true,
	"timestamp_empty": true, "signed_by_untimed_two_parts": true} // these two as of 1970

// differs are the cookies that package itsdangerous or taggedjson reads in
// another way, as their own tests say, and that a header spells differently.
var differs = map[string]bool{
	"signature_noncanonical_last_char": true, "signature_padded": true, "signature_padded_twice": true, "signature_std_alphabet": true,
	"signature_with_4_junk": true, "payload_json_pairs": true, "payload_tag_top_tuple": true, "zlib_bomb_1mb": true,
}

func TestInspectSaysWho(t *testing.T) {
	key, old := flask.Secret(vectorKey), flask.Secret("another")
	signed := time.Unix(1704164645, 0).UTC()
	for _, tt := range []struct {
		name string
		line string
		cfg  flask.Config
		want flask.Signature
		by   string
	}{
		{"without a key", goodCookie, flask.Config{}, flask.SignatureUnchecked, ""},
		{"with the key", goodCookie, flask.Config{SecretKey: key}, flask.SignatureGood, "SECRET_KEY"},
		{"with a fallback alone", goodCookie, flask.Config{SecretKeyFallbacks: []flask.Secret{key}}, flask.SignatureGood, "SECRET_KEY_FALLBACKS, entry 0"},
		{"with the second fallback", goodCookie, flask.Config{SecretKey: old, SecretKeyFallbacks: []flask.Secret{old, key}}, flask.SignatureGood, "SECRET_KEY_FALLBACKS, entry 1"},
		{"with another key", goodCookie, flask.Config{SecretKey: old}, flask.SignatureBad, ""},
		{"with its name", "session=" + goodCookie + "\r\n", flask.Config{SecretKey: key, CookieName: "session"}, flask.SignatureGood, "SECRET_KEY"},
		{"with another name", "app=" + goodCookie, flask.Config{SecretKey: key, CookieName: "session"}, flask.SignatureGood, "SECRET_KEY"},
		{"in quotes", `session="` + goodCookie + `"`, flask.Config{SecretKey: key, CookieName: "session"}, flask.SignatureGood, "SECRET_KEY"},
		{"in a request", "Cookie: a=1; session=" + goodCookie + "; b=2", flask.Config{SecretKey: key, CookieName: "session"}, flask.SignatureGood, "SECRET_KEY"},
		{"in an answer", "set-cookie: session=" + goodCookie + "; HttpOnly; Path=/", flask.Config{SecretKey: key, CookieName: "session"}, flask.SignatureGood, "SECRET_KEY"},
		{"in a whole answer", "HTTP/1.1 200 OK\r\nVary: Cookie\r\nSet-Cookie: session=; Max-Age=0\r\nset-cookie: session=" + goodCookie + "; Path=/\r\n\r\n<html>\n",
			flask.Config{SecretKey: key, CookieName: "session"}, flask.SignatureGood, "SECRET_KEY"},
		{"with a name with a dot", "my.app=" + goodCookie, flask.Config{SecretKey: key, CookieName: "my.app"}, flask.SignatureGood, "SECRET_KEY"},
		{"the value and attributes", goodCookie + "; Path=/", flask.Config{SecretKey: key, CookieName: "session"}, flask.SignatureGood, "SECRET_KEY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, err := flask.Inspect([]byte(tt.line), tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if in.Signature != tt.want || in.SignedBy != tt.by || !in.Signed.Equal(signed) || in.Format != "taggedjson" || in.Size != 20 {
				t.Errorf("got %+v", in)
			}
		})
	}
}

// TestInspectFindsTheCookie pastes each cookie of the vectors in every way in
// which it can be copied; deflated ones begin with a dot.
func TestInspectFindsTheCookie(t *testing.T) {
	var vs struct {
		Encode []struct {
			Name, Cookie string
			Loaded       *pyValue
		}
	}
	readJSON(t, "../internal/taggedjson/testdata/flask_cookie.json", &vs)
	deflated := 0
	for _, v := range vs.Encode {
		if v.Loaded == nil {
			continue
		}
		if strings.HasPrefix(v.Cookie, ".") {
			deflated++
		}
		payload, rest, _ := strings.Cut(strings.TrimPrefix(v.Cookie, "."), ".")
		padded := strings.Repeat("=", (4-len(payload)%4)%4)
		padded = v.Cookie[:len(v.Cookie)-len(rest)-1] + padded + "." + rest
		for _, line := range []string{
			v.Cookie, padded, "session=" + v.Cookie, "app=" + v.Cookie, `session="` + v.Cookie + `"`, "session=" + padded,
			v.Cookie + "; Path=/", "session=" + v.Cookie + "; HttpOnly; Path=/", "a=1; session=" + v.Cookie,
			"Cookie: a=.1; b=; session=" + v.Cookie + "; c=2", "Set-Cookie: session=" + v.Cookie + "; HttpOnly; Path=/",
		} {
			in, err := flask.Inspect([]byte(line), flask.Config{CookieName: "session", SecretKey: flask.Secret(vectorKey)})
			if err != nil {
				t.Errorf("%s, pasted as %.40s…: %v", v.Name, line, err)
				continue
			}
			want := flask.SignatureGood
			if padded != v.Cookie && strings.Contains(line, padded) {
				want = flask.SignatureBad // the padding is signed, too
			}
			if in.Signature != want {
				t.Errorf("%s, pasted as %.40s…: the signature is %d, want %d", v.Name, line, in.Signature, want)
			}
		}
	}
	if deflated < 5 {
		t.Errorf("only %d cookies are deflated", deflated)
	}
}

func TestInspectFiles(t *testing.T) {
	expires := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	dir := t.TempDir()
	caches, err := cachelibstore.New(dir+"/cachelib", cachelibstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filestore.New(dir+"/files", filestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for _, tt := range []struct {
		kind    string
		store   store.Store
		record  string
		expires time.Time
	}{
		{"cachelib file", caches, "\x80\x05}\x94\x8c\x01a\x94K\x01s.", expires},
		{"cachelib file", caches, "(dVa\nI1\ns.", time.Time{}},
		{"file of store/filestore", files, "\x81\xa1a\x01", expires},
		{"file of store/filestore", files, `{"a":1}`, time.Time{}},
	} {
		if _, err := tt.store.Save(t.Context(), "session:x", store.Record{}, store.Record{Data: []byte(tt.record), Expires: tt.expires}); err != nil {
			t.Fatal(err)
		}
		seen := false
		for _, file := range allFiles(t, dir) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in, err := flask.Inspect(data, flask.Config{})
			if err != nil || in.Kind != tt.kind {
				continue // another file of the store
			}
			seen = true
			if string(in.JSON) != "{\n  \"a\": 1\n}" || !in.Expires.Equal(tt.expires) || in.Signature != flask.SignatureNone || in.Size != len(tt.record) {
				t.Errorf("%s of %q: got %+v", tt.kind, tt.record, in)
			}
			if tt.store == store.Store(files) {
				data[len(data)-1]++
				if _, err := flask.Inspect(data, flask.Config{}); !errors.Is(err, codec.ErrMalformed) {
					t.Errorf("damaged: got error %v", err)
				}
				if _, err := flask.Inspect(data[:30], flask.Config{}); !errors.Is(err, codec.ErrMalformed) {
					t.Errorf("cut off: got error %v", err)
				}
			}
		}
		if !seen {
			t.Errorf("no %s was recognized for %q", tt.kind, tt.record)
		}
		if err := tt.store.Delete(t.Context(), "session:x"); err != nil {
			t.Fatal(err)
		}
	}
}

// What an ended session has left is told apart from sessions, whatever file it is
// in, and its payload is not shown.
func TestInspectMarks(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 34, 56, 789e6, time.UTC)
	expires := time.Unix(2_000_000_000, 0).UTC()
	dir := t.TempDir()
	caches, err := cachelibstore.New(dir+"/cachelib", cachelibstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filestore.New(dir+"/files", filestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for name, kind := range map[string]store.MarkKind{"$ended": store.MarkEnded, "$moved": store.MarkMoved, "$renewed": store.MarkRenewed, "$mark": 'Q'} {
		data := store.Mark{Kind: kind, At: at, Payload: []byte("session:hush")}.Append(nil)
		check := func(where string, data []byte, expires time.Time) bool {
			in, err := flask.Inspect(data, flask.Config{})
			if err != nil || in.Kind != where {
				return false
			}
			want := flask.Inspection{Kind: where, Format: "mark", Size: 26, Mark: kind, Ended: at, Expires: expires,
				JSON: []byte("{\n  \"" + name + "\": \"2024-02-29T12:34:56.789Z\"\n}")}
			if !reflect.DeepEqual(*in, want) {
				t.Errorf("%q: got %+v, want %+v", kind, *in, want)
			}
			return true
		}
		if !check("record", data, time.Time{}) {
			t.Errorf("%q: it is taken for no record", kind)
		}
		for where, s := range map[string]store.Store{"cachelib file": caches, "file of store/filestore": files} {
			if _, err := s.Save(t.Context(), "session:x", store.Record{}, store.Record{Data: data, Expires: expires}); err != nil {
				t.Fatal(err)
			}
			seen := false
			for _, file := range allFiles(t, dir) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				seen = check(where, text, expires) || seen
			}
			if !seen {
				t.Errorf("%q: no %s was recognized", kind, where)
			}
			if err := s.Delete(t.Context(), "session:x"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The two lengths of a file add up to what is there, but one of them is below
// zero to an int of 32 bits.
func TestInspectFileWithHugeLength(t *testing.T) {
	body := bytes.Repeat([]byte{0xc0}, 50)
	head := make([]byte, 44)
	copy(head, "cloakrm\x01")
	binary.BigEndian.PutUint32(head[16:], 1<<32-50) // of the data
	binary.BigEndian.PutUint16(head[20:], 100)      // of the key
	binary.BigEndian.PutUint32(head[24:], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	if _, err := flask.Inspect(append(head, body...), flask.Config{}); !errors.Is(err, codec.ErrMalformed) {
		t.Errorf("got error %v, want ErrMalformed", err)
	}
}

func allFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, allFiles(t, dir+"/"+e.Name())...)
		} else {
			names = append(names, dir+"/"+e.Name())
		}
	}
	return names
}

// TestInspectExpiryThatLooksLikeARecord has expiries whose bytes are a record
// by themselves: an empty dict, with what Python takes for garbage behind it.
func TestInspectExpiryThatLooksLikeARecord(t *testing.T) {
	for _, header := range []string{"}.\x00\x66", "\x80\x04}.", "(d.\x66", "\x81\xa1a\x01", "{}\x00\x66"} {
		in, err := flask.Inspect([]byte(header+"\x80\x05}\x94\x8c\x01a\x94K\x01s."), flask.Config{})
		if err != nil || in.Kind != "cachelib file" {
			t.Errorf("%q: got %+v and error %v", header, in, err)
		}
	}
}

func TestInspectRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, data, want string
	}{
		{"nothing", " \n", "nothing to show"},
		{"a deleted cookie", "Set-Cookie: session=; Path=/", "nothing to show"},
		{"text", "hello world", "neither"},
		{"garbage", "\xff\xfe\xfd", "neither"},
		{"an ID", strings.Repeat("A", 43), "the ID of a session"},
		{"a UUID", "12345678-1234-5678-1234-567812345678", "the ID of a session"},
		{"a signed ID", "12345678-1234-5678-1234-567812345678.w4DpRKOo0VWM3PjBSPJxn7G0L3M", "the ID of a session"},
		{"cachelib's count", "\x00\x00\x00\x00\x80\x05K\x07.", "count of the files"},
		{"a sealed cookie", strings.Repeat("A", 300), "sealed"},
		{"a call", "\x80\x02cposix\nsystem\n(U\x02idtR.", `"posix.system"`},
		{"None", "\x80\x04N.", "None and not a dict"},
		{"another cookie", "Cookie: a=1; b=2", "no cookie named session"},
		{"a cookie of no JSON", "AAAA.ZZN9JQ.45btcjH0g2labcPLKal7549G3wo", "malformed"},
		{"too large", `{"a":"` + strings.Repeat("x", flask.MaxInspected) + `"}`, "limit exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := flask.Inspect([]byte(tt.data), flask.Config{CookieName: "session"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want an error that says %s", err, tt.want)
			}
			if strings.Contains(err.Error(), "45btcjH0g2") || strings.Contains(err.Error(), "AAAAAA") || len(err.Error()) > 300 {
				t.Errorf("the error quotes what it is about: %v", err)
			}
		})
	}
}

// TestInspectIsBounded gives Inspect what is small and would be large, beside
// what the vectors have of it.
func TestInspectIsBounded(t *testing.T) {
	for name, data := range map[string]string{
		"deep JSON":    `{"a":` + strings.Repeat("[", 200) + strings.Repeat("1,", 20000) + "1" + strings.Repeat("]", 200) + "}",
		"deep msgpack": "\x81\xa1a" + strings.Repeat("\x91", 2000),
		"many pairs":   "\xde\x27\x10" + strings.Repeat("\xc0\xc0", 10000),
		"few bytes":    "\xdf\xff\xff\xff\xff",
	} {
		n := allocated(func() { _, _ = flask.Inspect([]byte(data), flask.Config{}) })
		if n > most+16*uint64(len(data)) {
			t.Errorf("%s: %d bytes allocated for %d", name, n, len(data))
		}
	}
}

func TestInspectConfig(t *testing.T) {
	cfg, err := flask.InspectConfig(flask.FromMap(map[string]any{"SESSION_TYPE": "redis", "PERMANENT_SESSION_LIFETIME": 60}))
	if err != nil || cfg.Lifetime != time.Minute || cfg.CookieName != "session" {
		t.Errorf("got %+v and error %v", cfg, err)
	}
	cfg, err = flask.InspectConfig(flask.FromMap(map[string]any{"SECRET_KEY": "dev"}))
	if err != nil || string(cfg.SecretKey) != "dev" {
		t.Errorf("a weak secret: got error %v", err)
	}
	if _, err := flask.InspectConfig(flask.FromMap(map[string]any{"PERMANENT_SESSION_LIFETIME": "soon"})); err == nil {
		t.Error("no error for a lifetime that is none")
	}
}
