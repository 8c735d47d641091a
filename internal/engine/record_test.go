package engine_test

import (
	"bytes"
	"errors"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// Of two fields with one name the later counts, in the place of the earlier.
func TestForeignDuplicateNames(t *testing.T) {
	s, key := sitetest.NewForeign(t, codec.MsgPack)
	s.PlantData(t, key, "\x83\xa1a\x01\xa1b\x02\xa1a\x03")
	s.Use(t, func(s *cloakroom.Session) {
		if s.Get("a") != int64(3) || s.Len() != 2 {
			t.Errorf("a is %v, Len %d", s.Get("a"), s.Len())
		}
		s.Set("c", 4)
	})
	sitetest.Equal(t, "record", []string{s.Data(t, key)}, "\x83\xa1a\x03\xa1b\x02\xa1c\x04")
}

// Names of ours keep what others have written there, as long as it is theirs.
func TestForeignMetaSurvives(t *testing.T) {
	s, key := sitetest.NewForeign(t, codec.JSON)
	record := `{"_permanent":false,"_created":"yesterday","_flashes":"none","a":1`
	s.PlantData(t, key, record+"}")
	s.Use(t, func(s *cloakroom.Session) {
		if s.Permanent() {
			t.Error("Permanent is true")
		}
		s.Set("b", 2)
	})
	sitetest.Equal(t, "record", []string{s.Data(t, key)}, record+`,"b":2}`)
	s.Use(t, func(s *cloakroom.Session) { s.SetPermanent(true) })
	sitetest.Equal(t, "record", []string{s.Data(t, key)}, `{"_permanent":true,"_created":"yesterday","_flashes":"none","a":1,"b":2}`)
	s.Use(t, func(s *cloakroom.Session) { s.SetPermanent(false) })
	sitetest.Equal(t, "record", []string{s.Data(t, key)}, `{"_created":"yesterday","_flashes":"none","a":1,"b":2}`)
}

// A record keeps its codec, since a program that shares it may read no other one.
func TestRecordKeepsItsCodec(t *testing.T) {
	for name, c := range map[string]struct {
		own          codec.Codec
		record, then string
	}{
		"JSON":                      {codec.MsgPack, `{"n":5, "theirs":{"price": 2.50, "list": [1, 2]}}`, `{"n":5,"theirs":{"price": 2.50, "list": [1, 2]},"k":true}`},
		"msgpack":                   {codec.JSON, "\x82\xa1n\x05\xa1s\xa1x", "\x83\xa1n\x05\xa1s\xa1x\xa1k\xc3"},
		"names that are no strings": {codec.JSON, "\x82\xa1n\x05\x01\x02", "\x83\xa1n\x05\x01\x02\xa1k\xc3"},
	} {
		t.Run(name, func(t *testing.T) {
			s, key := sitetest.NewForeign(t, c.own)
			s.PlantData(t, key, c.record)
			s.Use(t, func(s *cloakroom.Session) {
				if s.Get("n") != int64(5) {
					t.Errorf("n is %v", s.Get("n"))
				}
			})
			sitetest.Equal(t, "after reading", []string{s.Data(t, key)}, c.record)
			s.Use(t, func(s *cloakroom.Session) {
				s.Set("k", true)
				if s.Get("k") != true || s.Get("n") != int64(5) {
					t.Errorf("k is %v, n is %v", s.Get("k"), s.Get("n"))
				}
			})
			sitetest.Equal(t, "after Set", []string{s.Data(t, key)}, c.then)
		})
	}
}

// twoNames is named otherwise in each codec.
type twoNames struct {
	At   time.Time `msgpack:"m" json:"j"`
	Data []byte    `msgpack:"d" json:"data"`
}

// What is set in a record of the other codec is written as that codec does it,
// and read back.
func TestTypedValuesInARecordOfTheOtherCodec(t *testing.T) {
	key := cloakroom.Key[twoNames]("v")
	want := twoNames{time.Unix(1709210096, 0).UTC(), []byte("abc")}
	for name, change := range map[string]func(*cloakroom.Session){
		"Set": func(s *cloakroom.Session) { key.Set(s, want) },
		"Update": func(s *cloakroom.Session) {
			key.Update(s, func(v twoNames) twoNames { v.At = want.At; return v })
			key.Update(s, func(v twoNames) twoNames { v.Data = want.Data; return v })
		},
	} {
		s, storeKey := sitetest.NewForeign(t, codec.MsgPack)
		s.PlantData(t, storeKey, `{"n":5}`)
		check := func(s *cloakroom.Session) {
			if got, ok := key.Get(s); !ok || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %+v, %v", name, got, ok)
			}
		}
		s.Use(t, func(s *cloakroom.Session) { change(s); check(s) })
		s.Use(t, check)
		sitetest.Equal(t, name, []string{s.Data(t, storeKey)}, `{"n":5,"v":{"j":"2024-02-29T12:34:56Z","data":"YWJj"}}`)
	}
}

// A record stays in its codec. A value that this one cannot hold is refused, and
// what the record has keeps its bytes.
func TestValueThatOnlyOurCodecCanSay(t *testing.T) {
	s, key := sitetest.NewForeign(t, codec.MsgPack)
	record := `{"data":"AQI=","n":1}`
	s.PlantData(t, key, record)
	a := s.Holder(t, sitetest.Dead).Visit(func(s *cloakroom.Session) {
		s.Set("n", math.Inf(1))
		if !errors.Is(s.Err(), codec.ErrType) || !strings.Contains(store.Advice(s.Err()), "json") {
			t.Errorf("Err %v, advice %q", s.Err(), store.Advice(s.Err()))
		}
	})
	if a.StatusCode != http.StatusInternalServerError || s.Data(t, key) != record {
		t.Errorf("got %v, the record is %s", a, s.Data(t, key))
	}
}

