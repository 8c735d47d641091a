package cloakroom_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Guarantees 7 and 8: what others wrote into the store survives, and harms
// nobody.

// foreign puts data into the store as another program would, and returns the
// ticket that opens it.
func foreign(t testing.TB, s store.Store, data []byte) string {
	ticket := strings.Repeat("f", 43)
	_, err := s.Save(t.Context(), storeKeyOf(ticket), store.Record{},
		store.Record{Data: data, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

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
	changes := map[string]page{"set": set("n", 2), "new value": set("m", 2), "update": func(s *cloakroom.Session) string {
		cloakroom.Key[int]("n").Update(s, func(n int) int { return n + 1 })
		return ""
	}, "flash": func(s *cloakroom.Session) string { s.Flash("info", "x"); return "" }, "regenerate": regenerate}
	for _, f := range foreignRecords {
		for name, change := range changes {
			t.Run(f.name+", "+name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, s store.Store) {
					m := manage(t, s, plainOptions(nil))
					ticket := foreign(t, s, []byte(f.data))
					r := visit(m, ticket, change)
					if r.code != http.StatusOK {
						t.Fatalf("got %v, want 200", r)
					}
					rec, err := s.Load(t.Context(), storeKeyOf(r.after(ticket)))
					if err != nil {
						t.Fatal(err)
					}
					if string(rec.Data) == f.data {
						t.Error("the record was not changed at all")
					}
					if !bytes.Contains(rec.Data, []byte(f.want)) {
						t.Errorf("the record is %q, want the value %q in it", rec.Data, f.want)
					}
				})
			})
		}
	}
}

// The values of a JSON record stay what they are for those who read them, also
// after this program saved the record in its own codec.
func TestForeignJSONKeepsItsMeaning(t *testing.T) {
	s := openMemory(t)
	m := manage(t, s, plainOptions(nil))
	ticket := foreign(t, s, []byte(`{"list":[1,2.5,null,true],"deep":{"a":{"b":"ü"}},"big":18446744073709551615,"n":1}`))
	before := fmt.Sprint(contents(t, m, ticket))
	visit(m, ticket, set("n", 1))
	if got := fmt.Sprint(contents(t, m, ticket)); got != before {
		t.Errorf("got %v, want %v", got, before)
	}
}

// FuzzRecordThroughARequest lets requests read, change and move whatever the
// store holds. There is no panic; what cannot be read is left alone, and the
// visitor is served with a new session; what can be read can be written too,
// and no other value changes by that.
func FuzzRecordThroughARequest(f *testing.F) {
	for _, r := range foreignRecords {
		f.Add([]byte(r.data))
	}
	for _, text := range []string{
		"", "\x80", "\xc0", "\x00", `{}`, `{"a":1e999,"b":[{}]}`, `{"a":"\ud800"}`, `{"_created":9223372036854775807}`,
		`{"_flashes":[["info","a"],["b"],null]}`, `{"_permanent":"yes","_created":"now"}`, "\x81\xa8_created\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
		"\x81\xa8_flashes\x92\xc0\x92\xc7\x01\x05x\x81\x01\x02", "\xdf\xff\xff\xff\xff", "\x81\xa1a\xdd\xff\xff\xff\xff",
		"\x82\xa1a\x01\xa1a\x02", "\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}.", strings.Repeat("\x91", 300),
		"{" + `"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}", `{"a":1,"a":2}`, ` {"a": 1 } `,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return // larger ones show nothing new
		}
		for _, own := range []codec.Codec{codec.MsgPack, codec.JSON} {
			throughARequest(t, bytes.Clone(data), own)
		}
	})
}

func throughARequest(t *testing.T, data []byte, own codec.Codec) {
	s := memstore.New(memstore.Options{})
	defer s.Close()
	undecodable := 0
	o := plainOptions(nil)
	o.Codec = own
	o.Hooks.Undecodable = func(_ context.Context, _ cloakroom.Event) { undecodable++ }
	m := manage(t, s, o)
	ticket := foreign(t, s, data)
	r := visit(m, ticket, func(s *cloakroom.Session) string {
		for name := range s.All() {
			s.Has(name)
		}
		return fmt.Sprint(s.IsNew(), s.Permanent())
	})
	if r.code != http.StatusOK {
		t.Fatalf("reading with %s: got %v, want 200", own.Name(), r)
	}
	before := contents(t, m, ticket)
	delete(before, "new")
	for _, p := range []page{set("new", "value"), func(s *cloakroom.Session) string {
		s.Flashes()
		s.Flash("info", "text")
		return ""
	}, func(s *cloakroom.Session) string {
		s.SetPermanent(!s.Permanent())
		s.Regenerate()
		return ""
	}} {
		r = visit(m, ticket, p)
		if r.code != http.StatusOK {
			t.Fatalf("writing with %s: got %v, want 200", own.Name(), r)
		}
		if undecodable > 0 {
			break
		}
		ticket = r.after(ticket)
	}
	if undecodable > 0 {
		if rec, err := s.Load(t.Context(), storeKeyOf(strings.Repeat("f", 43))); err != nil || !bytes.Equal(rec.Data, data) {
			t.Error("a record that cannot be read was not left alone")
		}
		if r.ticket == "" {
			t.Error("the visitor got no session")
		}
		return
	}
	after := contents(t, m, ticket)
	delete(after, "new")
	// Not reflect.DeepEqual: NaN is not itself.
	if got, want := fmt.Sprint(after), fmt.Sprint(before); before != nil && got != want {
		t.Errorf("with %s the other values became %s, want %s", own.Name(), got, want)
	}
}
