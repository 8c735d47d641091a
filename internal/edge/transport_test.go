package edge_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A client is a program without cookies: it sends its ticket in a header, and
// keeps what answers give it.
type client struct {
	t               *testing.T
	site            *sitetest.Site
	request, answer string
	prefix          string
	ticket          string
}

func newBearer(t *testing.T, s *sitetest.Site) *client {
	return &client{t: t, site: s, request: "Authorization", answer: "Session-Ticket", prefix: "Bearer "}
}

func newNamed(t *testing.T, s *sitetest.Site, name string) *client {
	return &client{t: t, site: s, request: name, answer: name}
}

func (c *client) send(h http.HandlerFunc) *sitetest.Answer {
	c.t.Helper()
	b := c.site.Browser(c.t)
	r := b.Request("/")
	if c.ticket != "" {
		r.Header.Set(c.request, c.prefix+c.ticket)
	}
	a, err := b.Send(r, h)
	if err != nil {
		c.t.Fatal(err)
	}
	if lines, ok := a.Header[c.answer]; ok {
		c.ticket = lines[0]
		c.site.Log.Secret(c.ticket)
	}
	if len(a.SetCookie) != 0 {
		c.t.Errorf("Set-Cookie %q in the answer to a ticket in a header", a.SetCookie)
	}
	return a
}

func (c *client) ok(use func(*cloakroom.Session)) *sitetest.Answer {
	c.t.Helper()
	a := c.send(sitetest.Using(use))
	if !a.OK() {
		c.t.Fatalf("answered with %v", a)
	}
	return a
}

// over runs f with clients of each kind, on sites of each kind.
func over(t *testing.T, f func(t *testing.T, s *sitetest.Site, c *client)) {
	opts := cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportBearer, "x-session", cloakroom.TransportCookie}}
	for kind, open := range map[string]func(t *testing.T) *sitetest.Site{
		"on a store": func(t *testing.T) *sitetest.Site { return sitetest.New(t, opts) },
		"on HTTP/2": func(t *testing.T) *sitetest.Site {
			s := sitetest.New(t, opts)
			s.Listen(t, true)
			return s
		},
		"sealed":    func(t *testing.T) *sitetest.Site { return sitetest.NewSealed(t, opts) },
		"on HTTP/1": func(t *testing.T) *sitetest.Site { return sitetest.NewTLS(t, opts) },
	} {
		t.Run("bearer "+kind, func(t *testing.T) {
			s := open(t)
			f(t, s, newBearer(t, s))
		})
		t.Run("named "+kind, func(t *testing.T) {
			s := open(t)
			c := newNamed(t, s, "X-Session")
			c.ticket = "none" // so that the header is there
			f(t, s, c)
		})
	}
}

func TestTicketsInHeaders(t *testing.T) {
	over(t, func(t *testing.T, s *sitetest.Site, c *client) {
		a := c.ok(sitetest.SetUser)
		first := c.ticket
		if len(first) < 43 {
			t.Fatalf("a ticket of %d bytes", len(first))
		}
		sitetest.Equal(t, "Vary", a.Header["Vary"], "Authorization", "X-Session", "Cookie")
		sitetest.Equal(t, "Cache-Control", a.Header["Cache-Control"], "no-store")

		a = c.ok(sitetest.Has(t, "by the ticket in the header", true))
		sitetest.Equal(t, "header of an answer that only reads", a.Header[c.answer])
		sitetest.Equal(t, "Vary of a read", a.Header["Vary"], "Authorization, X-Session, Cookie")
		sitetest.Equal(t, "Cache-Control of a read", a.Header["Cache-Control"], "no-store")

		c.ok((*cloakroom.Session).Regenerate)
		second := c.ticket
		if second == first || len(second) < 43 {
			t.Errorf("Regenerate: a new ticket: %t, of %d bytes", second != first, len(second))
		}
		if s.Store != nil && s.Values(t, first) != nil {
			t.Error("the old ticket still opens the session")
		}
		if s.Values(t, second)["user"] == nil {
			t.Error("the new ticket does not open the session")
		}

		a = c.ok((*cloakroom.Session).Destroy)
		sitetest.Equal(t, "header at the end", a.Header[c.answer], "")
		sitetest.Equal(t, "Cache-Control at the end", a.Header["Cache-Control"], "no-store")
		if s.Store != nil && s.Values(t, second) != nil {
			t.Error("the ticket of a destroyed session opens it")
		}
	})
}

