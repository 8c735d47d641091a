package cloakroomtest

import (
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// jar is the standard library's jar with what browsers do besides.
type jar struct{ *cookiejar.Jar }

func newJar() jar {
	j, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // says its documentation: never
	}
	return jar{j}
}

// maxCookieAge is how long browsers keep a cookie at most, in seconds: RFC
// 6265bis, section 5.5.
const maxCookieAge = 400 * 24 * 60 * 60

func (j jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	u = secured(u)
	var kept []*http.Cookie
	for _, c := range cookies {
		if refused(u, c) {
			continue
		}
		if c.MaxAge > maxCookieAge {
			shorter := *c
			shorter.MaxAge = maxCookieAge
			c = &shorter
		}
		kept = append(kept, c)
	}
	j.Jar.SetCookies(u, kept)
}

func (j jar) Cookies(u *url.URL) []*http.Cookie { return j.Jar.Cookies(secured(u)) }

// secured returns u with TLS if it leads to this machine, which browsers trust
// without.
func secured(u *url.URL) *url.URL {
	host := strings.ToLower(u.Hostname())
	ip := net.ParseIP(host)
	if u.Scheme != "http" || host != "localhost" && !strings.HasSuffix(host, ".localhost") && (ip == nil || !ip.IsLoopback()) {
		return u
	}
	trusted := *u
	trusted.Scheme = "https"
	return &trusted
}

// refused reports whether browsers do not keep a cookie from u: RFC 6265bis,
// sections 5.6 and 5.7.
func refused(u *url.URL, c *http.Cookie) bool {
	name := strings.ToLower(c.Name) // browsers compare the prefixes without case
	switch {
	case len(c.Name)+len(c.Value) > 4096:
	case c.Secure && u.Scheme != "https":
	case !c.Secure && (strings.HasPrefix(name, "__secure-") || strings.HasPrefix(name, "__host-")):
	case strings.HasPrefix(name, "__host-") && (c.Domain != "" || c.Path != "/"):
	case !c.Secure && (c.SameSite == http.SameSiteNoneMode || c.Partitioned):
	default:
		return false
	}
	return true
}
