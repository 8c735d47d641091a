package cloakroom

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxCookie is what browsers keep of a cookie's name and value together
	// (RFC 6265bis, section 5.6; OWASP ASVS 5.0, 3.3.5). They drop larger
	// ones without a word.
	maxCookie = 4096

	// maxCandidates bounds how many cookies of one name are tried, each of
	// which may cost a store call.
	maxCandidates = 4

	// maxCookieAge is what browsers cut a cookie's life to (RFC 6265bis, 5.5).
	maxCookieAge = 400 * 24 * time.Hour

	// maxTwins bounds how many cookies one answer removes.
	maxTwins = 8

	expireAttrs      = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
	flaskExpireAttrs = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"
)

// cookie writes and reads the session's cookie. Its attributes are put
// together once; deleting mirrors every one of them, since a browser ignores a
// deletion that a __Host- or Partitioned cookie could not have been set with.
type cookie struct {
	name   string
	domain string
	path   string
	flags  string // all attributes but Domain and Path

	limit int  // how many cookies of this name are tried
	flask bool // the attributes stand in Werkzeug's order, Path among the flags

	deleteFlags string // in Flask's dialect
}

func newCookie(o *Options) cookie {
	if d := o.Dialect; d != nil {
		// Flask takes the first, so that is also what we have to go by.
		return cookie{name: o.CookieName, domain: d.CookieDomain, flags: d.CookieFlags, limit: 1, flask: true, deleteFlags: d.DeleteFlags}
	}
	var b strings.Builder
	if !o.ScriptAccess {
		b.WriteString("; HttpOnly")
	}
	if !o.Insecure {
		b.WriteString("; Secure")
	}
	switch o.SameSite {
	case http.SameSiteStrictMode:
		b.WriteString("; SameSite=Strict")
	case http.SameSiteNoneMode:
		b.WriteString("; SameSite=None")
	default:
		b.WriteString("; SameSite=Lax")
	}
	if o.Partitioned {
		b.WriteString("; Partitioned")
	}
	// In lower case, as browsers keep it: twins must not take it for another.
	domain := strings.ToLower(strings.TrimPrefix(o.Domain, "."))
	return cookie{name: o.CookieName, domain: domain, path: o.Path, flags: b.String(), limit: maxCandidates}
}

// line returns the value of a Set-Cookie header.
func (c *cookie) line(value, domain, path, extra string) string {
	if c.flask {
		return c.name + "=" + value + domain + extra + c.flags
	}
	if domain != "" {
		domain = "; Domain=" + domain
	}
	return c.name + "=" + value + domain + "; Path=" + path + extra + c.flags
}

// set returns the Set-Cookie line that hands out t. A maxAge of zero makes it
// end with the browser. An error says by how much t is too large.
func (c *cookie) set(t Ticket, maxAge time.Duration) (string, error) {
	if over := len(c.name) + len(t) - maxCookie; over > 0 {
		server := "cloakroom.New"
		if c.flask {
			server = "a SESSION_TYPE"
		}
		return "", fmt.Errorf("cloakroom: cookie: %w: %d bytes too many for the %d that browsers keep: "+
			"put less into the session, or keep it on the server with %s",
			ErrTooLarge, over, maxCookie, server)
	}
	extra := ""
	if maxAge > 0 && c.flask {
		extra = "; Expires=" + time.Now().Add(maxAge).UTC().Format(http.TimeFormat)
	} else if maxAge > 0 {
		seconds := int64(min(maxAge, maxCookieAge) / time.Second)
		extra = "; Max-Age=" + strconv.FormatInt(max(seconds, 1), 10)
	}
	return c.line(string(t), c.domain, c.path, extra), nil
}

// remove returns the Set-Cookie line that deletes the cookie.
func (c *cookie) remove() string {
	if c.flask {
		return c.name + "=" + c.domain + flaskExpireAttrs + c.deleteFlags
	}
	return c.line("", c.domain, c.path, expireAttrs)
}

// candidates returns the values of the cookies with the session's name, in
// the order of the request's headers, at most c.limit. Names are
// compared byte for byte: whoever decodes them first can be made to read
// %5F%5FHost- as __Host-.
func (c *cookie) candidates(dst []string, headers []string) []string {
	for _, h := range headers {
		for len(h) > 0 {
			var part string
			part, h, _ = strings.Cut(h, ";")
			name, value, ok := strings.Cut(strings.Trim(part, " \t"), "=")
			if !ok || name != c.name {
				continue
			}
			if dst = append(dst, unquote(strings.Trim(value, " \t"))); len(dst) == c.limit {
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

// twins returns lines that delete cookies of the session's name in every
// other scope from which r could have got one: other paths, other domains.
// Which cookie came from which scope a request does not tell, so the caller
// sets the good ticket anew in the scope of the Options.
func (c *cookie) twins(r *http.Request) []string {
	if strings.HasPrefix(c.name, hostPrefix) {
		return nil // browsers keep only one
	}
	var lines []string
	add := func(domain, path string) {
		if len(lines) < maxTwins && (domain != c.domain || path != c.path) {
			lines = append(lines, c.line("", domain, path, expireAttrs))
		}
	}
	// The likely ones first, since there may be more than can be removed: a
	// twin of the whole site, and one without a Domain, whose path is the
	// page's directory if it was set without a Path.
	paths, domains := pathsAbove(r.URL.Path), domainsAbove(r.Host)
	for _, domain := range domains {
		add(domain, "/")
	}
	for _, path := range slices.Backward(paths[1:]) {
		add("", path)
	}
	for _, path := range paths[1:] {
		for _, domain := range domains[1:] {
			add(domain, path)
		}
	}
	return lines
}

// pathsAbove returns "/" and the directories that lead to path.
func pathsAbove(path string) []string {
	paths := []string{"/"}
	for i := 1; i < len(path); i++ {
		if path[i] == '/' && validPath(path[:i]) {
			paths = append(paths, path[:i])
		}
	}
	if len(path) > 1 && path[len(path)-1] != '/' && validPath(path) {
		paths = append(paths, path)
	}
	return paths
}

// validPath keeps a visitor's URL from writing attributes into the header.
func validPath(path string) bool {
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c > '~' || c == ';' || c == ',' {
			return false
		}
	}
	return true
}

// domainsAbove returns no domain at all, the host, and the domains above it.
func domainsAbove(host string) []string {
	domains := []string{""}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if net.ParseIP(strings.Trim(host, "[]")) != nil || !validPath(host) {
		return domains
	}
	host = strings.ToLower(host)
	for strings.Contains(host, ".") {
		domains = append(domains, host)
		_, host, _ = strings.Cut(host, ".")
	}
	return domains
}
