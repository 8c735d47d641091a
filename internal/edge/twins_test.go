package edge_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// The browser sends several cookies of the name, from other paths and domains.
func TestEachCandidateIsTried(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	b := s.Known(t)
	live := b.Ticket()
	d := func(i int) string { return fmt.Sprintf("%043d", i) }
	for name, c := range map[string]struct {
		values []string
		found  bool
		loads  int
	}{
		"alone":                          {[]string{live}, true, 1},
		"first":                          {[]string{live, d(1)}, true, 1},
		"second":                         {[]string{d(1), live}, true, 2},
		"after an empty one":             {[]string{"", live}, true, 1},
		"after a malformed one":          {[]string{"../../etc/passwd", live}, true, 1},
		"after the same dead one, twice": {[]string{d(1), d(1), live}, true, 2},
		"fourth":                         {[]string{d(1), d(2), d(3), live}, true, 4},
		"beyond the cap":                 {[]string{d(1), d(2), d(3), d(4), live}, false, 4},
	} {
		s.Calls()
		s.Ask(t, "session="+strings.Join(c.values, "; x=y; session="), sitetest.Has(t, name, c.found))
		sitetest.Equal(t, name, s.Calls(), slices.Repeat([]string{"Load"}, c.loads)...)
	}
}

// The visitor's browser has a dead cookie of the same name in another scope:
// the jar of a real browser tells whether the right one is removed.
func TestDeadTwinIsRemovedAndTheGoodOneKept(t *testing.T) {
	for name, c := range map[string]struct {
		opts cloakroom.Options
		twin http.Cookie
		host string
	}{
		"longer path":               {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a"}, "www.example.com"},
		"the page's path":           {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a/page"}, "www.example.com"},
		"domain above":              {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/", Domain: "example.com"}, "www.example.com"},
		"host where a domain is":    {cloakroom.Options{CookieName: "session", Domain: "example.com"}, http.Cookie{Path: "/"}, "www.example.com"},
		"a domain in capitals":      {cloakroom.Options{CookieName: "session", Domain: "EXAMPLE.com"}, http.Cookie{Path: "/"}, "www.example.com"},
		"root where a path is":      {cloakroom.Options{CookieName: "session", Path: "/a"}, http.Cookie{Path: "/"}, "www.example.com"},
		"a host without a domain":   {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a"}, "intranet"},
		"a host written in numbers": {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a"}, "192.0.2.1"},
		"with a port":               {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/", Domain: "example.com"}, "www.example.com:8443"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, c.opts)
			s.URL = "https://" + c.host
			b := s.Browser(t)
			page := "/a/page"
			b.Get(page, sitetest.Using(sitetest.SetUser))
			u, _ := url.Parse(s.URL + page)
			good := b.Client().Jar.Cookies(u)
			twin := c.twin
			twin.Name, twin.Value, twin.Secure = "session", sitetest.Dead, true
			b.Client().Jar.SetCookies(u, []*http.Cookie{&twin})
			if n := len(b.Client().Jar.Cookies(u)); n != 2 {
				t.Fatalf("the jar has %d cookies, want the good one and its twin", n)
			}
			for visit := range 2 {
				a := b.Get(page, sitetest.Using(sitetest.Has(t, "beside its twins", true)))
				if left := b.Client().Jar.Cookies(u); len(left) != 1 || left[0].Value != good[0].Value {
					t.Errorf("visit %d left %d cookies", visit, len(left))
				}
				if visit == 1 && len(a.SetCookie) != 0 {
					t.Errorf("Set-Cookie again: %q", a.SetCookie)
				}
			}
		})
	}
}

// A page far down has more places for twins than one answer removes. The one
// that a cookie gets which was set without a Path is among those that it does.
func TestDeadTwinFarDownIsRemoved(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	b := s.Known(t)
	u, _ := url.Parse(s.URL + "/a/b/c/d/e/f/g/h/page")
	b.Client().Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: sitetest.Dead, Secure: true}})
	for visit := range 2 {
		a := b.Get(u.Path, sitetest.Using(sitetest.Has(t, "beside its twins", true)))
		if visit == 1 && len(a.SetCookie) != 0 {
			t.Errorf("Set-Cookie again: %q", a.SetCookie)
		}
	}
}

// However the host is written, the good cookie's scope is not among those that
// are removed.
func TestHostInCapitals(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session", Domain: "example.com"})
	b := s.Known(t)
	s.URL = "https://WWW.EXAMPLE.COM"
	a := s.Ask(t, "session="+sitetest.Dead+"; session="+b.Ticket(), func(s *cloakroom.Session) { s.Len() })
	for _, line := range a.SetCookie {
		if strings.HasPrefix(line, "session=;") && strings.Contains(strings.ToLower(line), "domain=example.com; path=/;") {
			t.Errorf("Set-Cookie %q", line)
		}
	}
	if len(a.SetCookie) < 2 {
		t.Errorf("Set-Cookie %q", a.SetCookie)
	}
}

// What is not a ticket of ours may be another program's cookie.
func TestForeignTwinsAreLeftAlone(t *testing.T) {
	for kind, s := range map[string]*sitetest.Site{
		"server-side": sitetest.New(t, cloakroom.Options{CookieName: "session"}),
		"sealed":      sitetest.NewSealed(t, cloakroom.Options{CookieName: "session"}),
	} {
		b := s.Known(t)
		for name, value := range sitetest.Malformed {
			for place, cookie := range map[string]string{
				"before": "session=" + value + "; session=" + b.Ticket(),
				"after":  "session=" + b.Ticket() + "; session=" + value,
			} {
				a := s.Ask(t, cookie, sitetest.Has(t, kind+", "+name+" "+place, true))
				if len(a.SetCookie) != 0 {
					t.Errorf("%s, %s %s: Set-Cookie %q", kind, name, place, a.SetCookie)
				}
			}
		}
	}
}

func TestSealedTwinOfOursIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.NewSealed(t, cloakroom.Options{CookieName: "session", IdleTimeout: time.Hour})
		old := s.Known(t)
		time.Sleep(59 * time.Minute)
		b := s.Known(t)
		time.Sleep(2 * time.Minute) // old has expired
		for place, cookie := range map[string]string{
			"before": "session=" + old.Ticket() + "; session=" + b.Ticket(),
			"after":  "session=" + b.Ticket() + "; session=" + old.Ticket(),
		} {
			a := s.Ask(t, cookie, sitetest.Has(t, place, true))
			if len(a.SetCookie) < 2 || !strings.HasPrefix(a.SetCookie[len(a.SetCookie)-1], "session="+b.Ticket()) {
				t.Errorf("%s: %d lines of Set-Cookie", place, len(a.SetCookie))
			}
		}
	})
}

