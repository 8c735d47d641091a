package edge_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// A browser-lived session that is not new keeps its cookie as it is, and so
// does one that only changes its data.
func TestCookieIsSentOnlyWhenItChanges(t *testing.T) {
	b := sitetest.NewTLS(t, cloakroom.Options{Permanent: true}).Browser(t)
	b.OK(sitetest.SetUser)
	for range 3 {
		sitetest.Equal(t, "Set-Cookie", b.OK(func(s *cloakroom.Session) { s.Set("x", s.Len()) }).SetCookie)
	}
}

func TestCookieLifeIsTheSessionsLifetime(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		lifetime, after time.Duration
		want            string
	}{
		"at once":            {2 * day, 0, "Max-Age=172800;"},
		"what is left of it": {2 * day, day, "Max-Age=86400;"},
		"at most 400 days":   {1000 * day, 0, "Max-Age=34560000;"},
		"no limit":           {cloakroom.NoLimit, 0, "Max-Age=34560000;"},
		"about to end":       {2 * day, 2*day - 500*time.Millisecond, "Max-Age=1;"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sitetest.New(t, cloakroom.Options{Lifetime: c.lifetime, IdleTimeout: 3 * day})
				b := s.Known(t)
				time.Sleep(c.after)
				a := b.OK(func(s *cloakroom.Session) { s.SetPermanent(true) })
				if len(a.SetCookie) != 1 || !strings.Contains(a.SetCookie[0], c.want) {
					t.Errorf("Set-Cookie %q, want %s", a.SetCookie, c.want)
				}
			})
		})
	}
}

// Browsers forget a cookie after 400 days. A session that may live longer has
// it sent again when its expiry moves on.
func TestPermanentCookieWithoutLimitIsRenewed(t *testing.T) {
	for name, c := range map[string]struct {
		opts cloakroom.Options
		want int
	}{
		"no lifetime, permanent":     {cloakroom.Options{Lifetime: cloakroom.NoLimit, Permanent: true}, 1},
		"no lifetime, browser-lived": {cloakroom.Options{Lifetime: cloakroom.NoLimit}, 0},
		"a lifetime, permanent":      {cloakroom.Options{Permanent: true}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := sitetest.New(t, c.opts).Browser(t)
			b.OK(sitetest.SetUser)
			time.Sleep(10 * time.Minute)
			a := b.OK(func(s *cloakroom.Session) { s.Len() })
			if len(a.SetCookie) != c.want || c.want > 0 && !strings.Contains(a.SetCookie[0], "Max-Age=34560000") {
				t.Errorf("%s: Set-Cookie %q", name, a.SetCookie)
			}
		})
	}
}

// The age of a cookie that goes out with an error page is that of the session
// all the same.
func TestCookieLifeOnAnErrorPage(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session", Lifetime: time.Hour})
	b := s.Browser(t)
	b.OK(func(session *cloakroom.Session) {
		session.SetPermanent(true)
		session.Set("user", "ada")
	})
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Err: sitetest.ErrRefused}) // of the old record
	a := s.Ask(t, "session="+b.Ticket()+"; session="+sitetest.Dead, (*cloakroom.Session).Regenerate)
	if a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) < 2 {
		t.Fatalf("status %d, Set-Cookie %q, want a failure with the new ticket that removes the twin", a.StatusCode, a.SetCookie)
	}
	age := regexp.MustCompile(`; Max-Age=(3600|359\d);`)
	if line := a.SetCookie[len(a.SetCookie)-1]; !age.MatchString(line) {
		t.Errorf("the cookie's age is not that of the session: %s", age.FindString(line))
	}
}
