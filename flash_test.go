package cloakroom_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
)

func wantFlashes(t *testing.T, what string, got []cloakroom.Flash, pairs ...string) {
	t.Helper()
	var want []cloakroom.Flash
	for pair := range slices.Chunk(pairs, 2) {
		want = append(want, cloakroom.Flash{Category: pair[0], Message: pair[1]})
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func flashThree(s *cloakroom.Session) {
	s.Flash("success", "one")
	s.Flash("error", "two")
	s.Flash("success", "three")
}

func TestFlashesAreShownOnce(t *testing.T) {
	b := newSite(t, cloakroom.Options{}).browser(t)
	b.ok(flashThree)
	b.ok(func(s *cloakroom.Session) {
		for _, time := range []string{"first", "second"} {
			wantFlashes(t, time, s.Flashes(), "success", "one", "error", "two", "success", "three")
		}
		wantFlashes(t, "by category, after all", s.Flashes("error"), "error", "two")
	})
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "next page", s.Flashes()) })
}

func TestFlashesOfOtherCategoriesStay(t *testing.T) {
	b := newSite(t, cloakroom.Options{}).browser(t)
	b.ok(flashThree)
	b.ok(func(s *cloakroom.Session) {
		wantFlashes(t, "of none", s.Flashes("info", "warning"))
		wantFlashes(t, "success", s.Flashes("success"), "success", "one", "success", "three")
		wantFlashes(t, "success again", s.Flashes("success"), "success", "one", "success", "three")
	})
	b.ok(func(s *cloakroom.Session) {
		wantFlashes(t, "error and success", s.Flashes("error", "success"), "error", "two")
		wantFlashes(t, "all", s.Flashes(), "error", "two")
	})
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "at last", s.Flashes()) })
}

func TestAllFlashesAfterSomeAreInOrder(t *testing.T) {
	b := newSite(t, cloakroom.Options{}).browser(t)
	b.ok(flashThree)
	b.ok(func(s *cloakroom.Session) {
		s.Flashes("error")
		wantFlashes(t, "all", s.Flashes(), "success", "one", "error", "two", "success", "three")
	})
}

func TestFlashInTheRequestThatReads(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(flashThree)
	b.ok(func(s *cloakroom.Session) {
		s.Flash("error", "four")
		wantFlashes(t, "error", s.Flashes("error"), "error", "two", "error", "four")
		s.Flash("error", "five") // that page has shown its errors
		wantFlashes(t, "error again", s.Flashes("error"), "error", "two", "error", "four")
		s.Flash("success", "six")
	})
	b.ok(func(s *cloakroom.Session) {
		wantFlashes(t, "next page", s.Flashes(), "success", "one", "success", "three", "error", "five", "success", "six")
	})
}

func TestFlashOfANewSessionShownAtOnceIsNotSaved(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	a := s.browser(t).ok(func(s *cloakroom.Session) {
		s.Flash("a", "b")
		wantFlashes(t, "at once", s.Flashes(), "a", "b")
	})
	want(t, "store calls", s.store.since())
	want(t, "Set-Cookie", a.cookies)
}

func TestFlashAfterDestroy(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(flashThree)
	old := b.ticket()
	b.ok(func(s *cloakroom.Session) {
		s.Flashes("error")
		s.Destroy()
		wantFlashes(t, "after Destroy", s.Flashes())
		s.Flash("info", "Bye.")
	})
	if b.ticket() == old || len(s.records(t)) != 1 {
		t.Errorf("the ticket is the same: %v; %d records", b.ticket() == old, len(s.records(t)))
	}
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "next page", s.Flashes(), "info", "Bye.") })
}

func TestClearRemovesFlashes(t *testing.T) {
	b := newSite(t, cloakroom.Options{}).browser(t)
	b.ok(flashThree)
	b.ok(func(s *cloakroom.Session) {
		s.Flash("x", "never shown")
		s.Clear()
		wantFlashes(t, "after Clear", s.Flashes())
	})
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "next page", s.Flashes()) })
	b.ok(func(s *cloakroom.Session) { s.Clear(); s.Flash("a", "after") })
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "flashed after Clear", s.Flashes(), "a", "after") })
}

