package edge

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// tell writes a into h.
func (v *Visit) tell(h http.Header, a engine.Answer) {
	if a.Asked || a.Cookie != engine.KeepCookie {
		addCacheHeaders(h, !v.m.Rules.KeepReads || a.Cookie == engine.SetCookie)
	}
	if a.Cookie != engine.KeepCookie && a.Twins && v.hasTwins() {
		// First, for clients that take a cookie with the host as its Domain
		// for the one without, as RFC 6265 did.
		v.addCookies(h, v.m.Rules.Cookie.Twins(v.request.Host, v.request.URL.EscapedPath())...)
	}
	switch a.Cookie {
	case engine.SetCookie:
		v.addCookies(h, v.m.Rules.Cookie.Set(a.Ticket, a.Now, a.Life))
		v.m.warnPlain(v)
	case engine.RemoveCookie:
		if len(v.request.Header["Cookie"]) > 0 || v.m.Rules.AlwaysRemove {
			v.addCookies(h, v.m.Rules.Cookie.Remove())
		}
	}
}

// addCookies adds lines to h, and to what outer Managers keep of it if their
// own session fails: this one has been saved, and its visitor must learn of it.
func (v *Visit) addCookies(h http.Header, lines ...string) {
	h["Set-Cookie"] = append(h["Set-Cookie"], lines...)
	for outer := v.outer(); outer != nil; outer = outer.outer() {
		w := &outer.writer
		if w.before == nil {
			w.before = http.Header{}
		}
		w.before["Set-Cookie"] = slices.Concat(w.before["Set-Cookie"], lines)
	}
}

// outer returns the visit of the Manager around v's.
func (v *Visit) outer() *Visit {
	o, _ := v.session.Context().Value(visitKey{}).(*Visit)
	return o
}

// addCacheHeaders adds Cookie to the Vary header, once, and keeps caches from storing
// the answer unless the handler has decided about that. A cache that hands one
// visitor's answer to another is CVE-2023-30861.
func addCacheHeaders(h http.Header, noStore bool) {
	values := &[2]string{"Cookie", "no-store"} // one allocation for both
	if noStore && len(h["Cache-Control"]) == 0 {
		h["Cache-Control"] = values[1:2:2]
	}
	vary := h["Vary"]
	if len(vary) == 0 {
		h["Vary"] = values[0:1:1]
		return
	}
	for _, line := range vary {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Cookie") {
				return
			}
		}
	}
	h["Vary"] = append(vary, "Cookie")
}
