package cloakroom_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
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
				s := newLocalSite(t, c.opts)
				s.url = c.scheme + "://www.example.com/app"
				b := s.browser(t)
				line := func(use func(*cloakroom.Session)) string {
					a := b.ok(use)
					if len(a.cookies) != 1 {
						t.Fatalf("Set-Cookie: %q", a.cookies)
					}
					name, rest, _ := strings.Cut(a.cookies[0], "=")
					value, rest, _ := strings.Cut(rest, ";")
					if value != "" {
						value = "T"
					}
					return name + "=" + value + ";" + rest
				}
				filled := func(value, extra string) string {
					return strings.NewReplacer("=T;", "="+value+";", "E;", extra+";").Replace(c.set)
				}
				want(t, "set", []string{line(setUser)}, filled("T", ""))
				want(t, "permanent", []string{line(func(s *cloakroom.Session) { s.SetPermanent(true) })}, filled("T", "; Max-Age=86400"))
				want(t, "removed", []string{line((*cloakroom.Session).Destroy)}, filled("", expire))
				if b.ticket() != "" {
					t.Error("the browser still has the cookie")
				}
			})
		})
	}
}

func TestTicketIsALongRandomID(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	seen := map[string]bool{}
	for range 20 {
		b := s.browser(t)
		b.ok(setUser)
		id := b.ticket()
		if len(id) != 43 || seen[id] || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("ticket of %d bytes, seen before: %v", len(id), seen[id])
		}
		seen[id] = true
	}
}

// malformed are values of the cookie that are nothing this Manager hands out.
// None may reach the store, as a key, a path or a command.
var malformed = map[string]string{
	"empty":               "",
	"one byte":            "a",
	"42 characters":       strings.Repeat("a", 42),
	"44 characters":       strings.Repeat("a", 44),
	"padding":             strings.Repeat("a", 42) + "=",
	"path":                "../" + strings.Repeat("a", 40),
	"dots":                strings.Repeat(".", 43),
	"slash":               strings.Repeat("a", 42) + "/",
	"plus":                strings.Repeat("a", 42) + "+",
	"percent":             strings.Repeat("a", 40) + "%2e",
	"space inside":        strings.Repeat("a", 21) + " " + strings.Repeat("a", 21),
	"NUL":                 strings.Repeat("a", 42) + "\x00",
	"CR LF":               strings.Repeat("a", 41) + "\r\n",
	"LF inside":           strings.Repeat("a", 21) + "\n" + strings.Repeat("a", 21),
	"memcached's command": "a\r\nset x 0 0 1\r\ny\r\n" + strings.Repeat("a", 24),
	"not UTF-8":           strings.Repeat("a", 42) + "\xff",
	"letters of elsewhere": strings.Repeat("a", 41) +
		"é",
	"8 KiB":          strings.Repeat("a", 8<<10),
	"quoted empty":   `""`,
	"one quote":      `"`,
	"quote at start": `"` + strings.Repeat("a", 42),
	"quoted twice":   `""` + strings.Repeat("a", 43) + `""`,
	"signed":         strings.Repeat("a", 43) + "." + strings.Repeat("b", 27),
	"equals inside":  strings.Repeat("a", 21) + "=" + strings.Repeat("a", 21),
}

func TestMalformedCookieIsAnAnonymousVisitor(t *testing.T) {
	for kind, s := range map[string]*site{
		"server-side": newLocalSite(t, cloakroom.Options{}),
		"sealed":      newLocalSealedSite(t, cloakroom.Options{}),
	} {
		for name, value := range malformed {
			a := s.ask(t, "__Host-session="+value, func(session *cloakroom.Session) {
				if session.Len() != 0 || !session.IsNew() || session.Err() != nil {
					t.Errorf("%s, %s: Len %d, IsNew %v, Err %v", kind, name, session.Len(), session.IsNew(), session.Err())
				}
			})
			if a.StatusCode != http.StatusOK || a.body != "done" || len(a.cookies) != 0 {
				t.Errorf("%s, %s: status %d, body %q, Set-Cookie %q", kind, name, a.StatusCode, a.body, a.cookies)
			}
			want(t, kind+", "+name+": log", s.log.lines())
			want(t, kind+", "+name+": events", s.log.events(), "Rejected")
		}
		if s.store != nil {
			want(t, "store calls", s.store.since())
		}
	}
}

func TestTicketMayBeQuoted(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.ask(t, `a=b; __Host-session= "`+b.ticket()+`" ; c=d`, func(s *cloakroom.Session) {
		if !s.Has("user") {
			t.Error("a quoted ticket, with spaces around it, does not open its session")
		}
	})
}

// Whoever decodes names can be made to read %5F%5FHost-session, which a
// neighbour may set, as __Host-session. The same goes for case and spaces.
func TestCookieNamesAreComparedByteForByte(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.store.since()
	for _, name := range []string{"%5F%5FHost-session", "__host-session", "__Host-session ", "x__Host-session", "__Host-sessionx", `"__Host-session"`, ""} {
		s.ask(t, name+"="+b.ticket(), func(s *cloakroom.Session) {
			if s.Has("user") {
				t.Errorf("the name %q was accepted", name)
			}
		})
	}
	s.ask(t, "__Host-session", func(s *cloakroom.Session) { s.Len() })
	want(t, "store calls", s.store.since())
}

func TestUnknownTicketIsNeverAdopted(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	planted := strings.Repeat("p", 43)
	a := s.ask(t, "__Host-session="+planted, setUser)
	if len(a.cookies) != 1 || strings.Contains(a.cookies[0], planted) {
		t.Errorf("Set-Cookie %q", a.cookies)
	}
	want(t, "store calls", s.store.since(), "Load", "Save")
	want(t, "events", s.log.events(), "Rejected", "Created")
}

func TestPlainHTTPWarningComesOnce(t *testing.T) {
	warned := func(opts cloakroom.Options, scheme, proxy string) (n int) {
		s := newLocalSite(t, opts)
		s.url = scheme + "://localhost"
		for range 2 {
			b := s.browser(t)
			r := b.request("/")
			if proxy != "" {
				r.Header.Set(proxy, "https")
			}
			b.send(r, func(w http.ResponseWriter, r *http.Request) {
				setUser(cloakroom.From(r))
				io.WriteString(w, "done")
			})
		}
		for _, line := range s.log.lines() {
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
				s := newLocalSite(t, cloakroom.Options{Lifetime: c.lifetime, IdleTimeout: 3 * day})
				b := s.browser(t)
				b.ok(setUser)
				time.Sleep(c.after)
				a := b.ok(func(s *cloakroom.Session) { s.SetPermanent(true) })
				if len(a.cookies) != 1 || !strings.Contains(a.cookies[0], c.want) {
					t.Errorf("Set-Cookie %q, want %s", a.cookies, c.want)
				}
			})
		})
	}
}
