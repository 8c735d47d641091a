package edge

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// Names of transports, and the header in which the bearer's answer is.
const (
	TransportCookie = "Cookie"
	TransportBearer = "Authorization"
	bearerAnswer    = "Session-Ticket"
)

// maxTransport is how long a header's name may be, as a cookie's.
const maxTransport = 64

// Transports are the ways on which the tickets of one Manager come and go. The
// nil *Transports is the cookie alone.
type Transports struct {
	headers []header // in their order
	cookie  bool     // among them
	first   origin   // of a request that brings nothing
	names   []string // of the headers that requests hold them in
	vary    string   // those, as one line
}

// A header that holds tickets.
type header struct {
	request, answer string // its canonical names
	bearer          bool   // after the name of a scheme
}

// An origin is where a request's ticket came from: 0 is the cookie, i the
// header i-1.
type origin uint8

const fromCookie origin = 0

// cookieAlone is what an answer varies on without Transports.
var cookieAlone = []string{TransportCookie}

// varies returns the headers on which an answer depends that depends on a
// session, each and as one line.
func (t *Transports) varies() (names []string, line string) {
	if t == nil {
		return cookieAlone, TransportCookie
	}
	return t.names, t.vary
}

// NewTransports returns the Transports of names. It refuses those that browsers,
// proxies or servers take for something else.
func NewTransports(names []string) (*Transports, error) {
	if len(names) == 0 {
		return nil, errors.New("it is a list without transports, and no ticket would be read: leave it nil for the cookie alone")
	}
	t := &Transports{}
	for i, name := range names {
		if err := checkTransport(name); err != nil {
			return nil, err
		}
		name = http.CanonicalHeaderKey(name)
		if slices.Contains(t.names, name) {
			return nil, fmt.Errorf("%q stands there twice", name)
		}
		t.names = append(t.names, name)
		switch name {
		case TransportCookie:
			t.cookie = true
			continue
		case TransportBearer:
			t.headers = append(t.headers, header{name, bearerAnswer, true})
		default:
			t.headers = append(t.headers, header{name, name, false})
		}
		if i == 0 {
			t.first = origin(len(t.headers))
		}
	}
	t.vary = strings.Join(t.names, ", ")
	if len(t.headers) == 0 {
		return nil, nil
	}
	return t, nil
}

// cookies reports whether the cookie is one of t.
func (t *Transports) cookies() bool { return t == nil || t.cookie }

// shares returns a header that both t and other read or write, or "".
func (t *Transports) shares(other *Transports) string {
	if t == nil || other == nil {
		return ""
	}
	for _, h := range t.headers {
		for _, o := range other.headers {
			if h.request == o.request || h.answer == o.answer {
				return "the header " + h.answer
			}
		}
	}
	return ""
}

func checkTransport(name string) error {
	switch {
	case len(name) > maxTransport:
		return fmt.Errorf("the name of a header has %d bytes, at most %d are allowed", len(name), maxTransport)
	case !isToken(name):
		return fmt.Errorf("%q is no name of a header", name)
	}
	canonical := http.CanonicalHeaderKey(name)
	taken := slices.Contains(takenHeaders, canonical) || strings.HasSuffix(canonical, "-Cache-Control") ||
		slices.ContainsFunc(takenPrefixes, func(p string) bool { return strings.HasPrefix(canonical, p) })
	if taken {
		return fmt.Errorf("%q means something else to servers, proxies or browsers: choose a name of your own, such as X-Session", name)
	}
	return nil
}

