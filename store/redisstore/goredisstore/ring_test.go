package goredisstore_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
)

// A Ring looks for the keys of a server that is down on the others. A session
// must neither be missed there nor begin there anew.
func TestRingWithoutOneOfItsServers(t *testing.T) {
	a := testserver.Start(t, testserver.Redis())
	b := testserver.Start(t, testserver.Redis("appendonly yes", "appendfsync always"))
	ring := redis.NewRing(&redis.RingOptions{
		Addrs:              map[string]string{"a": a.Addr(), "b": b.Addr()},
		HeartbeatFrequency: 20 * time.Millisecond,
	})
	s := open(t, ring, goredisstore.Options{})
	const n = 40
	key := func(i int) string { return "session:" + strconv.Itoa(i) }
	var keys []string
	for i := range n {
		keys = append(keys, key(i))
		if _, err := s.Save(t.Context(), key(i), store.Record{}, store.Record{Data: []byte(key(i))}); err != nil {
			t.Fatal(err)
		}
	}
	b.Kill(t)
	for noticed := false; !noticed; noticed = ring.Len() == 1 {
		for i := range n {
			r, err := s.Load(t.Context(), key(i))
			if errors.Is(err, store.ErrNotFound) {
				t.Fatalf("Load = %v while the server is down", err)
			}
			if err == nil && string(r.Data) != key(i) {
				t.Fatalf("Load = %q, want %q", r.Data, key(i))
			}
		}
		if records, err := s.LoadAll(t.Context(), keys); err == nil {
			t.Fatalf("LoadAll = %v while the server is down, want an error", records)
		}
	}
	_, loadErr := s.Load(t.Context(), key(0))
	_, loadAllErr := s.LoadAll(t.Context(), keys)
	_, saveErr := s.Save(t.Context(), "new", store.Record{}, store.Record{Data: []byte("v")})
	for what, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Delete": s.Delete(t.Context(), key(0)), "LoadAll": loadAllErr, "Ping": s.Ping(t.Context())} {
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) || store.Advice(err) == "" {
			t.Errorf("%s = %v (%s), want an error with advice", what, err, store.Advice(err))
		}
	}
	for _, err := range s.List(t.Context(), "") {
		if err == nil {
			t.Error("List yields a part of the records")
		}
		break
	}
	b.Restart(t)
	for end := time.Now().Add(30 * time.Second); ring.Len() < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the Ring does not notice that the server is back")
		}
	}
	for i := range n {
		if r, err := s.Load(t.Context(), key(i)); err != nil || string(r.Data) != key(i) {
			t.Errorf("Load = %q, %v, want %q", r.Data, err, key(i))
		}
	}
	records, err := s.LoadAll(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if string(r.Data) != key(i) {
			t.Errorf("LoadAll: record %d is %q, want %q", i, r.Data, key(i))
		}
	}
}
