package cloakroom_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
)

// odd is a record of another program: an integer wider than need be, a name
// spelled as str8, an unknown extension type, a name that is no string, and a
// float of 32 bits.
var odd = []byte("\x85" +
	"\xa1n" + "\xd3\x00\x00\x00\x00\x00\x00\x00\x01" +
	"\xd9\x04wide" + "\xdd\x00\x00\x00\x01\xcf\x00\x00\x00\x00\x00\x00\x00\x05" +
	"\xa3ext" + "\xd6\x42abcd" +
	"\x07" + "\xa5seven" +
	"\xa1f" + "\xca\x3f\x80\x00\x00")

func TestForeignValuesSurviveByteForByte(t *testing.T) {
	s, key := plainSite(t, codec.MsgPack)
	s.plant(t, key, store.Record{Data: odd, Expires: time.Now().Add(time.Hour)})
	s.use(t, func(s *cloakroom.Session) {
		if n, ok := cloakroom.Key[int]("n").Get(s); n != 1 || !ok {
			t.Errorf("n: %d, %v", n, ok)
		}
		want(t, "Keys", s.Keys(), "n", "wide", "ext", "f")
		s.Set("own", true)
	})
	wanted := append([]byte("\x86"), odd[1:]...)
	wanted = append(wanted, "\xa3own\xc3"...)
	if got := s.records(t)[key].Data; !bytes.Equal(got, wanted) {
		t.Errorf("after Set: % x, want % x", got, wanted)
	}
	s.use(t, func(s *cloakroom.Session) { s.Delete("own"); s.Set("n", 2) })
	wanted = bytes.Replace(odd, []byte("\xd3\x00\x00\x00\x00\x00\x00\x00\x01"), []byte("\x02"), 1)
	if got := s.records(t)[key].Data; !bytes.Equal(got, wanted) {
		t.Errorf("after changing n: % x, want % x", got, wanted)
	}
}

func TestForeignRecordThatIsOnlyReadStays(t *testing.T) {
	s, key := plainSite(t, codec.MsgPack)
	s.plant(t, key, store.Record{Data: odd, Expires: time.Now().Add(time.Hour)})
	s.store.since()
	s.use(t, func(s *cloakroom.Session) {
		for range s.All() {
		}
	})
	want(t, "store calls", s.store.since(), "Load")
}

// Of two fields with one name the later counts, in the place of the earlier.
func TestForeignDuplicateNames(t *testing.T) {
	s, key := plainSite(t, codec.MsgPack)
	s.plant(t, key, store.Record{Data: []byte("\x83\xa1a\x01\xa1b\x02\xa1a\x03"), Expires: time.Now().Add(time.Hour)})
	s.use(t, func(s *cloakroom.Session) {
		if s.Get("a") != int64(3) || s.Len() != 2 {
			t.Errorf("a is %v, Len %d", s.Get("a"), s.Len())
		}
		s.Set("c", 4)
	})
	want(t, "record", []string{string(s.records(t)[key].Data)}, "\x83\xa1a\x03\xa1b\x02\xa1c\x04")
}

// Names of ours keep what others have written there, as long as it is theirs.
func TestForeignMetaSurvives(t *testing.T) {
	s, key := plainSite(t, codec.JSON)
	record := `{"_permanent":false,"_created":"yesterday","_flashes":"none","a":1`
	s.plantJSON(t, key, record+"}")
	s.use(t, func(s *cloakroom.Session) {
		if s.Permanent() {
			t.Error("Permanent is true")
		}
		s.Set("b", 2)
	})
	want(t, "record", []string{string(s.records(t)[key].Data)}, record+`,"b":2}`)
	s.use(t, func(s *cloakroom.Session) { s.SetPermanent(true) })
	want(t, "record", []string{string(s.records(t)[key].Data)}, `{"_permanent":true,"_created":"yesterday","_flashes":"none","a":1,"b":2}`)
	s.use(t, func(s *cloakroom.Session) { s.SetPermanent(false) })
	want(t, "record", []string{string(s.records(t)[key].Data)}, `{"_created":"yesterday","_flashes":"none","a":1,"b":2}`)
}

func TestRecordOfTheOtherCodecIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		own          codec.Codec
		record, then string
	}{
		"JSON becomes msgpack":         {codec.MsgPack, `{"n":5,"s":"x"}`, "\x83\xa1n\x05\xa1s\xa1x\xa1k\xc3"},
		"msgpack becomes JSON":         {codec.JSON, "\x82\xa1n\x05\xa1s\xa1x", `{"n":5,"s":"x","k":true}`},
		"msgpack that JSON cannot say": {codec.JSON, "\x82\xa1n\x05\xa1s\xc4\x01x", "\x83\xa1n\x05\xa1s\xc4\x01x\xa1k\xc3"},
		"names that are no strings":    {codec.JSON, "\x82\xa1n\x05\x01\x02", "\x83\xa1n\x05\x01\x02\xa1k\xc3"},
	} {
		t.Run(name, func(t *testing.T) {
			s, key := plainSite(t, c.own)
			s.plantJSON(t, key, c.record)
			s.use(t, func(s *cloakroom.Session) {
				if s.Get("n") != int64(5) {
					t.Errorf("n is %v", s.Get("n"))
				}
			})
			want(t, "after reading", []string{string(s.records(t)[key].Data)}, c.record)
			s.use(t, func(s *cloakroom.Session) {
				s.Set("k", true)
				if s.Get("k") != true || s.Get("n") != int64(5) {
					t.Errorf("k is %v, n is %v", s.Get("k"), s.Get("n"))
				}
			})
			want(t, "after Set", []string{string(s.records(t)[key].Data)}, c.then)
		})
	}
}

// A codec of another package writes; those of this module are read too.
func TestCodecOfAnotherPackage(t *testing.T) {
	s, key := plainSite(t, &wrapped{codec.JSON})
	s.plantJSON(t, key, "\x81\xa1n\x05")
	s.use(t, func(s *cloakroom.Session) { s.Set("k", true) })
	want(t, "record", []string{string(s.records(t)[key].Data)}, `{"n":5,"k":true}`)
	s.use(t, func(s *cloakroom.Session) {
		if s.Get("n") != int64(5) || s.Get("k") != true {
			t.Errorf("n is %v, k is %v", s.Get("n"), s.Get("k"))
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
		"text":              hush + "text",
		"half of JSON":      `{"a":`,
		"a map of a length": "\xdf\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			s, key := plainSite(t, codec.MsgPack)
			s.plantJSON(t, key, data)
			a := s.ask(t, "__Host-session="+dead, func(session *cloakroom.Session) {
				if !session.IsNew() || session.Len() != 0 || session.Err() != nil {
					t.Errorf("IsNew %v, Len %d, Err %v", session.IsNew(), session.Len(), session.Err())
				}
				setUser(session)
			})
			if a.StatusCode != 200 || len(a.cookies) != 1 {
				t.Errorf("status %d, Set-Cookie %q", a.StatusCode, a.cookies)
			}
			if got := s.records(t); string(got[key].Data) != data || len(got) != 2 {
				t.Errorf("the record was not left alone, or there is no new one")
			}
			events := s.log.take()
			if len(events) != 2 || events[0].name != "Undecodable" || events[0].Handle != cloakroom.HandleOf(key) || events[0].Err == nil {
				t.Errorf("events: %v", events)
			}
			if lines := s.log.lines(); len(lines) != 1 {
				t.Errorf("logged %q", lines)
			}
		})
	}
}
