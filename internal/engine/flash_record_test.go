package engine_test

import (
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// The record is the one that Flask writes: {"_flashes": [[category, message], …]}.
func TestFlashRecordIsFlasks(t *testing.T) {
	s, key := sitetest.NewForeign(t, codec.JSON)
	s.PlantData(t, key, `{"_flashes":[["message","one"]],"n":1}`)
	s.Use(t, func(s *cloakroom.Session) { s.Flash("error", "two") })
	sitetest.Equal(t, "record", []string{s.Data(t, key)}, `{"n":1,"_flashes":[["message","one"],["error","two"]]}`)
	s.Use(t, func(s *cloakroom.Session) { sitetest.Flashes(t, "all", s.Flashes(), "message", "one", "error", "two") })
	sitetest.Equal(t, "record", []string{s.Data(t, key)}, `{"n":1}`)
}

// Flask lets messages be anything that prints, and extensions put in more.
func TestForeignFlashes(t *testing.T) {
	s, key := sitetest.NewForeign(t, codec.JSON)
	s.PlantData(t, key, `{"_flashes":["bare",["c",{"a":[2],"b":1}],["x"],["a","b","c"],7,["error","mine"]]}`)
	s.Use(t, func(s *cloakroom.Session) { sitetest.Flashes(t, "error", s.Flashes("error"), "error", "mine") })
	sitetest.Equal(t, "record", []string{s.Data(t, key)}, `{"_flashes":["bare",["c",{"a":[2],"b":1}],["x"],["a","b","c"],7]}`)
	s.Use(t, func(s *cloakroom.Session) {
		sitetest.Flashes(t, "all", s.Flashes(),
			"message", "bare", "c", "map[a:[2] b:1]", "message", "[x]", "message", "[a b c]", "message", "7")
	})
}

// What stands there and is no list is another program's, and not a message.
func TestFlashesThatAreNoList(t *testing.T) {
	for _, value := range []string{`"text"`, `{"a":1}`, `null`, `7`, `[]`} {
		s, key := sitetest.NewForeign(t, codec.JSON)
		record := `{"_flashes":` + value + `}`
		s.PlantData(t, key, record)
		s.Use(t, func(s *cloakroom.Session) { sitetest.Flashes(t, value, s.Flashes()) })
		sitetest.Equal(t, "record", []string{s.Data(t, key)}, record)
	}
}
