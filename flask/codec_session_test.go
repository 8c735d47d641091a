package flask_test

import (
	"errors"
	"log/slog"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// pickled is a session of Flask-Session 0.3: a user, a tuple, and a naive
// datetime.
const pickled = "\x80\x04}(\x8c\x0a_permanent\x88\x8c\x04user\x8c\x03ada\x8c\x01tK\x01K\x02\x86" +
	"\x8c\x04when\x8c\x08datetime\x8c\x08datetime\x93C\x0a\x07\xe8\x02\x1d\x0c\x22\x38\x00\x00\x00\x85Ru."

// withRecord returns a Manager over a store in which the session of the ticket
// has the given record, and that session's store key.
func withRecord(t *testing.T, format flask.Format, record string) (*cloakroom.Manager, store.Store, cloakroom.Ticket, string) {
	t.Helper()
	s := memstore.New(memstore.Options{})
	t.Cleanup(func() { s.Close() })
	m, err := cloakroom.New(s, cloakroom.Options{Codec: flask.RecordCodec(format), PlainIDs: true, Lifetime: cloakroom.NoLimit, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	const id = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	next := store.Record{Data: []byte(record), Expires: time.Now().Add(time.Hour)}
	if _, err := s.Save(t.Context(), "session:"+id, store.Record{}, next); err != nil {
		t.Fatal(err)
	}
	return m, s, id, "session:" + id
}

// TestSessionInAnotherFormat reads and changes a pickled session of a program
// that writes MessagePack.
func TestSessionInAnotherFormat(t *testing.T) {
	m, s, ticket, key := withRecord(t, flask.FormatMsgPack, pickled)
	session, err := m.Open(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	if got := session.Get("t"); !reflect.DeepEqual(got, flask.Tuple{int64(1), int64(2)}) {
		t.Errorf("got %#v", got)
	}
	when := flask.DateTime{Date: flask.Date{Year: 2024, Month: 2, Day: 29}, Time: flask.TimeOfDay{Hour: 12, Minute: 34, Second: 56}}
	if got := session.Get("when"); got != when {
		t.Errorf("got %#v", got)
	}
	if at, ok := cloakroom.Key[time.Time]("when").Get(session); !ok || !at.Equal(when.When()) {
		t.Errorf("got %v, %v", at, ok)
	}
	if !session.Permanent() {
		t.Error("not permanent")
	}
	session.Set("n", 1)
	session.Delete("user")
	if _, err := m.Commit(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	rec, err := s.Load(t.Context(), key)
	if want := "\x84\xaa_permanent\xc3\xa1t\x92\x01\x02\xa4when\xb32024-02-29T12:34:56\xa1n\x01"; err != nil || string(foreign(t, flask.FormatMsgPack, rec.Data)) != want {
		t.Errorf("saved %q and error %v, want %q", rec.Data, err, want)
	}
	// The text reads back as what it was.
	again, err := m.Open(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := cloakroom.Key[flask.DateTime]("when").Get(again); !ok || got != when {
		t.Errorf("got %v, %v", got, ok)
	}
}

// foreign returns a record without what a native Manager keeps in it for itself.
func foreign(t *testing.T, format flask.Format, data []byte) []byte {
	t.Helper()
	c := flask.RecordCodec(format)
	fields, err := c.Split(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	data, err = c.Join(nil, slices.DeleteFunc(fields, func(f codec.Field) bool { return string(f.Name) == "_cloakroom" }))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestEveryValueOfAnotherFormatSetAnew leaves nothing of a record in another
// format but the names of its values.
func TestEveryValueOfAnotherFormatSetAnew(t *testing.T) {
	records := map[string]string{"pickle": "\x80\x04}(\x8c\x01aK\x01\x8c\x01bK\x02u.", "msgpack": "\x82\xa1a\x01\xa1b\x02", "json": `{"a":1,"b":2}`}
	for _, format := range []flask.Format{flask.FormatMsgPack, flask.FormatJSON, flask.FormatPickle} {
		for from, record := range records {
			m, s, ticket, key := withRecord(t, format, record)
			session, err := m.Open(t.Context(), ticket)
			if err != nil {
				t.Fatal(err)
			}
			session.Set("a", 3)
			session.Set("b", "x")
			if _, err := m.Commit(t.Context(), session); err != nil {
				t.Errorf("%s to %s: %v", from, format, err)
				continue
			}
			rec, err := s.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			in, err := flask.Inspect(foreign(t, format, rec.Data), flask.Config{})
			if err != nil || in.Format != string(format) || string(in.JSON) != "{\n  \"a\": 3,\n  \"b\": \"x\"\n}" {
				t.Errorf("%s to %s: saved %q, in which is %+v and error %v", from, format, rec.Data, in, err)
			}
		}
	}
}

// TestIntegersBeyond64Bits are refused where Flask-Session could not read them.
func TestIntegersBeyond64Bits(t *testing.T) {
	big := new(big.Int).Lsh(big.NewInt(1), 70)
	for format, want := range map[flask.Format]error{flask.FormatMsgPack: codec.ErrType, flask.FormatJSON: nil, flask.FormatPickle: nil} {
		for name, v := range map[string]any{"alone": big, "in a list": []any{1, big}, "in a struct": struct{ N any }{*big}} {
			m, _, ticket, _ := withRecord(t, format, pickled)
			session, err := m.Open(t.Context(), ticket)
			if err != nil {
				t.Fatal(err)
			}
			session.Set("n", v)
			if _, err := m.Commit(t.Context(), session); !errors.Is(err, want) {
				t.Errorf("%s, %s: got error %v, want %v", format, name, err, want)
			}
		}
	}
}

// TestPythonTypesInASession sets Python's types and finds them again.
func TestPythonTypesInASession(t *testing.T) {
	uuid, err := flask.ParseUUID("12345678-1234-5678-1234-567812345678")
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2024, 2, 29, 12, 0, 0, 0, time.FixedZone("", 3600))
	values := map[string]any{
		"tuple": flask.Tuple{int64(1), "a"}, "markup": flask.Markup("<b>"), "uuid": uuid, "set": flask.Set{int64(1)},
		"decimal": flask.Decimal("1.10"), "naive": flask.Naive(noon), "aware": noon.UTC(), "long": flask.Lasting(-time.Second),
		"bytes": flask.ByteArray("x"), "day": flask.Date{Year: 2024, Month: 2, Day: 29},
	}
	m, _, ticket, _ := withRecord(t, flask.FormatPickle, pickled)
	session, err := m.Open(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range values {
		session.Set(name, v)
	}
	if _, err := m.Commit(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	again, err := m.Open(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range values {
		if got := again.Get(name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", name, got, want)
		}
	}
}
