package flask

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"unicode"
)

// Domain returns the domain that the cookie is set for, empty for none, as
// Flask from 2.3 and Werkzeug from 2.3 on write it: SESSION_COOKIE_DOMAIN
// without port and leading dots, international names in their ASCII form.
func (c *Config) Domain() string {
	d, _ := asciiDomain(strings.TrimLeft(c.CookieDomain, ".")) // checked by Validate
	return d
}

// LegacyDomain returns the domain that Flask before 2.3 sets the cookie for:
// SESSION_COOKIE_DOMAIN with its dot; or, unless that is false, SERVER_NAME if
// it has a dot in it, with a dot before it if the cookie's path is the root, so
// that all subdomains get the cookie.
func (c *Config) LegacyDomain() string {
	if c.CookieDomain != "" || c.HostOnly {
		d, _ := asciiDomain(c.CookieDomain)
		return d
	}
	host := c.ServerName
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	host = strings.TrimLeft(host, ".")
	if !strings.Contains(host, ".") {
		return ""
	}
	if net.ParseIP(host) == nil && c.rawPath() == "/" {
		host = "." + host
	}
	d, _ := asciiDomain(host)
	return d
}

// Path returns the path that the cookie is set for, with all but what a
// cookie's path may hold escaped, as Werkzeug from 2.3 on does.
func (c *Config) Path() string {
	const kept = "%!$&'()*+,/:=@_.-~"
	var b strings.Builder
	for _, ch := range []byte(c.rawPath()) {
		if ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= '0' && ch <= '9' || strings.IndexByte(kept, ch) >= 0 {
			b.WriteByte(ch)
			continue
		}
		b.Write([]byte{'%', "0123456789ABCDEF"[ch>>4], "0123456789ABCDEF"[ch&15]})
	}
	return b.String()
}

func (c *Config) rawPath() string {
	if c.CookiePath != "" {
		return c.CookiePath
	}
	return c.ApplicationRoot
}

var errDomain = errors.New("is no domain that a cookie may have")

// asciiDomain cuts off a port and writes international labels as Python's idna
// codec does (IDNA 2003), for characters on which all editions of IDNA agree.
func asciiDomain(domain string) (string, error) {
	domain, _, _ = strings.Cut(domain, ":")
	labels := strings.Split(domain, ".")
	for i, label := range labels {
		ascii, err := asciiLabel(label)
		outer := i == 0 || i == len(labels)-1 // a dot before or behind
		if err != nil || len(ascii) > 63 || ascii == "" && !outer {
			return "", errDomain
		}
		labels[i] = ascii
	}
	return strings.Join(labels, "."), nil
}

func asciiLabel(label string) (string, error) {
	ascii := true
	for _, r := range label {
		ascii = ascii && r < 0x80
		if r < 0x80 && !isLabelByte(r) || r >= 0x80 && !isPlainLetter(r) {
			return "", errDomain
		}
	}
	if ascii {
		return label, nil
	}
	return "xn--" + punycode([]rune(strings.ToLower(label))), nil
}

func isLabelByte(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// isPlainLetter is true of letters that IDNA only turns to lower case. Others
// it maps or decomposes, for which the standard library has no tables: these
// have to be configured in their ASCII form.
func isPlainLetter(r rune) bool {
	switch r {
	case 'ß', 'ς', 'İ', 'Ĳ', 'ĳ', 'Ŀ', 'ŀ', 'ŉ', 'ſ', 'ΐ', 'ΰ', '×', '÷':
		return false
	}
	for _, block := range [][2]rune{
		{0xC0, 0x17F}, {0x38E, 0x3CE}, {0x400, 0x45F}, // Latin, Greek, Cyrillic
		{0x3041, 0x3096}, {0x30A1, 0x30FA}, {0x4E00, 0x9FA5}, {0xAC00, 0xD7A3}, // Japanese, Chinese, Korean
	} {
		if r >= block[0] && r <= block[1] {
			return unicode.IsLetter(r)
		}
	}
	return false
}

// punycode encodes a label with characters beyond ASCII, by RFC 3492, section
// 6.3.
func punycode(label []rune) string {
	const base, tMin, tMax, initialBias, initialN = 36, 1, 26, 72, 0x80
	var out []byte
	for _, r := range label {
		if r < initialN {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(initialN), 0, initialBias
	for handled := basic; handled < len(label); {
		next := rune(unicode.MaxRune)
		for _, r := range label {
			if r >= n {
				next = min(next, r)
			}
		}
		delta += int(next-n) * (handled + 1)
		n = next
		for _, r := range label {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tMin), tMax)
				if q < t {
					break
				}
				out = append(out, punyDigit(t+(q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			out = append(out, punyDigit(q))
			bias = punyBias(delta, handled+1, handled == basic)
			delta = 0
			handled++
		}
		delta++
		n++
	}
	return string(out)
}

func punyDigit(d int) byte { return "abcdefghijklmnopqrstuvwxyz0123456789"[d] }

func punyBias(delta, points int, first bool) int {
	if first {
		delta /= 700
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > 455; k += 36 {
		delta /= 35
	}
	return k + 36*delta/(delta+38)
}

// cookieDomain returns the cookie's Domain attribute with its semicolon.
func (c *Config) cookieDomain() string {
	domain := c.Domain()
	if c.DomainBefore23 {
		domain = c.LegacyDomain()
	}
	if domain == "" {
		return ""
	}
	return "; Domain=" + domain
}

// secure reports whether the cookie is kept from travelling in the clear.
func (c *Config) secure() bool { return c.CookieSecure || c.partitioned() }

// partitioned reports whether the cookie is. Flask-Session's never is.
func (c *Config) partitioned() bool { return c.CookiePartitioned && c.Type == TypeCookie }

// cookieFlags returns the attributes that follow the expiry, in the order in
// which Werkzeug writes them.
func (c *Config) cookieFlags() string {
	var b strings.Builder
	if c.secure() {
		b.WriteString("; Secure")
	}
	if c.CookieHTTPOnly {
		b.WriteString("; HttpOnly")
	}
	b.WriteString("; Path=" + c.Path())
	switch c.CookieSameSite {
	case http.SameSiteLaxMode:
		b.WriteString("; SameSite=Lax")
	case http.SameSiteStrictMode:
		b.WriteString("; SameSite=Strict")
	case http.SameSiteNoneMode:
		b.WriteString("; SameSite=None")
	}
	if c.partitioned() {
		b.WriteString("; Partitioned")
	}
	return b.String()
}

// deleteFlags are those of the line that deletes the cookie. Flask-Session
// leaves out all but the path, and so browsers may refuse to delete a cookie
// with Secure or SameSite: those are mirrored in full, as Flask's own are.
func (c *Config) deleteFlags() string {
	if c.Type != TypeCookie && !c.secure() && c.CookieSameSite == 0 {
		return "; Path=" + c.Path()
	}
	return c.cookieFlags()
}
