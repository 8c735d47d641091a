package edge_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// The browser sends several cookies of the name, from other paths and domains.
func TestEachCandidateIsTried(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	b := s.Known(t)
	live := b.Ticket()
	dead := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("%043d", i))
		}
		return list
	}
	junk := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("junk%d", i))
		}
		return list
	}
	for name, c := range map[string]struct {
		values []string
		found  bool
		loads  int
	}{
		"alone":                          {[]string{live}, true, 1},
		"first":                          {append([]string{live}, dead(1)...), true, 1},
		"second":                         {append(dead(1), live), true, 2},
		"after an empty one":             {[]string{"", live}, true, 1},
		"after a malformed one":          {[]string{"../../etc/passwd", live}, true, 1},
		"after a thousand of them":       {append(junk(1000), live), true, 1},
		"after the same dead one, twice": {append(append(dead(1), dead(1)...), live), true, 2},
		"after it a thousand times":      {append(slices.Repeat(dead(1), 1000), live), true, 2},
		"last of all":                    {append(dead(31), live), true, 32},
		"beyond the cap":                 {append(dead(32), live), false, 32},
	} {
		s.Calls()
		s.Log.Events()
		s.Ask(t, "session="+strings.Join(c.values, "; x=y; session="), sitetest.Has(t, name, c.found))
		sitetest.Equal(t, name, s.Calls(), slices.Repeat([]string{"Load"}, c.loads)...)
		rejected := 0
		for _, event := range s.Log.Take() {
			if event.Name == "Rejected" && errors.Is(event.Err, cloakroom.ErrTicket) {
				rejected++
			}
		}
		if rejected > 1 {
			t.Errorf("%s: %d events for malformed tickets, want one for all", name, rejected)
		}
	}
}

// Browsers keep one cookie of such a name, so only one costs a store call; and
// one more, where those with Partitioned are kept apart from those without.
func TestCandidatesOfAHostCookie(t *testing.T) {
	for name, c := range map[string]struct {
		opts  cloakroom.Options
		found []bool // with that many dead ones before the live one
	}{
		"__Host-":      {cloakroom.Options{}, []bool{true, false}},
		"partitioned":  {cloakroom.Options{Partitioned: true, SameSite: http.SameSiteNoneMode}, []bool{true, true, false}},
		"another name": {cloakroom.Options{CookieName: "__Secure-session"}, []bool{true, true, true}},
	} {
		s := sitetest.New(t, c.opts)
		cookie := cmp.Or(c.opts.CookieName, "__Host-session") + "="
		live := s.Known(t).Ticket()
		for dead, found := range c.found {
			header := cookie + "malformed; "
			for i := range dead {
				header += cookie + fmt.Sprintf("%043d", i) + "; "
			}
			s.Ask(t, header+cookie+live, sitetest.Has(t, fmt.Sprintf("%s, after %d dead ones", name, dead), found))
		}
	}
}

// What comes with a visit, and in which scope.
type planted struct {
	opts cloakroom.Options
	twin http.Cookie
	host string
}

