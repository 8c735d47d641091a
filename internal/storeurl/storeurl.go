// Package storeurl parses the URLs of stores, and keeps their passwords out of
// errors. Package store, all stores, package flask and the command-line tool use
// it, so that none of them has to quote a URL or to look into one for what is
// secret.
//
// A password that is not escaped ends up in other parts of the URL: a slash in it
// begins the path, a question mark the query, and what precedes looks like a host
// with a port. Where a URL may be such a one, nothing of it is shown.
package storeurl

import (
	"net/url"
	"strings"
)

// adviseEscape is for URLs in which a character of a password seems to have a
// meaning.
const adviseEscape = "Write special characters of a user name or password as %XX, as in %2F for a slash and %40 for an @."

// Parse parses a URL. Its errors say which part of the URL is wrong, and quote
// none.
func Parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, mistake("not a valid URL: "+fault(raw), adviseEscape)
	}
	return u, nil
}

// fault says what url.Parse does not take. Its own words quote the URL, and a
// password with a slash in it, for one, as an invalid port.
func fault(raw string) string {
	if strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "it has a line break or another control character"
	}
	scheme, rest, found := strings.Cut(raw, ":")
	if _, err := url.Parse(scheme + ":"); !found || err != nil {
		return "it begins with no scheme, as redis:// is one"
	}
	rest, hasAuthority := strings.CutPrefix(rest, "//")
	if !hasAuthority {
		return "its path is not well escaped"
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, behind := rest[:end], rest[end:]
	at := strings.LastIndex(authority, "@")
	if at < 0 && strings.Contains(behind, "@") {
		return atBehind
	}
	if _, err := url.Parse("x://" + authority[:at+1] + "h"); err != nil {
		return "its user name or password has a character that must be escaped, or a % that escapes none"
	}
	if host := authority[at+1:]; !bracketed(host) && !validPorts(host) {
		return "what stands for the port behind its host is no number"
	}
	if _, err := url.Parse("x://" + authority[at+1:]); err != nil {
		if strings.Contains(authority[at+1:], ",") {
			return "of several hosts the last needs a port, as the others do"
		}
		return "its host is no name of a host"
	}
	return "its path is not well escaped"
}

const atBehind = "there is an @ behind the host: write %2F for a /, %3F for a ? and %23 for a # in a password, and %40 for any other @"

func bracketed(host string) bool { return strings.HasPrefix(host, "[") }

// validPorts reports whether each of the hosts has a port that is a number, or
// none.
func validPorts(hosts string) bool {
	for host := range strings.SplitSeq(hosts, ",") {
		if bracketed(host) {
			_, host, _ = strings.Cut(host, "]")
		}
		_, port, _ := strings.Cut(host, ":")
		if strings.Trim(port, "0123456789") != "" {
			return false
		}
	}
	return true
}

// Check refuses a URL that has its password in the wrong place, see [Misplaced],
// and one with a fragment, which no store has a use for.
func Check(u *url.URL) error {
	if err := Misplaced(u); err != nil {
		return err
	}
	if u.Fragment != "" || u.RawFragment != "" {
		return Mistake("the URL has a fragment: write %23 for a #")
	}
	return nil
}

// Misplaced refuses a URL that looks as if a character of its password that is not
// escaped had ended the host, or as if the slashes before its user were missing.
func Misplaced(u *url.URL) error {
	switch {
	case (u.Host != "" || u.User != nil) && strings.Contains(u.EscapedPath()+queryHead(u)+u.EscapedFragment(), "@"):
		return mistake("not a valid URL: "+atBehind, adviseEscape)
	case userAhead(u.Opaque):
		return mistake("not a valid URL: what looks like a user and a password does not follow two slashes", "Write scheme://user:password@host, and %40 for an @ that is part of a path.")
	}
	return nil
}

// queryHead is the query as far as the value of its first parameter, which may
// well have an @.
func queryHead(u *url.URL) string {
	head, _, _ := strings.Cut(u.RawQuery, "=")
	return head
}

// userAhead reports whether text begins like user:password@host.
func userAhead(text string) bool {
	head, _, found := strings.Cut(text, "@")
	return found && strings.Contains(head, ":") && !strings.Contains(head, "/")
}

// Doubtful reports whether a password may be where a URL has its host, path or
// query: there is an @ behind the place for it.
func Doubtful(u *url.URL) bool {
	switch behind := u.EscapedPath() + "?" + u.RawQuery + "#" + u.EscapedFragment(); {
	case u.User != nil:
		return strings.Contains(behind, "@")
	case u.Host != "":
		return strings.Contains(behind, "@") || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") || !validPorts(u.Host)
	default:
		colon := strings.Index(u.Opaque+behind, ":")
		return colon >= 0 && strings.LastIndex(u.Opaque+behind, "@") > colon
	}
}

// Path returns the path of a file that a URL names, as in file:/dir or file:dir.
func Path(u *url.URL) (string, error) {
	if u.Opaque == "" {
		return u.Path, nil
	}
	path, err := url.PathUnescape(u.Opaque)
	if err != nil {
		return "", mistake("its path is not well escaped", "Write special characters of a path as %XX, as in %25 for a percent sign.")
	}
	return path, nil
}

// Shown is what may be shown of a URL: its scheme, host and path, and an ellipsis
// for user and query. It is empty where not even these are certain.
func Shown(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || Doubtful(u) || !isFile(u) && (u.Opaque != "" || u.User == nil && strings.Contains(raw, "@")) {
		return ""
	}
	shown := url.URL{Scheme: u.Scheme, Opaque: u.Opaque, Host: u.Host, Path: u.Path, OmitHost: u.OmitHost}
	if u.User != nil {
		shown.User = url.User("…")
	}
	text, err := url.PathUnescape(shown.String())
	if err != nil {
		return ""
	}
	if u.RawQuery != "" {
		text += "?…"
	}
	return text
}

// isFile reports whether a URL names a file, which may well have an @ in its name.
func isFile(u *url.URL) bool {
	return u.Host == "" && (u.Scheme == "file" || u.Scheme == "cachelib" || u.Scheme == "sqlite")
}

// A problem is what is wrong with a URL, with advice for store.Advice.
type problem struct{ text, advice string }

func mistake(text, advice string) error { return &problem{text, advice} }

// Mistake returns an error with a text that quotes nothing of a URL, and that
// Guard lets pass for that reason, whatever words it has in common with one.
func Mistake(text string) error { return mistake(text, "") }

func (p *problem) Error() string { return p.text }

// Advice returns what to do about it.
func (p *problem) Advice() string { return p.advice }
