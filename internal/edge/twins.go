package edge

import (
	"net"
	"slices"
	"strings"
)

// maxTwins bounds how many cookies one answer removes.
const maxTwins = 8

// Twins returns lines that delete cookies of the session's name in every
// other scope from which a request could have got one: other paths, other domains.
// Which cookie came from which scope a request does not tell, so the caller
// sets the good ticket anew in the scope of the Options.
func (c *Attributes) Twins(host, path string) []string {
	if strings.HasPrefix(c.Name, HostPrefix) {
		return nil // browsers keep only one
	}
	var lines []string
	add := func(domain, path string) {
		if len(lines) < maxTwins && (domain != c.domain || path != c.Path) {
			lines = append(lines, c.line("", domain, path, expired))
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
