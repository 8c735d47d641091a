package engine_test

import (
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// A message that follows a logout is no reason to remember the visitor. Whoever
// logs in after it is remembered as always.
func TestGoodbyeIsNotRemembered(t *testing.T) {
	goodbye := func(s *cloakroom.Session) { s.Destroy(); s.Flash("info", "Goodbye.") }
	login := func(s *cloakroom.Session) { s.Login("ada") }
	for name, c := range map[string]struct {
		permanent bool // Options.Permanent
		end       func(*cloakroom.Session)
		then      func(*cloakroom.Session) // in the next request
		ended     bool                     // whether the session is permanent after end
		want      bool                     // and after then
	}{
		"that was made permanent": {false, goodbye, login, false, false},
		"all are permanent":       {true, goodbye, login, false, true},
		"an ID without a user":    {true, goodbye, (*cloakroom.Session).Regenerate, false, true},
		"made permanent later":    {true, goodbye, func(s *cloakroom.Session) { s.SetPermanent(true) }, false, true},
		"a login for this once":   {true, goodbye, func(s *cloakroom.Session) { s.SetPermanent(false); s.Login("ada") }, false, false},
		"once for this login":     {true, goodbye, func(s *cloakroom.Session) { s.Login("ada"); s.SetPermanent(false) }, false, false},
		"made permanent at once":  {false, func(s *cloakroom.Session) { goodbye(s); s.SetPermanent(true) }, login, true, true},
		"saved by the handler": {true, func(s *cloakroom.Session) {
			goodbye(s)
			if err := s.Save(); err != nil {
				t.Error(err)
			}
			s.Flash("info", "Again.")
		}, login, false, true},
		"another user":            {true, func(s *cloakroom.Session) { goodbye(s); login(s) }, sitetest.Set("page", 1), true, true},
		"another user, after all": {true, func(s *cloakroom.Session) { goodbye(s); _ = s.Save(); login(s) }, sitetest.Set("page", 1), true, true},
		"a visitor stays":         {true, goodbye, sitetest.Set("page", 1), false, false},
	} {
		opts := cloakroom.Options{Permanent: c.permanent}
		for kind, s := range map[string]*sitetest.Site{"server-side": sitetest.New(t, opts), "sealed": sitetest.NewSealed(t, opts)} {
			b := s.Browser(t)
			step := func(what string, f func(*cloakroom.Session), want bool) {
				t.Helper()
				a := b.OK(func(s *cloakroom.Session) {
					f(s)
					if got := s.Permanent(); got != want {
						t.Errorf("%s, %s, %s: Permanent %v, want %v", name, kind, what, got, want)
					}
				})
				for _, cookie := range a.Cookies() {
					if cookie.MaxAge > 0 != want {
						t.Errorf("%s, %s, %s: Set-Cookie %q, want a Max-Age: %v", name, kind, what, a.SetCookie, want)
					}
				}
				b.OK(func(s *cloakroom.Session) {
					if s.Permanent() != want || s.IsNew() {
						t.Errorf("%s, %s, after %s: Permanent %v, want %v; IsNew %v", name, kind, what, s.Permanent(), want, s.IsNew())
					}
				})
			}
			step("login", func(s *cloakroom.Session) { s.Login("ada"); s.SetPermanent(true) }, true)
			step("logout", c.end, c.ended)
			step("next", c.then, c.want)
		}
	}
}

// A logout begins no session by itself.
func TestLogoutWithoutGoodbyeBeginsNothing(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Permanent: true})
	b := s.Known(t)
	b.OK((*cloakroom.Session).Destroy)
	if b.Ticket() != "" || len(s.Records(t)) != 0 {
		t.Errorf("ticket %q, %d records", b.Ticket(), len(s.Records(t)))
	}
}