// A login that goes on from nothing writes its record in the codec that its
// changes were made in, with their types.
func TestChangesForARecordThatIsNoMore(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		o := cloakroom.Options{PlainIDs: true}
		s := sitetest.NewOn(t, records, o)
		s.PlantData(t, "session:"+sitetest.Dead, `{"a":1}`)
		b, other := s.Holder(t, sitetest.Dead), s.Holder(t, sitetest.Dead)
		data := cloakroom.Key[[]byte]("data")
		b.OK(func(session *cloakroom.Session) {
			session.Len()
			other.OK(logIn("ada"))
			logIn("eve")(session)
			data.Set(session, []byte{1, 2})
		})
		b.OK(func(session *cloakroom.Session) {
			if got, ok := data.Get(session); !ok || string(got) != "\x01\x02" {
				t.Errorf("got %v, %t", got, ok)
			}
		})
	})
}

// A codec of another package writes; those of this module are read too.
func TestCodecOfAnotherPackage(t *testing.T) {
	s, key := sitetest.NewForeign(t, &wrapped{codec.JSON})
	s.PlantData(t, key, "\x81\xa1n\x05")
	s.Use(t, func(s *cloakroom.Session) { s.Set("k", true) })
	sitetest.Equal(t, "record", []string{s.Data(t, key)}, "\x82\xa1n\x05\xa1k\xc3")
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) { s.Set("k", true) })
	sitetest.Equal(t, "new record", []string{strings.Split(s.Data(t, cloakroom.DefaultKeyPrefix+b.Ticket()), ",")[1]}, `"k":true}`)
	b.OK(func(s *cloakroom.Session) {
		if s.Get("k") != true {
			t.Errorf("k is %v", s.Get("k"))
		}
	})
}

// wrapped is a codec of another package.
type wrapped struct{ codec.Codec }

func (*wrapped) Name() string { return "wrapped" }

func TestUndecodableRecord(t *testing.T) {
	for name, data := range map[string]string{
		"empty":             "",
		"a pickle":          "\x80\x05\x95\x0b\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.",
		"a list":            "[1,2]",
		"half a record":     "\x82\xa1a\x01",
		"more than one":     "\x80\x80",
		"text":              sitetest.Hush + "text",
		"half of JSON":      `{"a":`,
		"a map of a length": "\xdf\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			s, key := sitetest.NewForeign(t, codec.MsgPack)
			s.PlantData(t, key, data)
			a := s.Ask(t, "__Host-session="+sitetest.Dead, func(session *cloakroom.Session) {
				if !session.IsNew() || session.Len() != 0 || session.Err() != nil {
					t.Errorf("IsNew %v, Len %d, Err %v", session.IsNew(), session.Len(), session.Err())
				}
				sitetest.SetUser(session)
			})
			if a.StatusCode != 200 || len(a.SetCookie) != 1 {
				t.Errorf("status %d, Set-Cookie %q", a.StatusCode, a.SetCookie)
			}
			if got := s.Records(t); string(got[key].Data) != data || len(got) != 2 {
				t.Errorf("the record was not left alone, or there is no new one")
			}
			events := s.Log.Take()
			if len(events) != 2 || events[0].Name != "Undecodable" || events[0].Handle != cloakroom.HandleOf(key) || events[0].Err == nil {
				t.Errorf("events: %v", events)
			}
			if lines := s.Log.Lines(); len(lines) != 1 {
				t.Errorf("logged %q", lines)
			}
		})
	}
}

// A session that is only read gets under the new key too, as its expiry moves
// on: otherwise the old key could never be dropped.
func TestRecordsAreSealedAnewAsTheyAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := bytes.Repeat([]byte("old key "), 4), bytes.Repeat([]byte("new key "), 4)
		newest, err := seal.New(next)
		if err != nil {
			t.Fatal(err)
		}
		before := sitetest.New(t, cloakroom.Options{RecordKeys: [][]byte{old}})
		b := before.Known(t)
		after := sitetest.New(t, cloakroom.Options{RecordKeys: [][]byte{next, old}})
		var key string
		for k, r := range before.Records(t) {
			key = k
			after.Plant(t, k, r)
		}
		visit := func(calls ...string) {
			t.Helper()
			after.Calls()
			after.Ask(t, "__Host-session="+b.Ticket(), sitetest.Has(t, "under both keys", true))
			sitetest.Equal(t, "store calls", after.Calls(), calls...)
		}
		visit("Load")
		time.Sleep(10 * time.Minute)
		after.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: sitetest.ErrRefused})
		visit("Load", "Save", "Touch") // that it fails ends nothing
		time.Sleep(10 * time.Minute)
		visit("Load", "Save")
		r := after.Records(t)[key]
		if !newest.Current(r.Data) || time.Until(r.Expires) != cloakroom.DefaultIdleTimeout {
			t.Errorf("under the new key: %v, expires in %v", newest.Current(r.Data), time.Until(r.Expires))
		}
		time.Sleep(10 * time.Minute)
		visit("Load", "Touch")
	})
}
