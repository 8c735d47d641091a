package sitetest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
)

// A Browser is one visitor of a Site, and follows no redirects. Each of its
// requests brings the handler that answers it.
type Browser struct {
	*cloakroomtest.Browser
	t    testing.TB
	site *Site
}

// An Answer is what a visitor got.
type Answer struct {
	*cloakroomtest.Response
	// SetCookie are the lines of Set-Cookie.
	SetCookie []string
}

// Browser returns a new visitor.
func (s *Site) Browser(t testing.TB) *Browser {
	b := cloakroomtest.NewBrowser(s)
	if s.server != nil {
		b = cloakroomtest.NewBrowserOn(s.server)
	}
	b.URL, b.NoRedirects = s.URL, true
	return &Browser{b, t, s}
}

// Begin returns a visitor who has a session with values.
func (s *Site) Begin(t testing.TB, values map[string]any) *Browser {
	t.Helper()
	b := s.Browser(t)
	a := b.OK(func(s *cloakroom.Session) {
		for name, v := range values {
			s.Set(name, v)
		}
	})
	if len(a.SetCookie) == 0 {
		t.Fatal("the visitor has no session")
	}
	return b
}

// Known returns a visitor whom the site knows: who has a session with a User.
func (s *Site) Known(t testing.TB) *Browser {
	t.Helper()
	b := s.Browser(t)
	b.OK(SetUser)
	return b
}

// Holder returns a visitor who holds a ticket, in the cookie of the zero
// Options.
func (s *Site) Holder(t testing.TB, ticket string) *Browser {
	b := s.Browser(t)
	r := b.Request("/")
	b.Client().Jar.SetCookies(r.URL, []*http.Cookie{{Name: "__Host-session", Value: ticket, Path: "/", Secure: true}})
	return b
}

// Request makes a request, for Send.
func (b *Browser) Request(path string) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// Send makes a request that h answers.
func (b *Browser) Send(r *http.Request, h http.HandlerFunc) (*Answer, error) {
	defer b.site.step(r, h)()
	resp, err := b.Client().Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	for _, c := range resp.Cookies() {
		b.site.secret(c.Value)
	}
	return &Answer{&cloakroomtest.Response{Response: resp, Body: string(body)}, resp.Header["Set-Cookie"]}, err
}

// Get asks for a path, which h answers.
func (b *Browser) Get(path string, h http.HandlerFunc) *Answer {
	b.t.Helper()
	a, err := b.Send(b.Request(path), h)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// Using is a handler that uses the session and then writes "done".
func Using(use func(*cloakroom.Session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		use(cloakroom.From(r))
		io.WriteString(w, "done")
	}
}

// Visit makes a request that uses the session.
func (b *Browser) Visit(use func(*cloakroom.Session)) *Answer {
	b.t.Helper()
	return b.Get("/", Using(use))
}

// Late makes a request whose handler writes "done" and then uses the session.
func (b *Browser) Late(use func(*cloakroom.Session)) *Answer {
	b.t.Helper()
	return b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "done")
		use(cloakroom.From(r))
	})
}

// OK is Visit for requests that must not fail.
func (b *Browser) OK(use func(*cloakroom.Session)) *Answer {
	b.t.Helper()
	a := b.Visit(use)
	if !a.OK() {
		b.t.Fatalf("answered with %v", a)
	}
	return a
}

// OK reports whether the handler's answer has arrived.
func (a *Answer) OK() bool { return a.StatusCode == http.StatusOK && a.Body == "done" }

// Page503 is the body of the error page for a store that cannot answer.
const Page503 = "The service cannot reach its session store just now. Please try again in a few seconds.\n"

func (a *Answer) String() string { return fmt.Sprintf("%d %q", a.StatusCode, a.Body) }

// Ask makes a request with the header Cookie as given, from no browser.
func (s *Site) Ask(t testing.TB, cookie string, use func(*cloakroom.Session)) *Answer {
	t.Helper()
	b := s.Browser(t)
	r := b.Request("/")
	if cookie != "" {
		r.Header["Cookie"] = []string{cookie}
	}
	a, err := b.Send(r, Using(use))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Ticket returns the value of the visitor's cookie, empty if there is none.
func (b *Browser) Ticket() string {
	for _, c := range b.Cookies("/") {
		if strings.HasSuffix(c.Name, "session") {
			return c.Value
		}
	}
	return ""
}

// Values returns the values of the session that the visitor's ticket opens,
// nil if it opens none.
func (b *Browser) Values() map[string]any {
	b.t.Helper()
	return b.site.Values(b.t, b.Ticket())
}

// Values returns the values of the session that a ticket opens, nil if it opens
// none.
func (s *Site) Values(t testing.TB, ticket string) map[string]any {
	t.Helper()
	session := s.Open(t, ticket)
	if session.IsNew() {
		return nil
	}
	return maps.Collect(session.All())
}
