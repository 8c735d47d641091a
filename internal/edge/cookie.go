package edge

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	partitioned = "; Partitioned"

	expired = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"

	// HostPrefix and SecurePrefix make browsers check a cookie's attributes.
	HostPrefix   = "__Host-"
	SecurePrefix = "__Secure-"

	maxCandidates = 32 // tickets of one request that are looked at; each may cost a store call
)

// Attributes are those of the native session cookie. Deleting mirrors every
// one of them, since a browser ignores a deletion that a __Host- or
// Partitioned cookie could not have been set with.
type Attributes struct {
	Name        string
	Domain      string
	Path        string
	SameSite    http.SameSite
	Insecure    bool
	Script      bool // no HttpOnly
	Partitioned bool

	domain string // as browsers keep it
	flags  string // all attributes but Domain and Path, put together once
}

// Joined returns a with its attributes put together.
func (a Attributes) Joined() *Attributes {
	var b strings.Builder
	if !a.Script {
		b.WriteString("; HttpOnly")
	}
	if !a.Insecure {
		b.WriteString("; Secure")
	}
	switch a.SameSite {
	case http.SameSiteStrictMode:
		b.WriteString("; SameSite=Strict")
	case http.SameSiteNoneMode:
		b.WriteString("; SameSite=None")
	default:
		b.WriteString("; SameSite=Lax")
	}
	if a.Partitioned {
		b.WriteString(partitioned)
	}
	a.flags = b.String()
	// In lower case, as browsers keep it: twins must not take it for another.
	a.domain = strings.ToLower(strings.TrimPrefix(a.Domain, "."))
	return &a
}

// Candidates returns how many tickets a request may bring.
func (c *Attributes) Candidates() int {
	switch {
	case !strings.HasPrefix(c.Name, HostPrefix):
		return maxCandidates
	case c.Partitioned:
		return 2 // one from before Options.Partitioned was set
	default:
		return 1 // browsers keep no more
	}
}

// line returns the value of a Set-Cookie header.
func (c *Attributes) line(value, domain, path, extra string) string {
	if domain != "" {
		domain = "; Domain=" + domain
	}
	return c.Name + "=" + value + domain + "; Path=" + path + extra + c.flags
}

// Set returns the line that hands out a ticket. A life of zero makes it end
// with the browser.
func (c *Attributes) Set(ticket string, _ time.Time, life time.Duration) string {
	extra := ""
	if life > 0 {
		extra = "; Max-Age=" + strconv.FormatInt(int64(life/time.Second), 10)
	}
	return c.line(ticket, c.domain, c.Path, extra)
}

// Remove returns the line that deletes the cookie.
func (c *Attributes) Remove() string { return c.line("", c.domain, c.Path, expired) }

// tickets appends to dst the distinct well-formed tickets among the request's
// cookies, in their order, at most Rules.Candidates; or the first cookie's value
// alone, where those are 0. It reports whether it saw a malformed one, which
// does not count: junk that a neighbour planted must not hide the session.
func (m *Middleware) tickets(dst []string, headers []string) (tickets []string, malformed bool) {
	limit := m.Rules.Candidates
	for cookies := (cookies{name: m.CookieName, headers: headers}); cookies.next(); {
		switch {
		case limit == 0:
			return append(dst, cookies.value), false
		case !m.Engine.WellFormed(cookies.value):
			malformed = true
		case !slices.Contains(dst, cookies.value):
			if dst = append(dst, cookies.value); len(dst) == limit {
				return dst, malformed
			}
		}
	}
	return dst, malformed
}

// cookies goes through the cookies of a name in a request's headers. Names are
// compared byte for byte: a program that decodes them first can be made to read
// %5F%5FHost- as __Host-.
type cookies struct {
	name    string
	headers []string
	rest    string // of the header before headers
	value   string
}

// next puts the next cookie's value into c and reports whether there is one.
func (c *cookies) next() bool {
	for {
		for len(c.rest) == 0 {
			if len(c.headers) == 0 {
				return false
			}
			c.rest, c.headers = c.headers[0], c.headers[1:]
		}
		var part string
		part, c.rest, _ = strings.Cut(c.rest, ";")
		name, value, ok := strings.Cut(strings.Trim(part, " \t"), "=")
		if ok && name == c.name {
			c.value = unquote(strings.Trim(value, " \t"))
			return true
		}
	}
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
