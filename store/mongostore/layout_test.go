package mongostore

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/cloakroom/cloakroom/store"
)

// A vector is a document that Flask-Session wrote.
type vector struct {
	Version, Name, ID, Val string
	Fields                 []string
	Expiration             *int64 `json:"expiration_ms"`
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
	if len(all) < 10 {
		t.Fatalf("%d vectors", len(all))
	}
	return all
}

// document is what pymongo sends, with another expiry if one is given.
func (v vector) document(t *testing.T, expires time.Time) bson.D {
	t.Helper()
	var expiration any
	if v.Expiration != nil {
		expiration = bson.DateTime(*v.Expiration)
		if !expires.IsZero() {
			expiration = bson.NewDateTimeFromTime(expires)
		}
	}
	return bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "id", Value: v.ID},
		{Key: "val", Value: bson.Binary{Data: v.data(t)}}, {Key: "expiration", Value: expiration}}
}

func (v vector) data(t *testing.T) []byte {
	t.Helper()
	data, err := hex.DecodeString(v.Val)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func raw(t *testing.T, d any) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadsFlaskSessionsDocuments(t *testing.T) {
	for _, v := range vectors(t) {
		e, err := layoutOf(true).entry(raw(t, v.document(t, time.Time{})))
		var expires time.Time
		if v.Expiration != nil {
			expires = time.UnixMilli(*v.Expiration)
		}
		if err != nil || e.Key != v.ID || string(e.Record.Data) != string(v.data(t)) ||
			!e.Record.Expires.Equal(expires) || e.Record.Token != 0 {
			t.Errorf("%s, %s: %+v, %v", v.Version, v.Name, e, err)
		}
	}
}

func TestDocumentsOfOthers(t *testing.T) {
	date := bson.NewDateTimeFromTime(time.Now())
	val := bson.Binary{Data: []byte("data")}
	for name, c := range map[string]struct {
		flask bool
		doc   bson.D
		want  string
	}{
		"nothing":             {true, bson.D{}, "field id is missing"},
		"key of another type": {true, bson.D{{Key: "id", Value: 7}}, "field id is of type 32-bit integer"},
		"text as data":        {true, bson.D{{Key: "id", Value: "k"}, {Key: "val", Value: "secret"}}, "field val is of type string"},
		"expiry of another type": {true, bson.D{{Key: "id", Value: "k"}, {Key: "val", Value: val},
			{Key: "expiration", Value: "soon"}}, "field expiration is of type string"},
		"Flask's in native": {false, bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "id", Value: "k"},
			{Key: "val", Value: val}}, "field _id is of type objectID"},
		"native without a version": {false, bson.D{{Key: "_id", Value: "k"}, {Key: "val", Value: val},
			{Key: "expiration", Value: date}}, "field version is missing"},
		"native with version 0": {false, bson.D{{Key: "_id", Value: "k"}, {Key: "val", Value: val},
			{Key: "expiration", Value: date}, {Key: "version", Value: int64(0)}}, "field version"},
		"native in Flask's": {true, bson.D{{Key: "_id", Value: "k"}, {Key: "val", Value: val},
			{Key: "expiration", Value: date}, {Key: "version", Value: int64(1)}}, "field id is missing"},
	} {
		_, err := layoutOf(c.flask).entry(raw(t, c.doc))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestExpiryIsRoundedUp(t *testing.T) {
	base := time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.UTC)
	for _, c := range []struct{ in, want time.Time }{
		{base, base},
		{base.Add(1), base.Add(time.Millisecond)},
		{base.Add(time.Millisecond - 1), base.Add(time.Millisecond)},
		{time.Time{}, time.Time{}},
		{never, time.Time{}},
		{never.Add(time.Hour), time.Time{}},
		{never.Add(-time.Millisecond), never.Add(-time.Millisecond)},
		{time.Time{}.Add(1), time.Time{}.Add(time.Millisecond)},
	} {
		if got := fromDate(toDate(c.in)); !got.Equal(c.want) {
			t.Errorf("%v is stored as %v, want %v", c.in, got, c.want)
		}
	}
	// Python has no later years.
	if got := toDate(never.AddDate(10000, 0, 0)).Time(); !got.Equal(never) {
		t.Errorf("a year far beyond is stored as %v, want %v", got, never)
	}
}

// What is saved has the fields of Flask-Session's documents, with the same
// values of the same types.
func TestWritesFlaskSessionsDocuments(t *testing.T) {
	addr := server(t)
	s := open(t, fresh(addr, "flask"))
	expires := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	for _, v := range vectors(t) {
		if _, err := s.Save(t.Context(), v.ID, store.Record{}, store.Record{Data: v.data(t), Expires: expires}); err != nil {
			t.Fatal(err)
		}
		doc, err := s.coll.FindOne(t.Context(), bson.D{{Key: "id", Value: v.ID}}).Raw()
		if err != nil {
			t.Fatal(err)
		}
		elements, _ := doc.Elements()
		var names []string
		for _, e := range elements {
			names = append(names, e.Key())
		}
		// In whatever order: a MongoDB from version 5.0 on sorts them itself.
		if slices.Sort(names); !slices.Equal(names, slices.Sorted(slices.Values(v.Fields))) {
			t.Errorf("%s: fields %q, want %q", v.Name, names, v.Fields)
		}
		want := v.document(t, expires)
		for _, field := range want[1:] {
			if got := doc.Lookup(field.Key); !got.Equal(raw(t, bson.D{field}).Lookup(field.Key)) && v.Expiration != nil {
				t.Errorf("%s: %s is %v, want %v", v.Name, field.Key, got, field.Value)
			}
		}
		if doc.Lookup("_id").Type != bson.TypeObjectID {
			t.Errorf("%s: _id is a %s, want an ObjectId as pymongo's", v.Name, doc.Lookup("_id").Type)
		}
		if err := s.Delete(t.Context(), v.ID); err != nil {
			t.Fatal(err)
		}
	}
}