var scopes = map[string]planted{
	"longer path":               {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a"}, "www.example.com"},
	"longer path with a slash":  {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a/"}, "www.example.com"},
	"the page's path":           {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a/page"}, "www.example.com"},
	"domain above":              {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/", Domain: "example.com"}, "www.example.com"},
	"both":                      {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a/page", Domain: "example.com"}, "www.example.com"},
	"host where a domain is":    {cloakroom.Options{CookieName: "session", Domain: "example.com"}, http.Cookie{Path: "/"}, "www.example.com"},
	"a domain in capitals":      {cloakroom.Options{CookieName: "session", Domain: "EXAMPLE.com"}, http.Cookie{Path: "/"}, "www.example.com"},
	"root where a path is":      {cloakroom.Options{CookieName: "session", Path: "/a"}, http.Cookie{Path: "/"}, "www.example.com"},
	"a host without a domain":   {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a"}, "intranet"},
	"a host written in numbers": {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/a"}, "192.0.2.1"},
	"with a port":               {cloakroom.Options{CookieName: "session"}, http.Cookie{Path: "/", Domain: "example.com"}, "www.example.com:8443"},
}

const page = "/a/page"

// plant returns a visitor with a session and a cookie of the same name, with
// that value, in another scope of the same browser.
func (p *planted) plant(t *testing.T, s *sitetest.Site, value string) (b *sitetest.Browser, jar func() []string) {
	t.Helper()
	s.URL = "https://" + p.host
	b = s.Browser(t)
	b.Get(page, sitetest.Using(sitetest.SetUser))
	u, _ := url.Parse(s.URL + page)
	twin := p.twin
	twin.Name, twin.Value, twin.Secure = "session", value, true
	b.Client().Jar.SetCookies(u, []*http.Cookie{&twin})
	jar = func() (values []string) {
		for _, c := range b.Client().Jar.Cookies(u) {
			values = append(values, c.Value)
		}
		return values
	}
	if n := len(jar()); n != 2 {
		t.Fatalf("the jar has %d cookies, want the good one and its twin", n)
	}
	return b, jar
}

func login(s *cloakroom.Session) {
	s.Regenerate()
	s.Set("logged in", true)
}

// twinValues are what a twin may hold: they may be another application's.
func twinValues(t *testing.T, s *sitetest.Site) map[string]string {
	return map[string]string{"dead": sitetest.Dead, "malformed": "not ours", "live": s.Known(t).Ticket()}
}

// A visit, and a session that begins, leave the cookies of other scopes alone:
// they may be a neighbour's.
func TestVisitsLeaveOtherScopesAlone(t *testing.T) {
	for name, p := range scopes {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, p.opts)
			for kind, value := range twinValues(t, s) {
				b, jar := p.plant(t, s, value)
				before := jar()
				for what, use := range map[string]func(*cloakroom.Session){
					"reads": sitetest.Has(t, kind+": beside its twin", true),
					"sets":  sitetest.SetUser,
				} {
					if a := b.Get(page, sitetest.Using(use)); len(a.SetCookie) != 0 {
						t.Errorf("%s: a visit that %s: Set-Cookie %q", kind, what, a.SetCookie)
					}
				}
				if after := jar(); !slices.Equal(after, before) {
					t.Errorf("%s: the cookies have changed", kind)
				}
			}
			b, _ := p.plant(t, s, sitetest.Dead)
			r := b.Request(page)
			r.Header.Set("Cookie", "session="+sitetest.Dead+"; session=not ours")
			a, err := s.Browser(t).Send(r, sitetest.Using(sitetest.SetUser))
			if err != nil || len(a.SetCookie) != 1 || strings.HasPrefix(a.SetCookie[0], "session=;") {
				t.Errorf("a session that begins: Set-Cookie %q, %v", a.SetCookie, err)
			}
		})
	}
}

// The jar of a real browser tells whether a login removes the right one.
func TestLoginRemovesTwinsAndKeepsTheGoodOne(t *testing.T) {
	for name, p := range scopes {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, p.opts)
			for kind, value := range twinValues(t, s) {
				b, jar := p.plant(t, s, value)
				before := jar()
				a := b.Get(page, sitetest.Using(login))
				if left := jar(); len(left) != 1 || slices.Contains(before, left[0]) {
					t.Errorf("%s: the login left %d cookies", kind, len(left))
				}
				if last := a.SetCookie[len(a.SetCookie)-1]; strings.HasPrefix(last, "session=;") {
					t.Errorf("%s: the ticket does not come last", kind)
				}
				a = b.Get(page, sitetest.Using(func(s *cloakroom.Session) {
					if !s.Has("logged in") {
						t.Errorf("%s: the visitor is not logged in", kind)
					}
				}))
				if len(a.SetCookie) != 0 {
					t.Errorf("%s: Set-Cookie again: %q", kind, a.SetCookie)
				}
			}
		})
	}
}

// A login may be the first use of a session.
func TestLoginWithoutASessionRemovesTwins(t *testing.T) {
	for kind, s := range map[string]*sitetest.Site{
		"server-side": sitetest.New(t, cloakroom.Options{CookieName: "session"}),
		"sealed":      sitetest.NewSealed(t, cloakroom.Options{CookieName: "session"}),
	} {
		b := s.Browser(t)
		u, _ := url.Parse(s.URL + page)
		for i, twin := range []http.Cookie{{Path: "/a"}, {Path: "/a", Domain: "example.com"}, {Path: "/a/"}, {Path: page}, {Path: "/", Domain: "example.com"}} {
			twin.Name, twin.Value, twin.Secure = "session", fmt.Sprintf("%043d", i), true
			b.Client().Jar.SetCookies(u, []*http.Cookie{&twin})
		}
		b.Get(page, sitetest.Using(func(s *cloakroom.Session) { login(s); sitetest.SetUser(s) }))
		b.Get(page, sitetest.Using(sitetest.Has(t, kind+", after the login", true)))
		if n := len(b.Client().Jar.Cookies(u)); n != 1 {
			t.Errorf("%s: %d cookies are left, want 1", kind, n)
		}
	}
}

func TestLogoutRemovesTwinsAndEndsTheirSessions(t *testing.T) {
	for name, p := range scopes {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, p.opts)
			for kind, value := range twinValues(t, s) {
				b, jar := p.plant(t, s, value)
				tickets := jar()
				b.Get(page, sitetest.Using((*cloakroom.Session).Destroy))
				if left := jar(); len(left) != 0 {
					t.Errorf("%s: the logout left %d cookies", kind, len(left))
				}
				for _, ticket := range tickets {
					if s.Values(t, ticket) != nil {
						t.Errorf("%s: a ticket that the visitor has sent still opens a session", kind)
					}
				}
			}
		})
	}
}