// Where a ticket came is where the answer goes, also if it opens nothing.
func TestAnswerGoesWhereTheTicketCameFrom(t *testing.T) {
	const bearer, cookie = cloakroom.TransportBearer, cloakroom.TransportCookie
	type headers = map[string]string
	dead := sitetest.Dead
	for name, c := range map[string]struct {
		transport []cloakroom.Transport
		send      headers
		want      string
	}{
		"nothing, no Transport":            {nil, nil, "Set-Cookie"},
		"bearer, no Transport":             {nil, headers{"Authorization": "Bearer " + dead}, "Set-Cookie"},
		"nothing, the cookie first":        {[]cloakroom.Transport{cookie, bearer}, nil, "Set-Cookie"},
		"nothing, the bearer first":        {[]cloakroom.Transport{bearer, cookie}, nil, "Session-Ticket"},
		"nothing, a name first":            {[]cloakroom.Transport{"App-Ticket", cookie}, nil, "App-Ticket"},
		"the bearer alone":                 {[]cloakroom.Transport{bearer}, nil, "Session-Ticket"},
		"the cookie alone":                 {[]cloakroom.Transport{cookie}, headers{"Authorization": "Bearer " + dead}, "Set-Cookie"},
		"a dead ticket":                    {[]cloakroom.Transport{cookie, bearer}, headers{"Authorization": "Bearer " + dead}, "Session-Ticket"},
		"any case":                         {[]cloakroom.Transport{cookie, bearer}, headers{"Authorization": "bEARER \t" + dead + " "}, "Session-Ticket"},
		"no ticket after Bearer":           {[]cloakroom.Transport{cookie, bearer}, headers{"Authorization": "Bearer"}, "Session-Ticket"},
		"spaces after Bearer":              {[]cloakroom.Transport{cookie, bearer}, headers{"Authorization": "Bearer  "}, "Session-Ticket"},
		"a malformed ticket":               {[]cloakroom.Transport{cookie, bearer}, headers{"Authorization": "Bearer a b,c"}, "Session-Ticket"},
		"another scheme":                   {[]cloakroom.Transport{cookie, bearer}, headers{"Authorization": "Basic " + dead}, "Set-Cookie"},
		"a longer scheme":                  {[]cloakroom.Transport{cookie, bearer}, headers{"Authorization": "Bearers " + dead}, "Set-Cookie"},
		"no scheme":                        {[]cloakroom.Transport{cookie, bearer}, headers{"Authorization": dead}, "Set-Cookie"},
		"an empty header":                  {[]cloakroom.Transport{cookie, "App-Ticket"}, headers{"App-Ticket": ""}, "App-Ticket"},
		"a named header":                   {[]cloakroom.Transport{cookie, "APP-ticket"}, headers{"App-Ticket": dead}, "App-Ticket"},
		"a dead cookie, the bearer first":  {[]cloakroom.Transport{bearer, cookie}, headers{"Cookie": "__Host-session=" + dead}, "Set-Cookie"},
		"a junk cookie, the bearer first":  {[]cloakroom.Transport{bearer, cookie}, headers{"Cookie": "__Host-session=junk"}, "Set-Cookie"},
		"another cookie, the bearer first": {[]cloakroom.Transport{bearer, cookie}, headers{"Cookie": "x=" + dead}, "Session-Ticket"},
		"a cookie that is not looked at":   {[]cloakroom.Transport{bearer}, headers{"Cookie": "__Host-session=" + dead}, "Session-Ticket"},
		"a junk cookie beside a header":    {[]cloakroom.Transport{cookie, bearer}, headers{"Cookie": "__Host-session=junk", "Authorization": "Bearer"}, "Session-Ticket"},
		"two headers with one ticket":      {[]cloakroom.Transport{"App-Ticket", bearer}, headers{"App-Ticket": dead, "Authorization": "Bearer " + dead}, "App-Ticket"},
		"one ticket in both, both ways":    {[]cloakroom.Transport{cookie, bearer}, headers{"Cookie": "__Host-session=" + dead, "Authorization": "Bearer " + dead}, "Session-Ticket"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, cloakroom.Options{Transport: c.transport})
			b := s.Browser(t)
			r := b.Request("/")
			for name, value := range c.send {
				r.Header.Set(name, value)
			}
			a, err := b.Send(r, sitetest.Using(sitetest.SetUser))
			if err != nil || !a.OK() {
				t.Fatalf("answered %v, %v", a, err)
			}
			for _, name := range []string{"Set-Cookie", "Session-Ticket", "App-Ticket"} {
				if got := len(a.Header[name]) > 0; got != (name == c.want) {
					t.Errorf("answered in %s: %t, want the ticket in %s alone", name, got, c.want)
				}
			}
			s.Log.Secret(a.Header.Get(c.want))
		})
	}
}

