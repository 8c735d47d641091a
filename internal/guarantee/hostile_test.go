package guarantee_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// Guarantees 7 and 8: what others wrote into the store survives, and harms
// nobody.

// foreignRecords hold, besides a value "n", one that this program has no type
// for, as the bytes of want.
var foreignRecords = []struct {
	name, data, want string
}{
	{"msgpack, extension type", "\x82\xa1x\xc7\x03\x2aabc\xa1n\x01", "\xa1x\xc7\x03\x2aabc"},
	{"msgpack, integer wider than needed", "\x82\xa1x\xd3\x00\x00\x00\x00\x00\x00\x00\x05\xa1n\x01", "\xa1x\xd3\x00\x00\x00\x00\x00\x00\x00\x05"},
	{"msgpack, bytes that are no UTF-8", "\x82\xa1x\xa3\xff\xfe\xfd\xa1n\x01", "\xa1x\xa3\xff\xfe\xfd"},
	{"msgpack, key that is no string", "\x82\x07\xa1y\xa1n\x01", "\x07\xa1y"},
	{"msgpack, name wider than needed", "\x82\xd9\x01x\x05\xa1n\x01", "\xd9\x01x\x05"},
	{"msgpack, dictionary in reverse order", "\x82\xa1x\x82\xa1b\x01\xa1a\x02\xa1n\x01", "\xa1x\x82\xa1b\x01\xa1a\x02"},
}

func TestForeignValuesSurvive(t *testing.T) {
	changes := map[string]func(*cloakroom.Session){
		"set":       sitetest.Set("n", 2),
		"new value": sitetest.Set("m", 2),
		"update": func(s *cloakroom.Session) {
			cloakroom.Key[int]("n").Update(s, func(n int) int { return n + 1 })
		},
		"flash":      func(s *cloakroom.Session) { s.Flash("info", "x") },
		"regenerate": (*cloakroom.Session).Regenerate,
	}
	for _, f := range foreignRecords {
		for name, change := range changes {
			t.Run(f.name+", "+name, func(t *testing.T) {
				sitetest.EachStore(t, func(t *testing.T, records store.Store) {
					s := sitetest.NewOn(t, records, plain())
					s.PlantData(t, storeKey(sitetest.Dead), f.data)
					b := s.Holder(t, sitetest.Dead)
					b.OK(change)
					got := s.Data(t, storeKey(b.Ticket()))
					if got == f.data {
						t.Error("the record was not changed at all")
					}
					if !strings.Contains(got, f.want) {
						t.Errorf("the record is %q, want the value %q in it", got, f.want)
					}
				})
			})
		}
	}
}

// odd is a record of another program: an integer wider than need be, a name
// spelled as str8, an unknown extension type, a name that is no string, and a
// float of 32 bits.
const odd = "\x85" +
	"\xa1n" + "\xd3\x00\x00\x00\x00\x00\x00\x00\x01" +
	"\xd9\x04wide" + "\xdd\x00\x00\x00\x01\xcf\x00\x00\x00\x00\x00\x00\x00\x05" +
	"\xa3ext" + "\xd6\x42abcd" +
	"\x07" + "\xa5seven" +
	"\xa1f" + "\xca\x3f\x80\x00\x00"

func TestForeignValuesSurviveByteForByte(t *testing.T) {
	s, key := sitetest.NewForeign(t, codec.MsgPack)
	s.PlantData(t, key, odd)
	s.Use(t, func(s *cloakroom.Session) {
		if n, ok := cloakroom.Key[int]("n").Get(s); n != 1 || !ok {
			t.Errorf("n: %d, %v", n, ok)
		}
		sitetest.Equal(t, "Keys", s.Keys(), "n", "wide", "ext", "f")
		s.Set("own", true)
	})
	wanted := "\x86" + odd[1:] + "\xa3own\xc3"
	if got := s.Data(t, key); got != wanted {
		t.Errorf("after Set: % x, want % x", got, wanted)
	}
	s.Use(t, func(s *cloakroom.Session) { s.Delete("own"); s.Set("n", 2) })
	wanted = strings.Replace(odd, "\xd3\x00\x00\x00\x00\x00\x00\x00\x01", "\x02", 1)
	if got := s.Data(t, key); got != wanted {
		t.Errorf("after changing n: % x, want % x", got, wanted)
	}
}

func TestForeignRecordThatIsOnlyReadStays(t *testing.T) {
	s, key := sitetest.NewForeign(t, codec.MsgPack)
	s.PlantData(t, key, odd)
	s.Use(t, func(s *cloakroom.Session) {
		for range s.All() {
		}
	})
	sitetest.Equal(t, "store calls", s.Calls(), "Load")
}

