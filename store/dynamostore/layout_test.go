package dynamostore

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/cloakroom/cloakroom/store"
)

// A vector is an item that Flask-Session wrote.
type vector struct {
	Version, Name, ID, Val, Expiration string
}

func vectors(t *testing.T) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/flask_session.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("%d vectors", len(all))
	}
	return all
}

func (v vector) data(t *testing.T) []byte {
	t.Helper()
	data, err := hex.DecodeString(v.Val)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadsFlaskSessionsItems(t *testing.T) {
	for _, v := range vectors(t) {
		item := attributes{"id": text(v.ID), "val": binary(v.data(t)), "expiration": number(v.Expiration)}
		e, err := layout{}.entry(item)
		whole, _, _ := strings.Cut(v.Expiration, ".")
		if err != nil || e.Key != v.ID || string(e.Record.Data) != string(v.data(t)) || e.Record.Token != 0 ||
			number(whole).(*types.AttributeValueMemberN).Value != moment(e.Record.Expires).(*types.AttributeValueMemberN).Value[:len(whole)] {
			t.Errorf("%s, %s: %+v, %v", v.Version, v.Name, e, err)
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Time{
		"1706843045":                       time.Unix(1706843045, 0),
		"1798053997.706408977508544921875": time.Unix(1798053997, 706408977),
		"0":                                time.Unix(0, 0),
		"-1.5":                             time.Unix(-1, -5e8),
		"253402300799":                     time.Unix(253402300799, 0),
		"1.7E+9":                           time.Unix(1700000000, 0),
	} {
		if got, ok := seconds(text); !ok || !got.Equal(want) {
			t.Errorf("%s: %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "x", "NaN", "Inf", "1E+125", "1e999999999", "99999999999999999999", strings.Repeat("1", 100)} {
		if got, ok := seconds(text); ok {
			t.Errorf("%q: %v, want a refusal", text, got)
		}
	}
}

func TestItemsOfOthers(t *testing.T) {
	val := binary([]byte("data"))
	for name, c := range map[string]struct {
		l    layout
		item attributes
		want string
	}{
		"nothing":                  {layout{}, attributes{}, "attribute id is missing"},
		"key of another type":      {layout{}, attributes{"id": number("7")}, "attribute id is of another type"},
		"text as data":             {layout{}, attributes{"id": text("k"), "val": text("secret")}, "attribute val is of another type"},
		"expiry of another type":   {layout{}, attributes{"id": text("k"), "val": val, "expiration": text("soon")}, "attribute expiration is of another type"},
		"expiry out of range":      {layout{}, attributes{"id": text("k"), "val": val, "expiration": number("1E+125")}, "attribute expiration is out of range"},
		"native without a version": {layout{true}, attributes{"id": text("k"), "val": val}, "attribute version is missing"},
		"version out of range":     {layout{true}, attributes{"id": text("k"), "val": val, "version": number("-1")}, "attribute version is out of range"},
		"version 0":                {layout{true}, attributes{"id": text("k"), "val": val, "version": number("0")}, "attribute version is out of range"},
	} {
		_, err := c.l.entry(c.item)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// put writes an item behind the store's back.
func put(t *testing.T, s *Store, item attributes) {
	t.Helper()
	if _, err := s.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: s.table, Item: item}); err != nil {
		t.Fatal(err)
	}
}

// What is saved has the attributes of Flask-Session's items, with the same
// values of the same types.
func TestWritesFlaskSessionsItems(t *testing.T) {
	s := open(t, fresh(server(t), "flask"))
	expires := inAnHour()
	for _, v := range vectors(t) {
		if _, err := s.Save(t.Context(), v.ID, store.Record{}, store.Record{Data: v.data(t), Expires: expires}); err != nil {
			t.Fatal(err)
		}
		out, err := s.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: s.table, Key: byKey(v.ID), ConsistentRead: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		val, _ := out.Item["val"].(*types.AttributeValueMemberB)
		exp, _ := out.Item["expiration"].(*types.AttributeValueMemberN)
		if len(out.Item) != 3 || val == nil || exp == nil || hex.EncodeToString(val.Value) != v.Val ||
			exp.Value != moment(expires).(*types.AttributeValueMemberN).Value[:len(exp.Value)] || len(exp.Value) != 10 {
			t.Errorf("%s: %+v", v.Name, out.Item)
		}
		if err := s.Delete(t.Context(), v.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// Flask-Session 0.8 sets val and expiration, the latter with a fraction.
func TestTakesTurnsWithFlaskSession(t *testing.T) {
	s := open(t, fresh(server(t), "flask"))
	const key = "session:one"
	python := func(data string) {
		put(t, s, attributes{"id": text(key), "val": binary([]byte(data)), "more": text("kept"),
			"expiration": number(moment(time.Now().Add(time.Hour)).(*types.AttributeValueMemberN).Value)})
	}
	python("by Python")
	r := holds(t, s, key, "by Python")
	if err := s.Touch(t.Context(), key, r, inAnHour().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), key, r, record("by Go", inAnHour())); err != nil {
		t.Fatal(err)
	}
	if item, err := s.get(t.Context(), key); err != nil || item["more"] == nil {
		t.Errorf("a save has removed somebody else's attribute: %v, %v", item, err)
	}
	python("by Python again")
	for name, prev := range map[string]store.Record{"older": record("by Go", inAnHour()), "no": {}} {
		if _, err := s.Save(t.Context(), key, prev, record("lost", inAnHour())); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save over what Python wrote, with %s prev = %v, want ErrConflict", name, err)
		}
	}
	holds(t, s, key, "by Python again")
}

func TestListPassesOverOthers(t *testing.T) {
	s := open(t, fresh(server(t), "native"))
	if _, err := s.Save(t.Context(), "good", store.Record{}, record("data", inAnHour())); err != nil {
		t.Fatal(err)
	}
	put(t, s, attributes{"id": text("bad key"), "val": binary([]byte("data")), "version": number("1")})
	put(t, s, attributes{"id": text("bad"), "val": text("data")})
	var keys []string
	for e, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, e.Key)
	}
	if len(keys) != 1 || keys[0] != "good" {
		t.Errorf("List yields %q, want good alone", keys)
	}
	if _, err := s.Load(t.Context(), "bad"); err == nil || errors.Is(err, store.ErrNotFound) || store.Advice(err) == "" {
		t.Errorf("Load of an item with another layout = %v with advice %q", err, store.Advice(err))
	}
}

// A page of a scan has 1 MiB.
func TestLargeTable(t *testing.T) {
	s := open(t, fresh(server(t), "native"))
	data := strings.Repeat("x", 300<<10)
	for _, key := range strings.Split("abcd", "") {
		if _, err := s.Save(t.Context(), "live-"+key, store.Record{}, record(data, inAnHour())); err != nil {
			t.Fatal(err)
		}
		put(t, s, attributes{"id": text("dead-" + key), "val": binary([]byte(data)), "version": number("1"), "expiration": number("1")})
	}
	seen := 0
	for e, err := range s.List(t.Context(), "live-") {
		if err != nil || len(e.Record.Data) != len(data) {
			t.Fatalf("List yields %d bytes, %v", len(e.Record.Data), err)
		}
		seen++
	}
	if seen != 4 {
		t.Errorf("List yields %d records, want 4", seen)
	}
	// It goes on where it stopped, and comes round.
	for _, c := range []struct{ limit, want int }{{3, 3}, {3, 1}, {3, 0}} {
		if n, err := s.DeleteExpired(t.Context(), c.limit); n != c.want || err != nil {
			t.Errorf("DeleteExpired(%d) = %d, %v, want %d", c.limit, n, err, c.want)
		}
	}
	// Also if what has expired lies behind.
	out, err := s.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: s.table})
	if err != nil || len(out.LastEvaluatedKey) == 0 {
		t.Fatalf("the table has one page (%v)", err)
	}
	first := out.Items[0]
	first["expiration"] = number("1")
	for _, c := range []struct {
		limit int
		from  attributes
	}{{10, out.LastEvaluatedKey}, {1, nil}} {
		put(t, s, first)
		s.cleaned = c.from
		if n, err := s.DeleteExpired(t.Context(), c.limit); n != 1 || err != nil {
			t.Errorf("DeleteExpired(%d) from %v = %d, %v, want 1", c.limit, c.from, n, err)
		}
	}
	if len(s.cleaned) == 0 {
		t.Error("the next call begins at the start again")
	}
}

func TestCleanerSparesWhatWasSavedAnew(t *testing.T) {
	s := open(t, fresh(server(t), "native"))
	for _, key := range []string{"a", "b"} {
		put(t, s, attributes{"id": text(key), "val": binary([]byte{}), "version": number("1"), "expiration": number("1")})
	}
	now := time.Now()
	keys, _, err := s.expired(t.Context(), now, nil)
	if err != nil || len(keys) != 2 {
		t.Fatalf("expired = %v, %v, want 2", keys, err)
	}
	if _, err := s.Save(t.Context(), "a", store.Record{}, record("new", inAnHour())); err != nil {
		t.Fatal(err)
	}
	if n, err := s.removeExpired(t.Context(), now, keys); n != 1 || err != nil {
		t.Errorf("removeExpired = %d, %v, want 1", n, err)
	}
	holds(t, s, "a", "new")
}

// A record that never expires is as live as any.
func TestCreateConflictsWithWhatNeverExpires(t *testing.T) {
	for _, layout := range layouts {
		s := open(t, fresh(server(t), layout))
		if _, err := s.Save(t.Context(), "key", store.Record{}, record("data", time.Time{})); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Save(t.Context(), "key", store.Record{}, record("other", inAnHour())); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: Save = %v, want ErrConflict", layout, err)
		}
		holds(t, s, "key", "data")
	}
}