func TestTicketsThatDifferAreRefused(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportCookie, cloakroom.TransportBearer, "App-Ticket"}})
	alive := s.Known(t).Ticket()
	s.Log.Events()
	dead := sitetest.Dead
	for name, h := range map[string]http.Header{
		"a header and the cookie":           {"Authorization": {"Bearer " + alive}, "Cookie": {"__Host-session=" + dead}},
		"the cookie alone is alive":         {"Authorization": {"Bearer " + dead}, "Cookie": {"__Host-session=" + alive}},
		"the second cookie differs":         {"Authorization": {"Bearer " + alive}, "Cookie": {"__Host-session=" + alive + "; a=b; __Host-session=" + dead}},
		"two lines of a header":             {"Authorization": {"Bearer " + alive, "Bearer " + dead}},
		"two headers":                       {"Authorization": {"Bearer " + alive}, "App-Ticket": {dead}},
		"a line that is empty":              {"App-Ticket": {alive, ""}},
		"a malformed ticket and the cookie": {"Authorization": {"Bearer junk"}, "Cookie": {"__Host-session=" + alive}},
		"no ticket after Bearer, a cookie":  {"Authorization": {"Bearer"}, "Cookie": {"__Host-session=" + alive}},
	} {
		t.Run(name, func(t *testing.T) {
			s.Calls()
			b := s.Browser(t)
			r := b.Request("/")
			for name, lines := range h {
				r.Header[name] = lines
			}
			a, err := b.Send(r, func(w http.ResponseWriter, r *http.Request) {
				session := cloakroom.From(r)
				sitetest.Has(t, "of two tickets", false)(session)
				sitetest.SetUser(session)
				if !errors.Is(session.Err(), cloakroom.ErrTicket) || errors.Is(session.Err(), cloakroom.ErrUnavailable) {
					t.Errorf("Err: %v", session.Err())
				}
				io.WriteString(w, "dropped")
			})
			if err != nil {
				t.Fatal(err)
			}
			if a.StatusCode != http.StatusBadRequest || !strings.Contains(a.Body, "two session tickets that differ") || a.Header["Retry-After"] != nil {
				t.Errorf("answered %v, Retry-After %q", a, a.Header["Retry-After"])
			}
			for _, name := range []string{"Set-Cookie", "Session-Ticket", "App-Ticket"} {
				sitetest.Equal(t, name, a.Header[name])
			}
			sitetest.Equal(t, "Cache-Control", a.Header["Cache-Control"], "no-store")
			sitetest.Equal(t, "store calls", s.Calls())
			sitetest.Equal(t, "events", s.Log.Events(), "Rejected")
			sitetest.Equal(t, "log", s.Log.Lines())
		})
	}
	if s.Values(t, alive) == nil {
		t.Error("the session has ended")
	}
}

func TestOneTicketTwiceIsFine(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportCookie, cloakroom.TransportBearer}})
	b := s.Known(t)
	r := b.Request("/")
	r.Header["Authorization"] = []string{"Basic b3RoZXI6cGFzcw==", "Bearer " + b.Ticket(), "bearer  " + b.Ticket()}
	r.Header["Cookie"] = []string{"__Host-session=" + b.Ticket() + "; __Host-session=junk"}
	a, err := b.Send(r, sitetest.Using(func(session *cloakroom.Session) {
		sitetest.Has(t, "by one ticket twice", true)(session)
		session.Regenerate()
	}))
	if err != nil || !a.OK() || len(a.SetCookie) != 0 || len(a.Header["Session-Ticket"]) != 1 {
		t.Errorf("answered %v, %v, Set-Cookie %q", a, err, a.SetCookie)
	}
}

