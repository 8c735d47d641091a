package edge_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// Golden lines: T stands for the ticket. What deletes a cookie has every
// attribute that it was set with, or browsers ignore the deletion.
func TestSetCookieLines(t *testing.T) {
	const expire = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
	for name, c := range map[string]struct {
		opts   cloakroom.Options
		set    string // with E in the place of Max-Age
		scheme string
	}{
		"defaults": {
			cloakroom.Options{}, "__Host-session=T; Path=/E; HttpOnly; Secure; SameSite=Lax", "https"},
		"strict": {
			cloakroom.Options{SameSite: http.SameSiteStrictMode}, "__Host-session=T; Path=/E; HttpOnly; Secure; SameSite=Strict", "https"},
		"default mode means lax": {
			cloakroom.Options{SameSite: http.SameSiteDefaultMode}, "__Host-session=T; Path=/E; HttpOnly; Secure; SameSite=Lax", "https"},
		"embedded": {
			cloakroom.Options{SameSite: http.SameSiteNoneMode, Partitioned: true},
			"__Host-session=T; Path=/E; HttpOnly; Secure; SameSite=None; Partitioned", "https"},
		"domain": {
			cloakroom.Options{Domain: "example.com"}, "__Secure-session=T; Domain=example.com; Path=/E; HttpOnly; Secure; SameSite=Lax", "https"},
		"domain with a dot": {
			cloakroom.Options{Domain: ".example.com"}, "__Secure-session=T; Domain=example.com; Path=/E; HttpOnly; Secure; SameSite=Lax", "https"},
		"domain in capitals": {
			cloakroom.Options{Domain: "Example.COM"}, "__Secure-session=T; Domain=example.com; Path=/E; HttpOnly; Secure; SameSite=Lax", "https"},
		"path": {
			cloakroom.Options{Path: "/app"}, "__Secure-session=T; Path=/appE; HttpOnly; Secure; SameSite=Lax", "https"},
		"own name": {
			cloakroom.Options{CookieName: "sid-session"}, "sid-session=T; Path=/E; HttpOnly; Secure; SameSite=Lax", "https"},
		"insecure": {
			cloakroom.Options{Insecure: true}, "session=T; Path=/E; HttpOnly; SameSite=Lax", "http"},
		"scripts": {
			cloakroom.Options{ScriptAccess: true}, "__Host-session=T; Path=/E; Secure; SameSite=Lax", "https"},
		"everything": {
			cloakroom.Options{CookieName: "x-session", Domain: "example.com", Path: "/app", SameSite: http.SameSiteNoneMode, Partitioned: true, ScriptAccess: true},
			"x-session=T; Domain=example.com; Path=/appE; Secure; SameSite=None; Partitioned", "https"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sitetest.New(t, c.opts)
				s.URL = c.scheme + "://www.example.com/app"
				b := s.Browser(t)
				line := func(use func(*cloakroom.Session)) string {
					a := b.OK(use)
					if len(a.SetCookie) != 1 {
						t.Fatalf("Set-Cookie: %q", a.SetCookie)
					}
					name, rest, _ := strings.Cut(a.SetCookie[0], "=")
					value, rest, _ := strings.Cut(rest, ";")
					if value != "" {
						value = "T"
					}
					return name + "=" + value + ";" + rest
				}
				filled := func(value, extra string) string {
					return strings.NewReplacer("=T;", "="+value+";", "E;", extra+";").Replace(c.set)
				}
				sitetest.Equal(t, "set", []string{line(sitetest.SetUser)}, filled("T", ""))
				sitetest.Equal(t, "permanent", []string{line(func(s *cloakroom.Session) { s.SetPermanent(true) })}, filled("T", "; Max-Age=86400"))
				sitetest.Equal(t, "removed", []string{line((*cloakroom.Session).Destroy)}, filled("", expire))
				if b.Ticket() != "" {
					t.Error("the browser still has the cookie")
				}
			})
		})
	}
}

func TestMalformedCookieIsAnAnonymousVisitor(t *testing.T) {
	for kind, s := range map[string]*sitetest.Site{
		"server-side": sitetest.New(t, cloakroom.Options{}),
		"sealed":      sitetest.NewSealed(t, cloakroom.Options{}),
	} {
		for name, value := range sitetest.Malformed {
			a := s.Ask(t, "__Host-session="+value, func(session *cloakroom.Session) {
				if session.Len() != 0 || !session.IsNew() || session.Err() != nil {
					t.Errorf("%s, %s: Len %d, IsNew %v, Err %v", kind, name, session.Len(), session.IsNew(), session.Err())
				}
			})
			if !a.OK() || len(a.SetCookie) != 0 {
				t.Errorf("%s, %s: got %v, Set-Cookie %q", kind, name, a, a.SetCookie)
			}
			sitetest.Equal(t, kind+", "+name+": log", s.Log.Lines())
			sitetest.Equal(t, kind+", "+name+": events", s.Log.Events(), "Rejected")
		}
		if s.Store != nil {
			sitetest.Equal(t, "store calls", s.Calls())
		}
	}
}