// takenHeaders have a meaning of their own in requests or in answers: a ticket
// there would be cut off, logged or acted on by servers, proxies, caches or
// browsers.
var takenHeaders = []string{
	"Accept", "Age", "Allow", "Alt-Svc", "Alt-Used", "Authentication-Info", "Baggage", "Cache-Control", "Cache-Status",
	"Clear-Site-Data", "Close", "Connection", "Cookie2", "Date", "Digest", "Dnt", "Early-Data", "Edge-Control", "Etag", "Expect",
	"Expires", "Forwarded", "From", "Host", "Http2-Settings", "Keep-Alive", "Last-Event-Id", "Last-Modified", "Link",
	"Location", "Max-Forwards", "Nel", "Origin", "Origin-Agent-Cluster", "Pragma", "Priority", "Range", "Referer",
	"Referrer-Policy", "Refresh", "Report-To", "Reporting-Endpoints", "Retry-After", "Server", "Server-Timing", "Service-Worker",
	"Service-Worker-Allowed", "Set-Cookie", "Set-Cookie2", "Sourcemap", "Strict-Transport-Security", "Surrogate-Capability",
	"Surrogate-Control", "Te", "Timing-Allow-Origin", "Tk", "Traceparent", "Tracestate", "Trailer", "Transfer-Encoding", "Upgrade",
	"Upgrade-Insecure-Requests", "User-Agent", "Vary", "Via", "Want-Digest", "Warning", "Www-Authenticate", "X-Correlation-Id",
	"X-Dns-Prefetch-Control", "X-Frame-Options", "X-Http-Method-Override", "X-Lighttpd-Send-File", "X-Real-Ip",
	"X-Request-Id", "X-Sendfile", "X-Xss-Protection",
}

var takenPrefixes = []string{
	"Accept-", "Access-Control-", "Content-", "Cross-Origin-", "If-", "Proxy-", "Sec-", "X-Accel-", "X-Content-", "X-Forwarded-",
}

// isToken reports whether s can be the name of a header (RFC 9110, section
// 5.6.2).
func isToken(s string) bool {
	const others = "!#$%&'*+-.^_`|~"
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(others, c) >= 0) {
			return false
		}
	}
	return s != ""
}

// twoTickets fails a request that brings two tickets that differ: which of
// them its sender means is a guess, and the other may have been planted.
type twoTickets struct{}

func (twoTickets) Error() string {
	return "cloakroom: load: the request brings two tickets that differ, in a header and in another or in the cookie: it has to send one"
}

func (twoTickets) Is(target error) bool { return target == engine.ErrTicket }

// find shows s the ticket of a request, and returns where it came from.
func (t *Transports) find(m *Middleware, s *engine.Session, h http.Header) (origin, error) {
	ticket, from, differ := t.inHeaders(h)
	switch {
	case from == fromCookie && t.cookie:
		return t.findCookie(m, s, h["Cookie"])
	case from == fromCookie:
		return t.first, s.Find(nil, false)
	case differ || t.cookie && m.brings(h["Cookie"], ticket):
		return from, twoTickets{}
	case ticket == "":
		return from, s.Find(nil, false)
	case !m.Engine.WellFormed(ticket):
		return from, s.Find(nil, true)
	}
	return from, s.Find([]string{ticket}, false)
}

// findCookie is find for a request without a ticket in a header.
func (t *Transports) findCookie(m *Middleware, s *engine.Session, headers []string) (origin, error) {
	from := fromCookie
	if cookies := (cookies{name: m.CookieName, headers: headers}); !cookies.next() {
		from = t.first
	}
	var buf [4]string
	return from, s.Find(m.tickets(buf[:0], headers))
}

// inHeaders returns the ticket of the first header that is there, whatever it
// holds, and whether there is another one that differs.
func (t *Transports) inHeaders(h http.Header) (ticket string, from origin, differ bool) {
	for i, header := range t.headers {
		for _, line := range h[header.request] {
			value, ok := header.ticket(line)
			switch {
			case !ok:
			case from == fromCookie:
				ticket, from = value, origin(i+1)
			case value != ticket:
				return ticket, from, true
			}
		}
	}
	return ticket, from, false
}

// ticket returns the ticket in a line of the header. It reports false for
// credentials of another scheme, which are not for us.
func (h *header) ticket(line string) (ticket string, ok bool) {
	line = strings.Trim(line, " \t")
	if !h.bearer {
		return line, true
	}
	const scheme = "Bearer"
	if len(line) < len(scheme) || !strings.EqualFold(line[:len(scheme)], scheme) {
		return "", false
	}
	rest := line[len(scheme):]
	ticket = strings.TrimLeft(rest, " \t")
	return ticket, ticket == "" || len(ticket) < len(rest)
}

// brings reports whether there is a well-formed ticket other than ticket among
// the cookies. Junk does not count, as a neighbour may have planted it.
func (m *Middleware) brings(headers []string, ticket string) bool {
	for cookies := (cookies{name: m.CookieName, headers: headers}); cookies.next(); {
		if cookies.value != ticket && m.Engine.WellFormed(cookies.value) {
			return true
		}
	}
	return false
}
