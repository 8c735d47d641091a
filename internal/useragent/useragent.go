// Package useragent tells the browser or program that sent a request, and the
// system it runs on, in words that its user recognises in a list of devices:
// "Firefox on Windows", "Safari on iPhone", "curl".
//
// There are no version numbers: they change with every update and help nobody to
// recognise a device. What a client says of itself is not to be trusted. The
// answer is made of the words in this package's tables, and of at most one name
// that the client chose: ASCII letters, digits, hyphens and underscores.
package useragent

import "strings"

const (
	// MaxLength is the most bytes that Describe returns.
	MaxLength = 64

	maxInput = 1 << 10 // of each header: no browser sends half of it
	maxName  = 24      // of a name that the client chose
)

// Hints are the User-Agent client hints of a request, as their headers have
// them. Browsers that are built on Chromium send the first three to every HTTPS site,
// and the last one to those that ask for it with Accept-CH.
type Hints struct {
	Brands          string // Sec-CH-UA
	Platform        string // Sec-CH-UA-Platform
	Mobile          string // Sec-CH-UA-Mobile
	PlatformVersion string // Sec-CH-UA-Platform-Version: it tells Windows 11 from 10
}

// Describe names the client that sent userAgent and hints. It returns "" if they
// tell nothing, otherwise printable ASCII of at most MaxLength bytes.
//
// An iPad calls itself a Mac unless its user wants it otherwise, and browsers that
// do not want to be known send what Chrome or Firefox does: they are named as what
// they say they are.
func Describe(userAgent string, hints Hints) string {
	ua := userAgent[:min(len(userAgent), maxInput)]
	product := firstProduct(ua)
	if name := clients.find(product); name != "" {
		return name
	}
	if name := robot(ua); name != "" {
		return name
	}
	name, system := browser(ua, hints), system(ua, hints)
	switch {
	case name != "":
	case product != "" && !strings.EqualFold(product, "Mozilla"):
		name = cleanName(product)
	case system != "":
		name = "Browser"
	}
	if name == "" || system == "" {
		return name
	}
	return name + " on " + system
}

// robot returns the name that follows "compatible;", with which robots tell that
// they are no browser, or "".
func robot(ua string) string {
	for rest := ua; ; {
		_, after, found := strings.Cut(rest, "compatible;")
		if !found {
			return ""
		}
		rest = strings.TrimLeft(after, " ")
		if name := cleanName(rest); name != "" && name != "MSIE" {
			return name
		}
	}
}

// browser returns the name of a browser or of an app with a browser in it, or "".
func browser(ua string, hints Hints) string {
	if app := apps.find(ua); app != "" {
		return app
	}
	if has(ua, "Electron/") {
		return electron(ua)
	}
	name, brand := browsers.find(ua), hints.brand()
	switch brand {
	case "":
	case chrome, chromium, inApp: // others list these, too, whose names only the User-Agent tells
		if name == "" || name == chrome {
			name = brand
		}
	default:
		name = brand
	}
	if name != "" {
		return name
	}
	return webkit(ua)
}

// webkit names a browser that tells no more than its engine. That is all that
// there is within an app; Safari says so.
func webkit(ua string) string {
	if !has(ua, "AppleWebKit/") {
		return ""
	}
	switch apple := has(ua, "iPhone") || has(ua, "iPad") || has(ua, "Macintosh"); {
	case apple && has(ua, "Safari/"):
		return "Safari"
	case apple:
		return inApp
	case has(ua, "Android"):
		return "Android Browser"
	default:
		return ""
	}
}

// electron returns the name of a desktop app, which stands among those of its
// parts.
func electron(ua string) string {
	for word := range strings.FieldsSeq(ua) {
		name, _, found := strings.Cut(word, "/")
		if !found || parts.find(name) != "" {
			continue
		}
		if name = cleanName(name); name != "" {
			return name
		}
	}
	return "Desktop app"
}

// system returns the name of the system, or "". Only the User-Agent tells
// devices such as an iPhone, only hints tell a tablet and Windows 11.
func system(ua string, hints Hints) string {
	name := systems.find(ua)
	if name == macOS && (has(ua, "CriOS/") || has(ua, "FxiOS/") || has(ua, "EdgiOS/")) {
		name = "iPad" // which has asked for the pages of a desktop
	}
	switch hinted := platforms.find(unquote(hints.Platform)); name {
	case windows, macOS, linux, android, chromeOS, "":
		if hinted != "" {
			name = hinted
		}
	}
	switch {
	case name == android && (hints.mobile("?0") || has(ua, "Tablet")):
		return "Android tablet"
	case name == windows && hints.majorVersion() >= 13: // the first of Windows 11
		return "Windows 11"
	}
	return name
}

// firstProduct returns what stands before the first version, parenthesis or
// space.
func firstProduct(ua string) string {
	ua = strings.TrimLeft(ua, " \t")
	if i := strings.IndexAny(ua, "/ (;\t"); i >= 0 {
		return ua[:i]
	}
	return ua
}

// cleanName returns the beginning of s that is a name, of at most maxName bytes.
func cleanName(s string) string {
	n := 0
	for n < len(s) && n < maxName && (letterOrDigit(s[n]) || n > 0 && (s[n] == '-' || s[n] == '_')) {
		n++
	}
	return strings.TrimRight(s[:n], "-_")
}

// has reports whether ua has word with nothing before it that would make it
// another one.
func has(ua, word string) bool {
	for from := 0; ; {
		i := strings.Index(ua[from:], word)
		if i < 0 {
			return false
		}
		if i += from; i == 0 || !letterOrDigit(ua[i-1]) {
			return true
		}
		from = i + 1
	}
}

func letterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