// As many dead twins as are tried would hide each session that a login makes.
func TestDeadTwinsBeforeTheFirstSession(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	s.URL = "https://www.example.com"
	b := s.Browser(t)
	u, _ := url.Parse(s.URL + "/a/page")
	for i, twin := range []http.Cookie{{Path: "/a"}, {Path: "/a", Domain: "example.com"}, {Path: "/a/page"}, {Path: "/", Domain: "example.com"}} {
		twin.Name, twin.Value, twin.Secure = "session", fmt.Sprintf("%043d", i), true
		b.Client().Jar.SetCookies(u, []*http.Cookie{&twin})
	}
	if n := len(b.Client().Jar.Cookies(u)); n != 4 {
		t.Fatalf("the jar has %d cookies, want 4", n)
	}
	b.Get(u.Path, sitetest.Using(sitetest.SetUser))
	b.Get(u.Path, sitetest.Using(sitetest.Has(t, "beside its twins", true)))
	if n := len(b.Client().Jar.Cookies(u)); n != 1 {
		t.Errorf("%d cookies are left, want 1", n)
	}
}

// Without a live session there is nothing to protect from a dead cookie, and
// nothing says that it is ours to remove.
func TestDeadCookieAloneIsLeft(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	if a := s.Ask(t, "session="+sitetest.Dead, func(s *cloakroom.Session) { s.Len() }); len(a.SetCookie) != 0 {
		t.Errorf("Set-Cookie: %q", a.SetCookie)
	}
}

func TestTwinRemovalIsBoundedAndWellFormed(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	b := s.Known(t)
	for _, path := range []string{
		strings.Repeat("/a", 100), "/;Domain=evil.example", "/a;b/c", "/%0d%0aX-Evil:1/x", "/a,b/c", "/ä/b", "/%00/x",
	} {
		fresh := s.Browser(t)
		r := fresh.Request(path)
		r.Header.Set("Cookie", "session="+sitetest.Dead+"; session="+b.Ticket())
		a, err := fresh.Send(r, sitetest.Using(func(s *cloakroom.Session) { s.Len() }))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(a.SetCookie); n < 2 || n > 9 {
			t.Errorf("%d lines of Set-Cookie for %d bytes of path", n, len(path))
		}
		for _, line := range a.SetCookie {
			if strings.Contains(line, "vil") || strings.ContainsAny(line, "\r\n\x00,ä") != strings.Contains(line, "Thu,") || strings.Count(line, "Path=") != 1 {
				t.Errorf("the path got into the header: %q", line)
			}
		}
	}
}
