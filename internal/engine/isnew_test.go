package engine_test

import (
	"net/http"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestIsNewForTheWholeRequest(t *testing.T) {
	for kind, s := range map[string]*sitetest.Site{
		"server-side": sitetest.New(t, cloakroom.Options{}), "sealed": sitetest.NewSealed(t, cloakroom.Options{}),
	} {
		is := func(s *cloakroom.Session, want bool, when string) {
			t.Helper()
			if got := s.IsNew(); got != want {
				t.Errorf("%s, %s: IsNew %v, want %v", kind, when, got, want)
			}
		}
		b := s.Browser(t)
		b.Get("/", func(w http.ResponseWriter, r *http.Request) {
			s := cloakroom.From(r)
			is(s, true, "before anything")
			s.Set("a", 1)
			is(s, true, "after Set")
			if err := s.Save(); err != nil {
				t.Error(err)
			}
			is(s, true, "after Save")
			s.Set("a", 2)
			s.Login("ada")
			is(s, true, "after Login")
			http.NewResponseController(w).Flush()
			is(s, true, "after the header has left")
		})
		b.OK(func(s *cloakroom.Session) {
			is(s, false, "with the next request")
			s.Set("a", 3)
			s.Regenerate()
			if err := s.Save(); err != nil {
				t.Error(err)
			}
			is(s, false, "after Save of a session that was there")
			s.Destroy()
			is(s, true, "after Destroy")
			s.Set("b", 1)
			if err := s.Save(); err != nil {
				t.Error(err)
			}
			is(s, true, "after Save of the one that followed")
		})
		b.OK(func(s *cloakroom.Session) { is(s, false, "with the request after that") })

		session := s.Open(t, "")
		session.Set("a", 1)
		ticket := s.Commit(t, session)
		is(session, true, "after Commit")
		is(s.Open(t, ticket), false, "opened again")
	}
}

func TestIsNewAfterAnEndElsewhere(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	ticket := b.Ticket()
	b.OK(func(session *cloakroom.Session) {
		if session.IsNew() {
			t.Error("IsNew of a session that was there")
		}
		s.Holder(t, ticket).OK((*cloakroom.Session).Destroy)
		if session.IsNew() {
			t.Error("IsNew before the end is known")
		}
		_ = session.Reload()
		if !session.IsNew() {
			t.Error("not IsNew after the end elsewhere")
		}
	})
}
