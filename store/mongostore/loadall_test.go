package mongostore

import (
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/cloakroom/cloakroom/store"
)

// Of several documents of one session LoadAll takes the one that Load takes.
func TestLoadAllWhereFlaskHasASessionTwice(t *testing.T) {
	s := open(t, fresh(server(t), "flask"))
	doc := func(key, data string, expires time.Time) bson.D {
		return bson.D{{Key: "id", Value: key}, {Key: "val", Value: bson.Binary{Data: []byte(data)}},
			{Key: "expiration", Value: bson.NewDateTimeFromTime(expires)}}
	}
	insert(t, s, doc("a", "first", inAnHour()), doc("b", "of b", inAnHour()), doc("a", "second", inAnHour()),
		doc("c", "expired", time.Now().Add(-time.Hour)), doc("c", "later", inAnHour()))
	keys := []string{"c", "b", "a", "b"}
	records, err := s.LoadAll(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		if one, _ := s.Load(t.Context(), key); string(records[i].Data) != string(one.Data) || records[i].Exists() != one.Exists() {
			t.Errorf("record %d is %q, and Load returns %q", i, records[i].Data, one.Data)
		}
	}
}

func TestLoadAllOfADocumentThatIsNoSession(t *testing.T) {
	for _, layout := range layouts {
		s := open(t, fresh(server(t), layout))
		const key = "session:damaged"
		insert(t, s, append(s.layout.byKey(key), bson.E{Key: "val", Value: "text"}))
		if _, err := s.Save(t.Context(), "session:whole", store.Record{}, record("data", inAnHour())); err != nil {
			t.Fatal(err)
		}
		records, err := s.LoadAll(t.Context(), []string{"session:whole", key})
		if records != nil || err == nil || !strings.Contains(err.Error(), "not a session's") || strings.Contains(err.Error(), key) || store.Advice(err) == "" {
			t.Errorf("%s: LoadAll = %v, %v (%s), want an error with advice", layout, records, err, store.Advice(err))
		}
	}
}
