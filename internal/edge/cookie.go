package edge

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	expired = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"

	// HostPrefix and SecurePrefix make browsers check a cookie's attributes.
	HostPrefix   = "__Host-"
	SecurePrefix = "__Secure-"
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
		b.WriteString("; Partitioned")
	}
	a.flags = b.String()
	// In lower case, as browsers keep it: twins must not take it for another.
	a.domain = strings.ToLower(strings.TrimPrefix(a.Domain, "."))
	return &a
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

// candidates returns the values of the cookies with a name, in the order of
// the request's headers, at most limit. Names are compared byte for byte:
// a program that decodes them first can be made to read %5F%5FHost- as __Host-.
func candidates(dst []string, name string, headers []string, limit int) []string {
	for _, h := range headers {
		for len(h) > 0 {
			var part string
			part, h, _ = strings.Cut(h, ";")
			n, value, ok := strings.Cut(strings.Trim(part, " \t"), "=")
			if !ok || n != name {
				continue
			}
			if dst = append(dst, unquote(strings.Trim(value, " \t"))); len(dst) == limit {
				return dst
			}
		}
	}
	return dst
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