func TestClearBeforeFlashesWereRead(t *testing.T) {
	b := newSite(t, cloakroom.Options{}).browser(t)
	b.ok(flashThree)
	b.ok(func(s *cloakroom.Session) { s.Clear(); wantFlashes(t, "after Clear", s.Flashes()) })
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "next page", s.Flashes()) })
}

func TestReadingNoFlashesSavesNothing(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(flashThree)
	s.store.since()
	b.ok(func(s *cloakroom.Session) {
		s.Flashes("info")
		if s.Modified() {
			t.Error("Modified after reading no flash messages")
		}
	})
	want(t, "store calls", s.store.since(), "Load")
}

// plainSite has records that other programs could have written, under plain IDs.
func plainSite(t *testing.T, c codec.Codec) (*site, string) {
	t.Helper()
	return newLocalSite(t, cloakroom.Options{PlainIDs: true, Codec: c, Lifetime: cloakroom.NoLimit}), "session:" + dead
}

// use makes a request for the planted record.
func (s *site) use(t *testing.T, use func(*cloakroom.Session)) {
	t.Helper()
	if a := s.ask(t, "__Host-session="+dead, use); a.body != "done" {
		t.Fatalf("answered with %d %q", a.StatusCode, a.body)
	}
}

func (s *site) plantJSON(t *testing.T, key, data string) {
	t.Helper()
	s.plant(t, key, store.Record{Data: []byte(data), Expires: time.Now().Add(time.Hour)})
}

// The record is the one that Flask writes: {"_flashes": [[category, message], …]}.
func TestFlashRecordIsFlasks(t *testing.T) {
	s, key := plainSite(t, codec.JSON)
	s.plantJSON(t, key, `{"_flashes":[["message","one"]],"n":1}`)
	s.use(t, func(s *cloakroom.Session) { s.Flash("error", "two") })
	got := string(s.records(t)[key].Data)
	want(t, "record", []string{got}, `{"n":1,"_flashes":[["message","one"],["error","two"]]}`)
	s.use(t, func(s *cloakroom.Session) { wantFlashes(t, "all", s.Flashes(), "message", "one", "error", "two") })
	want(t, "record", []string{string(s.records(t)[key].Data)}, `{"n":1}`)
}

// Flask lets messages be anything that prints, and extensions put in more.
func TestForeignFlashes(t *testing.T) {
	s, key := plainSite(t, codec.JSON)
	s.plantJSON(t, key, `{"_flashes":["bare",["c",{"a":[2],"b":1}],["x"],["a","b","c"],7,["error","mine"]]}`)
	s.use(t, func(s *cloakroom.Session) { wantFlashes(t, "error", s.Flashes("error"), "error", "mine") })
	want(t, "record", []string{string(s.records(t)[key].Data)}, `{"_flashes":["bare",["c",{"a":[2],"b":1}],["x"],["a","b","c"],7]}`)
	s.use(t, func(s *cloakroom.Session) {
		wantFlashes(t, "all", s.Flashes(),
			"message", "bare", "c", "map[a:[2] b:1]", "message", "[x]", "message", "[a b c]", "message", "7")
	})
}

// What stands there and is no list is another program's, and not a message.
func TestFlashesThatAreNoList(t *testing.T) {
	for _, value := range []string{`"text"`, `{"a":1}`, `null`, `7`, `[]`} {
		s, key := plainSite(t, codec.JSON)
		record := `{"_flashes":` + value + `}`
		s.plantJSON(t, key, record)
		s.use(t, func(s *cloakroom.Session) { wantFlashes(t, value, s.Flashes()) })
		want(t, "record", []string{string(s.records(t)[key].Data)}, record)
	}
}