// FuzzRecordThroughARequest lets requests read, change and move whatever the
// store holds, with and without keys for records. There is no panic; what cannot
// be read is left alone, and the visitor is served with a new session, or with an
// error page where the record looks sealed; what can be read can be written
// too, and no other value changes by that.
func FuzzRecordThroughARequest(f *testing.F) {
	f.Add([]byte(odd))
	for _, r := range foreignRecords {
		f.Add([]byte(r.data))
	}
	for _, text := range []string{
		"", "\x80", "\xc0", "\x00", `{}`, `{"a":1e999,"b":[{}]}`, `{"a":"\ud800"}`, `{"_created":9223372036854775807}`,
		`{"_flashes":[["info","a"],["b"],null]}`, `{"_permanent":"yes","_created":"now"}`, "\x81\xa8_created\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
		"\x81\xa8_flashes\x92\xc0\x92\xc7\x01\x05x\x81\x01\x02", "\xdf\xff\xff\xff\xff", "\x81\xa1a\xdd\xff\xff\xff\xff",
		"\x82\xa1a\x01\xa1a\x02", "\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}.", strings.Repeat("\x91", 300),
		`{"_flashes":[["a","b"],7],"_created":1e99,"_permanent":1}`, "\x81\xa8_created\xd3\x7f\xff\xff\xff\xff\xff\xff\xff",
		"\x82\xa8_created\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa8_flashes\x91\x92\xa1a\xa1b",
		"{" + `"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}", `{"a":1,"a":2}`, ` {"a": 1 } `,
	} {
		f.Add([]byte(text))
	}
	sealer, err := seal.New([]byte(oldKey))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealer.Seal(nil, []byte(odd), storeKey(sitetest.Dead)))
	f.Add(sealer.Seal(nil, []byte(odd), "another store key"))
	f.Add([]byte("\x01" + strings.Repeat("x", seal.Overhead)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return // larger ones show nothing new
		}
		for _, own := range []codec.Codec{codec.MsgPack, codec.JSON} {
			o := unlogged()
			o.Codec = own
			throughARequest(t, string(data), o)
			o.RecordKeys, o.ReadUnsealedUntil = [][]byte{[]byte(oldKey)}, time.Now().Add(time.Hour)
			throughARequest(t, string(data), o)
		}
	})
}

func throughARequest(t *testing.T, data string, o cloakroom.Options) {
	own, undecodable := o.Codec, 0
	o.Hooks.Undecodable = func(context.Context, cloakroom.Event) { undecodable++ }
	s := sitetest.New(t, o)
	s.PlantData(t, storeKey(sitetest.Dead), data)
	b := s.Holder(t, sitetest.Dead)
	a := b.Visit(func(s *cloakroom.Session) {
		for name := range s.All() {
			s.Has(name)
			cloakroom.Key[string](name).Get(s)
			cloakroom.Key[map[string]int](name).Get(s)
		}
		s.IsNew()
		s.Permanent()
		s.Expires()
	})
	if a.StatusCode == http.StatusServiceUnavailable && seal.Sealed([]byte(data)) {
		if len(a.SetCookie) != 0 || s.Data(t, storeKey(sitetest.Dead)) != data {
			t.Error("a record that looks sealed was not left alone")
		}
		return
	}
	if !a.OK() {
		t.Fatalf("reading with %s: got %v, want 200", own.Name(), a)
	}
	before := b.Values()
	delete(before, "new")
	for _, change := range []func(*cloakroom.Session){
		sitetest.Set("new", "value"),
		func(s *cloakroom.Session) {
			s.Flashes()
			s.Flash("info", "text")
		},
		func(s *cloakroom.Session) {
			s.SetPermanent(!s.Permanent())
			s.Expires()
		},
		(*cloakroom.Session).Regenerate,
	} {
		if a := b.Visit(change); !a.OK() {
			t.Fatalf("writing with %s: got %v, want 200", own.Name(), a)
		}
		if undecodable > 0 {
			break
		}
	}
	if undecodable > 0 {
		if got := s.Data(t, storeKey(sitetest.Dead)); got != data {
			t.Error("a record that cannot be read was not left alone")
		}
		if b.Ticket() == sitetest.Dead {
			t.Error("the visitor got no session")
		}
		return
	}
	after := b.Values()
	delete(after, "new")
	// Not reflect.DeepEqual: NaN is not itself.
	if got, want := fmt.Sprint(after), fmt.Sprint(before); before != nil && got != want {
		t.Errorf("with %s the other values became %s, want %s", own.Name(), got, want)
	}
}