// A goodbye message begins a session after the logout.
func TestLogoutWithAGoodbye(t *testing.T) {
	for name, p := range scopes {
		s := sitetest.New(t, p.opts)
		b, jar := p.plant(t, s, s.Known(t).Ticket())
		before := jar()
		b.Get(page, sitetest.Using(func(s *cloakroom.Session) { s.Destroy(); s.Flash("info", "Goodbye.") }))
		if left := jar(); len(left) != 1 || slices.Contains(before, left[0]) {
			t.Errorf("%s: the logout left %d cookies", name, len(left))
		}
		b.Get(page, sitetest.Using(func(s *cloakroom.Session) {
			if len(s.Flashes()) != 1 {
				t.Errorf("%s: the message has not arrived", name)
			}
		}))
	}
}

// The visitor must be able to try again, whichever of the sessions was left.
func TestLogoutOfSeveralSessionsThatFails(t *testing.T) {
	for nth := range 2 {
		for _, op := range []cloakroomtest.Op{cloakroomtest.OpLoad, cloakroomtest.OpSave} {
			s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
			tickets := []string{s.Known(t).Ticket(), s.Known(t).Ticket()}
			cookie := "session=" + tickets[0] + "; session=" + tickets[1]
			s.Store.Inject(cloakroomtest.Fault{Op: op, Nth: nth + 1, Err: sitetest.ErrRefused})
			if a := s.Ask(t, cookie, (*cloakroom.Session).Destroy); a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) != 0 {
				t.Errorf("%s %d failed: got %v, Set-Cookie %q", op, nth+1, a, a.SetCookie)
			}
			s.Store.Heal()
			if a := s.Ask(t, cookie, (*cloakroom.Session).Destroy); !a.OK() || len(a.SetCookie) < 2 {
				t.Errorf("the second logout: got %v, %d lines of Set-Cookie", a, len(a.SetCookie))
			}
			if n := len(s.Records(t)); n != 0 {
				t.Errorf("%s %d failed: %d records are left", op, nth+1, n)
			}
		}
	}
}

// As many as are looked at.
func TestLogoutOfManySessions(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	var cookies []string
	for i := range 32 {
		cookies = append(cookies, "session=junk", "session="+s.Known(t).Ticket(), fmt.Sprintf("session=%d", i))
	}
	s.Ask(t, strings.Join(cookies, "; "), (*cloakroom.Session).Destroy)
	if n := len(s.Records(t)); n != 0 {
		t.Errorf("%d of 32 sessions are left", n)
	}
}

// Another visitor's live ticket in a second cookie costs nothing until a logout.
func TestTicketsAfterTheSessionsAreNotLookedUp(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	cookie := "session=" + s.Known(t).Ticket() + "; session=" + s.Known(t).Ticket()
	s.Calls()
	s.Ask(t, cookie, sitetest.Has(t, "the first", true))
	sitetest.Equal(t, "a visit", s.Calls(), "Load")
	s.Ask(t, cookie, (*cloakroom.Session).Destroy)
	sitetest.Equal(t, "a logout", s.Calls(), "Load", "Load", "Save", "Save")
}

// A page far down has more places for twins than one answer removes. The one
// that a cookie gets which was set without a Path is among those that it does.
func TestTwinFarDownIsRemoved(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	b := s.Known(t)
	u, _ := url.Parse(s.URL + "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/page")
	b.Client().Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: sitetest.Dead, Secure: true}})
	b.Get(u.Path, sitetest.Using((*cloakroom.Session).Regenerate))
	if n := len(b.Client().Jar.Cookies(u)); n != 1 {
		t.Errorf("%d cookies are left, want 1", n)
	}
}

// A cookie from before Options.Partitioned was set has the same name, host and
// path, and browsers keep it beside the new one.
func TestUnpartitionedTwinIsRemoved(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Partitioned: true, SameSite: http.SameSiteNoneMode})
	a := s.Ask(t, "__Host-session="+sitetest.Dead+"; __Host-session="+s.Known(t).Ticket(), (*cloakroom.Session).Regenerate)
	if len(a.SetCookie) != 2 {
		t.Fatalf("Set-Cookie %q", a.SetCookie)
	}
	sitetest.Equal(t, "the removal", a.SetCookie[:1],
		"__Host-session=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=None")
}

