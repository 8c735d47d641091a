package cloakroomtest

import (
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"strings"
	"sync"
)

// jar is the standard library's jar with what browsers do besides.
type jar struct {
	*cookiejar.Jar

	mu    sync.Mutex
	brief map[cookieID]briefCookie // that end with the browser
}

// A cookieID is what makes one cookie replace another.
type cookieID struct{ name, domain, path string }

// A briefCookie ends with the browser, and is from a URL.
type briefCookie struct {
	url    *url.URL
	cookie *http.Cookie
}

func newJar() *jar {
	j, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // says its documentation: never
	}
	return &jar{Jar: j, brief: map[cookieID]briefCookie{}}
}

// restart drops the cookies that end with the browser.
func (j *jar) restart() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, b := range j.brief {
		gone := *b.cookie
		gone.MaxAge = -1
		j.Jar.SetCookies(b.url, []*http.Cookie{&gone})
	}
	clear(j.brief)
}

// note remembers which cookies end with the browser.
func (j *jar) note(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		id := cookieID{c.Name, strings.ToLower(strings.TrimPrefix(c.Domain, ".")), c.Path}
		if id.domain == "" {
			id.domain = strings.ToLower(u.Hostname()) // the same to the jar
		}
		if !strings.HasPrefix(id.path, "/") {
			id.path = path.Dir("/" + strings.TrimPrefix(u.Path, "/")) // RFC 6265, section 5.1.4
		}
		if c.MaxAge == 0 && c.Expires.IsZero() {
			j.brief[id] = briefCookie{u, c}
		} else {
			delete(j.brief, id)
		}
	}
}

// maxCookieAge is how long browsers keep a cookie at most, in seconds: RFC
// 6265bis, section 5.5.
const maxCookieAge = 400 * 24 * 60 * 60

func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
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
	j.note(u, kept)
}

func (j *jar) Cookies(u *url.URL) []*http.Cookie { return j.Jar.Cookies(secured(u)) }

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
