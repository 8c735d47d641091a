package mongostore

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/cloakroom/cloakroom/store"
)

// insert puts documents into the collection of s behind its back.
func insert(t *testing.T, s *Store, docs ...bson.D) {
	t.Helper()
	for _, d := range docs {
		if _, err := s.coll.InsertOne(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

// pythonSaves does what Flask-Session 0.8 does: update_one with upsert.
func pythonSaves(t *testing.T, s *Store, key string, data []byte, expires time.Time) {
	t.Helper()
	_, err := s.coll.UpdateOne(t.Context(), bson.D{{Key: "id", Value: key}}, bson.D{{Key: "$set", Value: bson.D{
		{Key: "val", Value: bson.Binary{Data: data}}, {Key: "expiration", Value: bson.NewDateTimeFromTime(expires)}}}},
		options.UpdateOne().SetUpsert(true))
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, s *Store, key string) int64 {
	t.Helper()
	n, err := s.coll.CountDocuments(t.Context(), s.layout.byKey(key))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func holds(t *testing.T, s *Store, key, data string) store.Record {
	t.Helper()
	r, err := s.Load(t.Context(), key)
	if err != nil || string(r.Data) != data {
		t.Fatalf("Load = %q, %v, want %q", r.Data, err, data)
	}
	return r
}

func record(data string, expires time.Time) store.Record {
	return store.Record{Data: []byte(data), Expires: expires}
}

func inAnHour() time.Time { return time.Now().Add(time.Hour).Truncate(time.Second) }

func TestTakesTurnsWithFlaskSession(t *testing.T) {
	s := open(t, fresh(server(t), "flask"))
	const key = "session:one"
	pythonSaves(t, s, key, []byte("by Python"), inAnHour())
	r := holds(t, s, key, "by Python")
	if _, err := s.Save(t.Context(), key, r, record("by Go", inAnHour())); err != nil {
		t.Fatal(err)
	}
	pythonSaves(t, s, key, []byte("by Python again"), inAnHour())
	if _, err := s.Save(t.Context(), key, record("by Go", inAnHour()), record("lost", inAnHour())); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save over what Python wrote = %v, want ErrConflict", err)
	}
	if _, err := s.Save(t.Context(), key, store.Record{}, record("lost", inAnHour())); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save that creates where Python wrote = %v, want ErrConflict", err)
	}
	holds(t, s, key, "by Python again")
	if n := count(t, s, key); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}

// A session of Flask-Session 0.3 that is not permanent has no expiry: null.
func TestNullExpiryIsNever(t *testing.T) {
	s := open(t, fresh(server(t), "flask"))
	for name, expiration := range map[string]bson.D{
		"null": {{Key: "expiration", Value: nil}}, "missing": {},
	} {
		insert(t, s, append(bson.D{{Key: "id", Value: name}, {Key: "val", Value: bson.Binary{Data: []byte("data")}}}, expiration...))
		r := holds(t, s, name, "data")
		if !r.Expires.IsZero() {
			t.Errorf("%s: expires %v, want never", name, r.Expires)
		}
		if err := s.Touch(t.Context(), name, r, inAnHour()); err != nil {
			t.Errorf("%s: Touch = %v", name, err)
		}
		if r = holds(t, s, name, "data"); !r.Expires.IsZero() {
			t.Errorf("%s: Touch has shortened it to %v", name, r.Expires)
		}
		if _, err := s.Save(t.Context(), name, r, record("more", inAnHour())); err != nil {
			t.Errorf("%s: Save = %v", name, err)
		}
		holds(t, s, name, "more")
	}
}

// Without a unique index two Python processes can create one session twice.
func TestDeleteRemovesDuplicatesToo(t *testing.T) {
	s := open(t, fresh(server(t), "flask"))
	for range 2 {
		insert(t, s, bson.D{{Key: "id", Value: "twice"}, {Key: "val", Value: bson.Binary{Data: []byte("data")}},
			{Key: "expiration", Value: bson.NewDateTimeFromTime(inAnHour())}})
	}
	if err := s.EnsureIndexes(t.Context()); err == nil || errors.Is(err, store.ErrUnsupported) {
		t.Errorf("EnsureIndexes = %v, want an error about the duplicates", err)
	}
	if err := s.Delete(t.Context(), "twice"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "twice"); n != 0 {
		t.Errorf("%d documents are left", n)
	}
}

// An expired document may have any _id; the one that replaces it keeps it.
func TestCreatesWhereAnotherExpired(t *testing.T) {
	s := open(t, fresh(server(t), "flask"))
	const key = "session:old"
	pythonSaves(t, s, key, []byte("old"), time.Now().Add(-time.Minute))
	if _, err := s.Save(t.Context(), key, store.Record{}, record("new", inAnHour())); err != nil {
		t.Fatal(err)
	}
	holds(t, s, key, "new")
	if n := count(t, s, key); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}

// Of two processes that create one session the second finds its _id taken,
// also where the key has no index.
func TestCreatorsUseOneID(t *testing.T) {
	s := open(t, fresh(server(t), "flask"))
	insert(t, s, bson.D{{Key: "_id", Value: objectID("session:new")}, {Key: "id", Value: "unseen as yet"}})
	if _, err := s.Save(t.Context(), "session:new", store.Record{}, record("data", inAnHour())); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save = %v, want ErrConflict", err)
	}
	if objectID("session:new") == objectID("session:other") {
		t.Error("two keys have the same _id")
	}
}

func TestCleanerSparesWhatWasSavedAnew(t *testing.T) {
	s := open(t, fresh(server(t), "native"))
	soon := time.Now().Add(50 * time.Millisecond).Truncate(time.Millisecond)
	for _, key := range []string{"a", "b"} {
		if _, err := s.Save(t.Context(), key, store.Record{}, record("old", soon)); err != nil {
			t.Fatal(err)
		}
	}
	now := soon.Add(time.Second)
	ids, err := s.expiredIDs(t.Context(), now, 10)
	if err != nil || len(ids) != 2 {
		t.Fatalf("expiredIDs = %v, %v, want 2", ids, err)
	}
	time.Sleep(time.Until(soon))
	if _, err := s.Save(t.Context(), "a", store.Record{}, record("new", inAnHour())); err != nil {
		t.Fatal(err)
	}
	if n, err := s.removeExpired(t.Context(), now, ids); n != 1 || err != nil {
		t.Errorf("removeExpired = %d, %v, want 1", n, err)
	}
	holds(t, s, "a", "new")
}

func TestListEndsWithItsContext(t *testing.T) {
	s := open(t, fresh(server(t), "native"))
	for _, key := range []string{"a", "b", "c"} {
		if _, err := s.Save(t.Context(), key, store.Record{}, record("data", inAnHour())); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range s.List(ctx, "") {
		if last = err; err == nil {
			n++
			cancel()
		}
	}
	if n != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("List yields %d records after its context ended, then %v", n-1, last)
	}
}

func TestListPassesOverOthers(t *testing.T) {
	s := open(t, fresh(server(t), "flask"))
	val := bson.Binary{Data: []byte("data")}
	insert(t, s,
		bson.D{{Key: "id", Value: "good"}, {Key: "val", Value: val}},
		bson.D{{Key: "id", Value: "bad key"}, {Key: "val", Value: val}},
		bson.D{{Key: "id", Value: "bad"}, {Key: "val", Value: "text"}},
		bson.D{{Key: "other", Value: "thing"}})
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
		t.Errorf("Load of a document with another layout = %v with advice %q", err, store.Advice(err))
	}
}

func TestEnsureIndexes(t *testing.T) {
	for _, layout := range layouts {
		s := open(t, fresh(server(t), layout))
		for range 2 {
			// Not this server's.
			if err := s.EnsureIndexes(t.Context()); !errors.Is(err, store.ErrUnsupported) || store.Advice(err) != adviseCleanup {
				t.Fatalf("%s: EnsureIndexes = %v with advice %q, want ErrUnsupported", layout, err, store.Advice(err))
			}
		}
		if layout == "native" {
			continue
		}
		doc := bson.D{{Key: "id", Value: "key"}, {Key: "val", Value: bson.Binary{Data: []byte("data")}}}
		insert(t, s, doc)
		if _, err := s.coll.InsertOne(t.Context(), doc); err == nil {
			t.Error("the index on the key is not unique")
		}
		if _, err := s.Save(t.Context(), "key", store.Record{}, record("data", inAnHour())); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
	}
	// What the server lacks is no reason not to start.
	open(t, fresh(server(t), "flask")+"&ensure_indexes=true")
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
