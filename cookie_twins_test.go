package cloakroom_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
)

var dead = strings.Repeat("d", 43) // well-formed, and no session's

// The browser sends several cookies of the name, from other paths and domains.
func TestEachCandidateIsTried(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{CookieName: "session"})
	b := s.browser(t)
	b.ok(setUser)
	live := b.ticket()
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
		s.store.since()
		s.ask(t, "session="+strings.Join(c.values, "; x=y; session="), func(s *cloakroom.Session) {
			if got := s.Has("user"); got != c.found {
				t.Errorf("%s: found %v, want %v", name, got, c.found)
			}
		})
		want(t, name, s.store.since(), slices.Repeat([]string{"Load"}, c.loads)...)
	}
}

func TestSeveralCookieHeaders(t *testing.T) { // as HTTP/2 sends them
	s := newLocalSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	fresh := s.browser(t)
	r := fresh.request("/")
	r.Header["Cookie"] = []string{"a=b", "__Host-session=" + b.ticket()}
	fresh.send(r, func(w http.ResponseWriter, r *http.Request) {
		if !cloakroom.From(r).Has("user") {
			t.Error("the ticket in the second header was not found")
		}
	})
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
			s := newLocalSite(t, c.opts)
			s.url = "https://" + c.host
			b := s.browser(t)
			page := "/a/page"
			b.get(page, func(_ http.ResponseWriter, r *http.Request) { setUser(cloakroom.From(r)) })
			u, _ := url.Parse(s.url + page)
			good := b.jar.Cookies(u)
			twin := c.twin
			twin.Name, twin.Value, twin.Secure = "session", dead, true
			b.jar.SetCookies(u, []*http.Cookie{&twin})
			if n := len(b.jar.Cookies(u)); n != 2 {
				t.Fatalf("the jar has %d cookies, want the good one and its twin", n)
			}
			for visit := range 2 {
				a := b.get(page, func(_ http.ResponseWriter, r *http.Request) {
					if !cloakroom.From(r).Has("user") {
						t.Error("the session was not found")
					}
				})
				if left := b.jar.Cookies(u); len(left) != 1 || left[0].Value != good[0].Value {
					t.Errorf("visit %d left %d cookies", visit, len(left))
				}
				if visit == 1 && len(a.cookies) != 0 {
					t.Errorf("Set-Cookie again: %q", a.cookies)
				}
			}
		})
	}
}

// A page far down has more places for twins than one answer removes. The one
// that a cookie gets which was set without a Path is among those that it does.
func TestDeadTwinFarDownIsRemoved(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{CookieName: "session"})
	b := s.browser(t)
	b.ok(setUser)
	u, _ := url.Parse(s.url + "/a/b/c/d/e/f/g/h/page")
	b.jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: dead, Secure: true}})
	for visit := range 2 {
		a := b.get(u.Path, func(_ http.ResponseWriter, r *http.Request) {
			if !cloakroom.From(r).Has("user") {
				t.Error("the session was not found")
			}
		})
		if visit == 1 && len(a.cookies) != 0 {
			t.Errorf("Set-Cookie again: %q", a.cookies)
		}
	}
}

// However the host is written, the good cookie's scope is not among those that
// are removed.
func TestHostInCapitals(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{CookieName: "session", Domain: "example.com"})
	b := s.browser(t)
	b.ok(setUser)
	s.url = "https://WWW.EXAMPLE.COM"
	a := s.ask(t, "session="+dead+"; session="+b.ticket(), func(s *cloakroom.Session) { s.Len() })
	for _, line := range a.cookies {
		if strings.HasPrefix(line, "session=;") && strings.Contains(strings.ToLower(line), "domain=example.com; path=/;") {
			t.Errorf("Set-Cookie %q", line)
		}
	}
	if len(a.cookies) < 2 {
		t.Errorf("Set-Cookie %q", a.cookies)
	}
}