// A request that does not use its session costs what it does without
// transports, whatever it brings.
func TestUntouchedRequestWithTransports(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportBearer, cloakroom.TransportCookie}})
	c := newBearer(t, s)
	c.ok(sitetest.SetUser)
	s.Calls()
	a := c.send(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "done") })
	for _, name := range []string{"Vary", "Cache-Control", "Session-Ticket"} {
		sitetest.Equal(t, name, a.Header[name])
	}
	sitetest.Equal(t, "store calls", s.Calls())

	m, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportBearer}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+sitetest.Dead)
	h := m.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w := nowhere{http.Header{}}
	if got := testing.AllocsPerRun(200, func() { h.ServeHTTP(w, r) }); got != 2 {
		t.Errorf("%v allocations, want 2", got)
	}
}

func TestVaryOfTransportsRespectsTheHandler(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportBearer, cloakroom.TransportCookie}})
	for _, c := range []struct{ has, want string }{
		{"Accept-Language, authorization", "Accept-Language, authorization|Cookie"},
		{"COOKIE", "COOKIE|Authorization"},
		{"*", "*"},
	} {
		a := newBearer(t, s).send(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Vary", c.has)
			sitetest.Using(func(s *cloakroom.Session) { s.Len() })(w, r)
		})
		if got := strings.Join(a.Header["Vary"], "|"); got != c.want {
			t.Errorf("Vary %q of a handler's %q, want %q", got, c.has, c.want)
		}
	}
}

// The old ticket opens nothing any more, so the new one has to reach the client
// with the error page.
func TestNewTicketGoesOutWithTheErrorPage(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportBearer}})
	c := newBearer(t, s)
	c.ok(sitetest.SetUser)
	old := c.ticket
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 3, Err: sitetest.ErrRefused})
	a := c.send(sitetest.Using((*cloakroom.Session).Regenerate))
	if a.StatusCode != http.StatusServiceUnavailable || c.ticket == old || c.ticket == "" {
		t.Errorf("answered %v, a new ticket: %t", a, c.ticket != old)
	}
	c.ok(sitetest.Has(t, "by the ticket of the error page", true))
}

func TestFailureOfAnOuterManagerKeepsTheTicket(t *testing.T) {
	inner := sitetest.New(t, cloakroom.Options{Transport: []cloakroom.Transport{"App-Ticket"}, KeyPrefix: "app:"})
	outer := sitetest.New(t, cloakroom.Options{})
	outer.Inner = inner.Manager.Handler
	outer.BreakStore()
	a := outer.Browser(t).Get("/", useBoth(outer, inner, func(o, i *cloakroom.Session) { sitetest.SetUser(o); sitetest.SetUser(i) }))
	if a.StatusCode != http.StatusServiceUnavailable || len(a.Header["App-Ticket"]) != 1 || len(a.SetCookie) != 0 {
		t.Errorf("answered %v, App-Ticket %d times, Set-Cookie %q", a, len(a.Header["App-Ticket"]), a.SetCookie)
	}
	if inner.Values(t, a.Header.Get("App-Ticket")) == nil {
		t.Error("the ticket opens nothing")
	}
}

// A ticket in a header is bound by what a cookie could hold: one limit, so that
// the same session fits both.
func TestSealedTicketInAHeaderHasItsLimit(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportBearer}})
	c := newBearer(t, s)
	a := c.send(sitetest.Using(sitetest.Set("big", sitetest.Hush+strings.Repeat("x", 4000))))
	if a.StatusCode != http.StatusInternalServerError || c.ticket != "" {
		t.Errorf("answered %v, a ticket: %t", a, c.ticket != "")
	}
	c.ok(sitetest.Set("large", sitetest.Hush+strings.Repeat("x", 2800)))
	if len(c.ticket) < 3700 {
		t.Errorf("a ticket of %d bytes", len(c.ticket))
	}
	c.ok(func(s *cloakroom.Session) {
		if s.IsNew() {
			t.Error("the ticket opens nothing")
		}
	})
}

func TestPlainHTTPIsNotWarnedOfForHeaders(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportBearer}})
	s.URL = "http://localhost"
	newBearer(t, s).ok(sitetest.SetUser)
	sitetest.Equal(t, "log", s.Log.Lines())
}
