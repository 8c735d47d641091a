package redisstore_test

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redistest"
)

func TestLoadAll(t *testing.T) {
	p := testserver.Start(t, testserver.Redis())
	redistest.LoadAll(t, open(t, urlOf(p)), p)
}

// What the near cache holds may be stale; LoadAll asks the server.
func TestLoadAllPassesTheNearCacheBy(t *testing.T) {
	p := testserver.Start(t, testserver.Redis())
	near, other := open(t, urlOf(p)+"?stale_for=1h"), open(t, urlOf(p))
	r, err := near.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("old"), Expires: time.Now().Add(time.Hour)})
	for range 50 {
		if err == nil {
			_, err = near.Load(t.Context(), "k")
		}
		if err == nil {
			next := store.Record{Data: append([]byte("new "), r.Data...), Expires: r.Expires}
			r, err = other.Save(t.Context(), "k", r, next)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := store.LoadAll(t.Context(), near, []string{"k"}); err != nil || string(got[0].Data) != string(r.Data) {
			t.Fatalf("LoadAll = %.20q, %v, want what was saved elsewhere", got[0].Data, err)
		}
	}
	if err := other.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if got, err := store.LoadAll(t.Context(), near, []string{"k"}); err != nil || got[0].Exists() {
		t.Errorf("LoadAll = %v, %v, want no record", got, err)
	}
}