func TestTicketMayBeQuoted(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Known(t)
	s.Ask(t, `a=b; __Host-session= "`+b.Ticket()+`" ; c=d`, sitetest.Has(t, "quoted, with spaces around", true))
}

// Whoever decodes names can be made to read %5F%5FHost-session, which a
// neighbour may set, as __Host-session. The same goes for case and spaces.
func TestCookieNamesAreComparedByteForByte(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	s.Calls()
	for _, name := range []string{"%5F%5FHost-session", "__host-session", "__Host-session ", "x__Host-session", "__Host-sessionx", `"__Host-session"`, ""} {
		s.Ask(t, name+"="+b.Ticket(), sitetest.Has(t, "by the name "+name, false))
	}
	s.Ask(t, "__Host-session", func(s *cloakroom.Session) { s.Len() })
	sitetest.Equal(t, "store calls", s.Calls())
}

// A ticket counts in the session's cookie alone: what stands in URLs ends up in
// logs, in histories and in other sites' Referer.
func TestTicketsCountInCookiesAlone(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	ticket := s.Known(t).Ticket()
	form := url.Values{"__Host-session": {ticket}, "session": {ticket}}.Encode()
	s.Calls()
	for name, ask := range map[string]func(r *http.Request){
		"query":  func(r *http.Request) { r.URL.RawQuery = form },
		"path":   func(r *http.Request) { r.URL.Path = "/page;__Host-session=" + ticket },
		"bearer": func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+ticket) },
		"header": func(r *http.Request) {
			for _, name := range []string{"Session", "X-Session", "X-Session-Id", "__Host-session", "Cookie2", "Set-Cookie"} {
				r.Header[name] = []string{ticket, "__Host-session=" + ticket}
			}
		},
		"form": func(r *http.Request) {
			r.Method, r.Body = http.MethodPost, io.NopCloser(strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		},
	} {
		b := s.Browser(t)
		r := b.Request("/")
		ask(r)
		a, err := b.Send(r, func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			sitetest.Using(sitetest.Has(t, "by the "+name, false))(w, r)
		})
		if err != nil || !a.OK() {
			t.Errorf("%s: answered %v, %v", name, a, err)
		}
	}
	sitetest.Equal(t, "store calls", s.Calls())
}

// HTTP/2 may send the cookies in several headers.
func TestSeveralCookieHeaders(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	fresh := s.Browser(t)
	r := fresh.Request("/")
	r.Header["Cookie"] = []string{"a=b", "__Host-session=" + b.Ticket()}
	fresh.Send(r, sitetest.Using(sitetest.Has(t, "by the ticket in the second header", true)))
}

func TestPlainHTTPWarningComesOnce(t *testing.T) {
	warned := func(opts cloakroom.Options, scheme, proxy string) (n int) {
		s := sitetest.New(t, opts)
		s.URL = scheme + "://localhost"
		for range 2 {
			b := s.Browser(t)
			r := b.Request("/")
			if proxy != "" {
				r.Header.Set(proxy, "https")
			}
			b.Send(r, sitetest.Using(sitetest.SetUser))
		}
		for _, line := range s.Log.Lines() {
			if strings.Contains(line, "Options.Insecure") {
				n++
			}
		}
		return n
	}
	got := []int{
		warned(cloakroom.Options{}, "http", ""), warned(cloakroom.Options{}, "https", ""),
		warned(cloakroom.Options{Insecure: true}, "http", ""),
		warned(cloakroom.Options{}, "http", "X-Forwarded-Proto"), warned(cloakroom.Options{}, "http", "Forwarded"),
	}
	if !slices.Equal(got, []int{1, 0, 0, 0, 0}) {
		t.Errorf("warnings: %v", got)
	}
}

func TestDestroyRemovesADeadCookie(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	a := s.Ask(t, "__Host-session="+sitetest.Dead, (*cloakroom.Session).Destroy)
	if len(a.SetCookie) != 1 || !strings.HasPrefix(a.SetCookie[0], "__Host-session=;") {
		t.Errorf("Set-Cookie %q", a.SetCookie)
	}
}

// There is no cookie to remove from somebody who sent none.
func TestDestroyWithoutACookie(t *testing.T) {
	a := sitetest.NewTLS(t, cloakroom.Options{}).Browser(t).OK((*cloakroom.Session).Destroy)
	sitetest.Equal(t, "Set-Cookie", a.SetCookie)
}