// What is not a ticket of ours may be another program's cookie.
func TestForeignTwinsAreLeftAlone(t *testing.T) {
	for kind, s := range map[string]*site{
		"server-side": newLocalSite(t, cloakroom.Options{CookieName: "session"}),
		"sealed":      newLocalSealedSite(t, cloakroom.Options{CookieName: "session"}),
	} {
		b := s.browser(t)
		b.ok(setUser)
		for name, value := range malformed {
			for place, cookie := range map[string]string{
				"before": "session=" + value + "; session=" + b.ticket(),
				"after":  "session=" + b.ticket() + "; session=" + value,
			} {
				a := s.ask(t, cookie, func(s *cloakroom.Session) {
					if !s.Has("user") {
						t.Errorf("%s, %s %s: the session was not found", kind, name, place)
					}
				})
				if len(a.cookies) != 0 {
					t.Errorf("%s, %s %s: Set-Cookie %q", kind, name, place, a.cookies)
				}
			}
		}
	}
}

func TestSealedTwinOfOursIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocalSealedSite(t, cloakroom.Options{CookieName: "session", IdleTimeout: time.Hour})
		old := s.browser(t)
		old.ok(setUser)
		time.Sleep(59 * time.Minute)
		b := s.browser(t)
		b.ok(setUser)
		time.Sleep(2 * time.Minute) // old has expired
		for place, cookie := range map[string]string{
			"before": "session=" + old.ticket() + "; session=" + b.ticket(),
			"after":  "session=" + b.ticket() + "; session=" + old.ticket(),
		} {
			a := s.ask(t, cookie, func(s *cloakroom.Session) {
				if !s.Has("user") {
					t.Errorf("%s: the session was not found", place)
				}
			})
			if len(a.cookies) < 2 || !strings.HasPrefix(a.cookies[len(a.cookies)-1], "session="+b.ticket()) {
				t.Errorf("%s: %d lines of Set-Cookie", place, len(a.cookies))
			}
		}
	})
}

// Without a live session there is nothing to protect from a dead cookie, and
// nothing says that it is ours to remove.
// As many dead twins as are tried would hide each session that a login makes.
func TestDeadTwinsBeforeTheFirstSession(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{CookieName: "session"})
	s.url = "https://www.example.com"
	b := s.browser(t)
	u, _ := url.Parse(s.url + "/a/page")
	for i, twin := range []http.Cookie{{Path: "/a"}, {Path: "/a", Domain: "example.com"}, {Path: "/a/page"}, {Path: "/", Domain: "example.com"}} {
		twin.Name, twin.Value, twin.Secure = "session", fmt.Sprintf("%043d", i), true
		b.jar.SetCookies(u, []*http.Cookie{&twin})
	}
	if n := len(b.jar.Cookies(u)); n != 4 {
		t.Fatalf("the jar has %d cookies, want 4", n)
	}
	b.get(u.Path, func(_ http.ResponseWriter, r *http.Request) { setUser(cloakroom.From(r)) })
	b.get(u.Path, func(_ http.ResponseWriter, r *http.Request) {
		if !cloakroom.From(r).Has("user") {
			t.Error("the session was not found")
		}
	})
	if n := len(b.jar.Cookies(u)); n != 1 {
		t.Errorf("%d cookies are left, want 1", n)
	}
}

func TestDeadCookieAloneIsLeft(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{CookieName: "session"})
	if a := s.ask(t, "session="+dead, func(s *cloakroom.Session) { s.Len() }); len(a.cookies) != 0 {
		t.Errorf("Set-Cookie: %q", a.cookies)
	}
}

func TestTwinRemovalIsBoundedAndWellFormed(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{CookieName: "session"})
	b := s.browser(t)
	b.ok(setUser)
	for _, path := range []string{
		strings.Repeat("/a", 100), "/;Domain=evil.example", "/a;b/c", "/%0d%0aX-Evil:1/x", "/a,b/c", "/ä/b", "/%00/x",
	} {
		fresh := s.browser(t)
		r := fresh.request(path)
		r.Header.Set("Cookie", "session="+dead+"; session="+b.ticket())
		a, err := fresh.send(r, func(w http.ResponseWriter, r *http.Request) {
			cloakroom.From(r).Len()
			io.WriteString(w, "done")
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(a.cookies); n < 2 || n > 9 {
			t.Errorf("%d lines of Set-Cookie for %d bytes of path", n, len(path))
		}
		for _, line := range a.cookies {
			if strings.Contains(line, "vil") || strings.ContainsAny(line, "\r\n\x00,ä") != strings.Contains(line, "Thu,") || strings.Count(line, "Path=") != 1 {
				t.Errorf("the path got into the header: %q", line)
			}
		}
	}
}
