package engine_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// Somebody else has flashed the same words meanwhile: only what was shown goes.
func TestSameFlashFromAnotherRequestStays(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	same := func(s *cloakroom.Session) { s.Flash("a", "saved") }
	b.OK(same)
	b.OK(func(s *cloakroom.Session) {
		sitetest.Flashes(t, "shown", s.Flashes(), "a", "saved")
		b.OK(same)
	})
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "next page", s.Flashes(), "a", "saved") })
}

func TestFlashesAcrossCommits(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	session := s.Open(t, "")
	session.Flash("a", "one")
	ticket := s.Commit(t, session)
	sitetest.Flashes(t, "after a Commit", session.Flashes(), "a", "one")
	s.Commit(t, session)
	session.Flash("a", "two")
	s.Commit(t, session)
	sitetest.Flashes(t, "opened anew", s.Open(t, ticket).Flashes(), "a", "two")
}

// A goroutine shows a message while the save that stores it is on its way.
func TestFlashShownDuringACommit(t *testing.T) {
	site := sitetest.New(t, cloakroom.Options{})
	b := site.Known(t)
	b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		s.Flash("info", "one")
		site.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Before: func() {
			sitetest.Flashes(t, "during the save", s.Flashes(), "info", "one")
		}})
		io.WriteString(w, "first byte")
	})
	b.OK(func(s *cloakroom.Session) { sitetest.Flashes(t, "next page", s.Flashes()) })
}
