package cloakroom_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/cloakroom/cloakroom"
)

func TestManyFlashesAreInOrder(t *testing.T) {
	b := newLocalSite(t, cloakroom.Options{}).browser(t)
	var pairs []string
	flash := func(s *cloakroom.Session, from, to int) {
		for i := from; i < to; i++ {
			s.Flash("n", fmt.Sprint(i))
			pairs = append(pairs, "n", fmt.Sprint(i))
		}
	}
	b.ok(func(s *cloakroom.Session) { flash(s, 0, 30) })
	b.ok(func(s *cloakroom.Session) { flash(s, 30, 60); wantFlashes(t, "all", s.Flashes(), pairs...) })
}

func TestFlashesOfOneRequestReadInTwoSteps(t *testing.T) {
	newLocalSite(t, cloakroom.Options{}).browser(t).ok(func(s *cloakroom.Session) {
		flashThree(s)
		s.Flashes("error")
		wantFlashes(t, "all", s.Flashes(), "success", "one", "error", "two", "success", "three")
	})
}

// A page that has shown its messages does not show those that come later.
func TestFlashAfterAllWereReadWaits(t *testing.T) {
	b := newLocalSite(t, cloakroom.Options{}).browser(t)
	b.ok(func(s *cloakroom.Session) {
		s.Flash("a", "one")
		wantFlashes(t, "first", s.Flashes(), "a", "one")
		s.Flash("a", "two")
		wantFlashes(t, "second", s.Flashes(), "a", "one")
	})
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "next page", s.Flashes(), "a", "two") })
}

// Somebody else has flashed the same words meanwhile: only what was shown goes.
func TestSameFlashFromAnotherRequestStays(t *testing.T) {
	b := newLocalSite(t, cloakroom.Options{}).browser(t)
	same := func(s *cloakroom.Session) { s.Flash("a", "saved") }
	b.ok(same)
	b.ok(func(s *cloakroom.Session) {
		wantFlashes(t, "shown", s.Flashes(), "a", "saved")
		b.ok(same)
	})
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "next page", s.Flashes(), "a", "saved") })
}

func TestFlashesAcrossCommits(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	session := mustOpen(t, s, "")
	session.Flash("a", "one")
	ticket := mustCommit(t, s, session)
	wantFlashes(t, "after a Commit", session.Flashes(), "a", "one")
	mustCommit(t, s, session)
	session.Flash("a", "two")
	mustCommit(t, s, session)
	wantFlashes(t, "opened anew", mustOpen(t, s, ticket).Flashes(), "a", "two")
}

// A goroutine shows a message while the save that stores it is on its way.
func TestFlashShownDuringACommit(t *testing.T) {
	var s *cloakroom.Session
	m := during(t, openMemory(t), nil, 2, func() { wantFlashes(t, "during the save", s.Flashes(), "info", "one") })
	ticket := begin(t, m, map[string]any{"name": "ada"})
	visitHandler(t.Context(), m, ticket, func(w http.ResponseWriter, r *http.Request) {
		s = cloakroom.From(r)
		s.Flash("info", "one")
		io.WriteString(w, "first byte")
	})
	visit(m, ticket, func(s *cloakroom.Session) string {
		wantFlashes(t, "next page", s.Flashes())
		return ""
	})
}
