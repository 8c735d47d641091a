package sitetest

import (
	"slices"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
)

// NewForeign is New for records that another program could have written: they
// are named by the ID itself and have no age. It returns the name of the one
// that the ticket Dead opens.
func NewForeign(t testing.TB, c codec.Codec) (s *Site, key string) {
	t.Helper()
	opts := cloakroom.Options{PlainIDs: true, Codec: c, Lifetime: cloakroom.NoLimit}
	return New(t, opts), cloakroom.DefaultKeyPrefix + Dead
}

// PlantData puts a record of data into the store that lives for an hour.
func (s *Site) PlantData(t testing.TB, key, data string) {
	t.Helper()
	s.Plant(t, key, store.Record{Data: []byte(data), Expires: time.Now().Add(time.Hour)})
}

// Data returns what the record with a key holds, but for what cloakroom keeps
// there for itself.
func (s *Site) Data(t testing.TB, key string) string {
	t.Helper()
	data := s.Records(t)[key].Data
	c := codec.Detect(data, codec.MsgPack, codec.JSON)
	if c == nil {
		return string(data)
	}
	fields, err := c.Split(nil, data)
	if err != nil {
		return string(data)
	}
	own := func(f codec.Field) bool { return string(f.Name) == "_cloakroom" }
	if !slices.ContainsFunc(fields, own) {
		return string(data)
	}
	rest, err := c.Join(nil, slices.DeleteFunc(fields, own))
	if err != nil {
		t.Fatal(err)
	}
	return string(rest)
}

// Use makes a request with the ticket Dead, which must not fail.
func (s *Site) Use(t testing.TB, use func(*cloakroom.Session)) *Answer {
	t.Helper()
	return s.Holder(t, Dead).OK(use)
}
