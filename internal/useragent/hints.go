package useragent

import (
	"strconv"
	"strings"
)

// brand returns the best known of the brands, or "". Among them are ones that
// nobody has, so that servers learn to ignore these, and Chromium in each.
func (h Hints) brand() string {
	best := len(brands)
	// A list of quoted strings with parameters (RFC 9651). A version has neither a
	// comma nor a quote in it, and nor has a brand that is known.
	for part := range strings.SplitSeq(h.Brands[:min(len(h.Brands), maxInput)], ",") {
		quoted, _, _ := strings.Cut(part, ";")
		name := unquote(quoted)
		for i, b := range brands[:best] {
			if name == b.word {
				best = i
				break
			}
		}
	}
	if best == len(brands) {
		return ""
	}
	return brands[best].name
}

func (h Hints) mobile(value string) bool { return strings.TrimSpace(h.Mobile) == value }

// majorVersion returns the first number of the system's version, or 0.
func (h Hints) majorVersion() int {
	first, _, _ := strings.Cut(unquote(h.PlatformVersion), ".")
	n, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// unquote returns what stands between quotes, or "".
func unquote(s string) string {
	s = strings.TrimSpace(s[:min(len(s), maxInput)])
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return ""
	}
	return s[1 : len(s)-1]
}
