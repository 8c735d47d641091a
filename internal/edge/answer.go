package edge

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// tell writes a into h.
func (v *Visit) tell(h http.Header, a engine.Answer) {
	if v.from == fromCookie && a.Cookie == engine.RemoveCookie && len(v.request.Header["Cookie"]) == 0 && !v.m.Rules.AlwaysRemove {
		a.Cookie, a.Asked = engine.KeepCookie, true // there is none to remove
	}
	if a.Cookie == engine.KeepCookie {
		if a.Asked {
			v.m.markPersonal(h, !v.m.Rules.KeepReads)
		}
		return
	}
	v.m.vary(h)
	if forbidStoring(h) {
		v.m.warnShared(v)
	}
	if v.from != fromCookie {
		v.tellHeader(h, a)
		return
	}
	if a.Twins && v.hasTwins() {
		// First, for clients that take a cookie with the host as its Domain
		// for the one without, as RFC 6265 did.
		v.addCookies(h, v.m.Rules.Cookie.Twins(v.request.Host, v.path())...)
	}
	if a.Cookie == engine.RemoveCookie {
		v.addCookies(h, v.m.Rules.Cookie.Remove())
		return
	}
	v.addCookies(h, v.m.Rules.Cookie.Set(a.Ticket, a.Now, a.Life))
	v.m.warnPlain(v)
}

// Cookie returns the cookie that tell would write.
func (m *Middleware) Cookie(a engine.Answer) *http.Cookie {
	line := m.Rules.Cookie.Remove()
	if a.Cookie == engine.SetCookie {
		line = m.Rules.Cookie.Set(a.Ticket, a.Now, a.Life)
	}
	c, err := http.ParseSetCookie(line)
	if err != nil { // never: New has refused names that net/http cannot hold
		return nil
	}
	c.Raw, c.RawExpires = "", ""
	return c
}

// addCookies adds lines to h, and to what outer Managers keep of it if their
// own session fails: this one has been saved, and its visitor must learn of it.
func (v *Visit) addCookies(h http.Header, lines ...string) {
	h["Set-Cookie"] = append(h["Set-Cookie"], lines...)
	for outer := v.outer(); outer != nil; outer = outer.outer() {
		kept := outer.writer.kept()
		kept["Set-Cookie"] = slices.Concat(kept["Set-Cookie"], lines)
	}
}

// tellHeader is tell for a ticket that comes and goes in a header: an empty one
// says that the session has ended.
func (v *Visit) tellHeader(h http.Header, a engine.Answer) {
	name := v.answersIn()
	h[name] = []string{a.Ticket}
	for outer := v.outer(); outer != nil; outer = outer.outer() {
		outer.writer.kept()[name] = []string{a.Ticket}
	}
}

// answersIn returns the header of the answer that holds a new ticket.
func (v *Visit) answersIn() string {
	if v.from == fromCookie {
		return "Set-Cookie"
	}
	return v.m.Transports.headers[v.from-1].answer
}

// outer returns the visit of the Manager around v's.
func (v *Visit) outer() *Visit {
	o, _ := v.session.Context().Value(visitKey{}).(*Visit)
	return o
}

// path returns the path that the browser asked for, which http.StripPrefix and
// its kin have cut short by now.
func (v *Visit) path() string {
	target := v.request.RequestURI
	if _, rest, absolute := strings.Cut(target, "://"); absolute && !strings.HasPrefix(target, "/") {
		_, path, _ := strings.Cut(rest, "/")
		target = "/" + path
	}
	if !strings.HasPrefix(target, "/") {
		return v.request.URL.EscapedPath()
	}
	path, _, _ := strings.Cut(target, "?")
	return path
}