// However the host is written, the good cookie's scope is not among those that
// are removed.
func TestHostInCapitals(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session", Domain: "example.com"})
	b := s.Known(t)
	s.URL = "https://WWW.EXAMPLE.COM"
	a := s.Ask(t, "session="+sitetest.Dead+"; session="+b.Ticket(), (*cloakroom.Session).Regenerate)
	for _, line := range a.SetCookie {
		if strings.HasPrefix(line, "session=;") && strings.Contains(strings.ToLower(line), "domain=example.com; path=/;") {
			t.Errorf("Set-Cookie %q", line)
		}
	}
	if len(a.SetCookie) < 2 {
		t.Errorf("Set-Cookie %q", a.SetCookie)
	}
}

func TestTwinRemovalIsBoundedAndWellFormed(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	b := s.Known(t)
	for _, path := range []string{
		"/" + strings.Repeat("a", 2000), strings.Repeat("/", 2000), "/a%20b/c", "/%3bDomain=evil.example/x",
		strings.Repeat("/a", 100), "/;Domain=evil.example", "/a;b/c", "/%0d%0aX-Evil:1/x", "/a,b/c", "/ä/b", "/%00/x",
	} {
		fresh := s.Browser(t)
		r := fresh.Request(path)
		r.Header.Set("Cookie", "session="+sitetest.Dead+"; session="+b.Ticket())
		a, err := fresh.Send(r, sitetest.Using(login))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(a.SetCookie); n < 2 || n > 17 {
			t.Errorf("%d lines of Set-Cookie for %d bytes of path", n, len(path))
		}
		for _, line := range a.SetCookie {
			c, err := http.ParseSetCookie(line)
			if err != nil || len(c.Unparsed) != 0 || c.Domain == "evil.example" || c.Name != "session" || strings.Count(line, ";") != strings.Count(line, "; ") ||
				!strings.HasPrefix(r.URL.EscapedPath()+"/", c.Path) {
				t.Errorf("the path got into the header: %q, %v", line, err)
			}
		}
	}
}

// A request line, a Host and a Cookie header of a megabyte each, as servers
// can be told to take: the time for each of them grows with its length, so
// that this ends at all.
func TestCostOfTwinsIsLinear(t *testing.T) {
	const megabyte = 1 << 20
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	live := "session=" + s.Known(t).Ticket()
	var tickets, junk strings.Builder
	for i := 0; tickets.Len() < megabyte; i++ {
		fmt.Fprintf(&tickets, "session=%043d; ", i)
	}
	for i := 0; junk.Len() < megabyte; i++ {
		fmt.Fprintf(&junk, "session=%d;", i)
	}
	for name, c := range map[string]struct{ path, host, cookie string }{
		"slashes in the path":     {strings.Repeat("/", megabyte), "www.example.com", live + "; session=x"},
		"directories in the path": {strings.Repeat("/a", megabyte/2), "www.example.com", live + "; session=x"},
		"dots in the host":        {"/a/b", strings.Repeat("a.", megabyte/2) + "example.com", live + "; session=x"},
		"both":                    {strings.Repeat("/a", megabyte/2), strings.Repeat("a.", megabyte/2) + "example.com", live + "; session=x"},
		"tickets":                 {"/a/b", "www.example.com", live + "; " + tickets.String()},
		"junk":                    {"/a/b", "www.example.com", junk.String() + live},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path, r.RequestURI, r.Host = c.path, c.path, c.host
		r.Header["Cookie"] = []string{c.cookie}
		w := httptest.NewRecorder()
		s.Manager.Handler(sitetest.Using(func(s *cloakroom.Session) {
			login(s)
			s.Destroy()
			login(s)
		})).ServeHTTP(w, r)
		size := 0
		for _, line := range w.Header()["Set-Cookie"] {
			size += len(line)
		}
		if w.Code != http.StatusOK || size < 100 || size > 32<<10 {
			t.Errorf("%s: status %d, %d bytes of Set-Cookie", name, w.Code, size)
		}
	}
}

// The browser's path counts, not what is left of it for the handlers.
func TestTwinBelowAStrippedPrefixIsRemoved(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session"})
	s.Outer = func(h http.Handler) http.Handler { return http.StripPrefix("/app", h) }
	b := s.Browser(t)
	b.Get("/app/", sitetest.Using(sitetest.SetUser))
	u, _ := url.Parse(s.URL + "/app/page")
	b.Client().Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: sitetest.Dead, Path: "/app", Secure: true}})
	b.Get(u.Path, sitetest.Using((*cloakroom.Session).Regenerate))
	if left := b.Client().Jar.Cookies(u); len(left) != 1 || left[0].Value == sitetest.Dead {
		t.Errorf("%d cookies are left", len(left))
	}
}
