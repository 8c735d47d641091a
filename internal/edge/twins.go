package edge

import (
	"net"
	"slices"
	"strings"
)

const (
	maxTwins = 16   // cookies that one answer removes
	maxLines = 2048 // bytes of the lines that remove them; proxies bound an answer's header, nginx to 4 KiB
	maxPath  = 1024 // bytes of a cookie's Path that browsers keep (RFC 6265bis, section 5.6)
	maxHost  = 260  // bytes of a host with its port: 253 of a domain name (RFC 1035, section 2.3.4)
)

// Twins returns lines that delete cookies of the session's name in other scopes
// from which a request could have got one: other paths, other domains. Which
// cookie came from which scope a request does not tell, so the caller sets the
// good ticket anew in the scope of the Options. A host or path that no cookie
// can have is not looked through, however long it is.
func (c *Attributes) Twins(host, path string) []string {
	var lines []string
	if c.Partitioned { // browsers keep those apart
		lines = append(lines, strings.TrimSuffix(c.Remove(), partitioned))
	}
	if strings.HasPrefix(c.Name, HostPrefix) {
		return lines // all in one scope
	}
	size := 0
	add := func(domain, path string) {
		if len(lines) == maxTwins || domain == c.domain && path == c.Path {
			return
		}
		if line := c.line("", domain, path, expired); size+len(line) <= maxLines {
			lines, size = append(lines, line), size+len(line)
		}
	}
	// The likely ones first, since there may be more than can be removed: a
	// twin of the whole site, and one without a Domain, whose path is the
	// page's directory if it was set without a Path.
	paths, domains := pathsAbove(path), domainsAbove(host)
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

// pathsAbove returns "/", the directories that lead to path, with a slash at
// the end and without, and path.
func pathsAbove(path string) []string {
	paths := []string{"/"}
	usable := usable(path, maxPath)
	for i := 1; i < usable; i++ {
		if path[i] == '/' {
			paths = append(paths, path[:i+1], path[:i])
		}
	}
	if last := len(path) - 1; last > 0 && last < usable && path[last] != '/' {
		paths = append(paths, path)
	}
	return paths
}

// usable returns how many of the first bytes of a path or host can stand in a
// cookie's attribute, at most limit. It keeps a visitor's URL from writing
// attributes into the header.
func usable(s string, limit int) int {
	n := min(len(s), limit)
	for i := range n {
		if c := s[i]; c <= ' ' || c > '~' || c == ';' || c == ',' {
			return i
		}
	}
	return n
}

// domainsAbove returns no domain at all, the host, and the domains above it.
func domainsAbove(host string) []string {
	domains := []string{""}
	if len(host) > maxHost {
		return domains
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if net.ParseIP(strings.Trim(host, "[]")) != nil || usable(host, maxHost) < len(host) {
		return domains
	}
	host = strings.ToLower(host)
	for strings.Contains(host, ".") {
		domains = append(domains, host)
		_, host, _ = strings.Cut(host, ".")
	}
	return domains
}
