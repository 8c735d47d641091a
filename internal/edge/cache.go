package edge

import (
	"errors"
	"net/http"
	"strings"

	"github.com/cloakroom/cloakroom/store"
)

// What caches between here and the visitor may keep. A cache that hands one
// visitor's answer to another is CVE-2023-30861.

// vary adds the headers that may hold a ticket to the Vary header, each once.
func (m *Middleware) vary(h http.Header) {
	names, _ := m.Transports.varies()
	for _, name := range names {
		if !variesOn(h["Vary"], name) {
			h["Vary"] = append(h["Vary"], name)
		}
	}
}

func variesOn(vary []string, header string) bool {
	for _, line := range vary {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, header) {
				return true
			}
		}
	}
	return false
}

// markPersonal is for an answer that depends on a session: it varies on the
// ticket, and caches must not store it unless the handler has decided about that.
func (m *Middleware) markPersonal(h http.Header, noStore bool) {
	_, vary := m.Transports.varies()
	values := &[2]string{vary, "no-store"} // one allocation for both
	if noStore && len(h["Cache-Control"]) == 0 {
		h["Cache-Control"] = values[1:2:2]
	}
	if len(h["Vary"]) > 0 {
		m.vary(h)
		return
	}
	h["Vary"] = values[0:1:1]
}

// forbidStoring is for an answer that carries a ticket, whatever the handler
// has said about caches. It reports whether a shared cache could have kept it.
// RFC 9111 lets caches store Set-Cookie.
func forbidStoring(h http.Header) (shared bool) {
	for name, values := range h {
		kind := cacheHeader(name)
		if kind == noCacheHeader {
			continue
		}
		for _, v := range values {
			shared = shared || kind == directives && letsShare(v) || kind == seconds && v != "0"
		}
		delete(h, name)
	}
	h["Cache-Control"] = []string{"no-store"}
	return shared
}

type cacheHeaderKind uint8

const (
	noCacheHeader cacheHeaderKind = iota
	directives                    // those of Cache-Control
	seconds                       // a time to live
	date
)

// cacheHeader says what a header tells caches. Those for certain caches win over
// Cache-Control there: CDN-Cache-Control and others of RFC 9213 (of Cloudflare,
// Akamai, Vercel, Netlify, LiteSpeed) by their ending, Surrogate-Control (Fastly,
// Cloudflare), Edge-Control (Akamai), X-Accel-Expires (nginx). Expires is for
// caches of HTTP/1.0.
func cacheHeader(name string) cacheHeaderKind {
	const ending = "-Cache-Control"
	switch n := len(name); n {
	case len("Expires"):
		if strings.EqualFold(name, "Expires") {
			return date
		}
	case len("Edge-Control"):
		if strings.EqualFold(name, "Edge-Control") {
			return directives
		}
	case len("Cache-Control"):
		if strings.EqualFold(name, "Cache-Control") {
			return directives
		}
	case len("X-Accel-Expires"):
		if strings.EqualFold(name, "X-Accel-Expires") {
			return seconds
		}
	default:
		if strings.EqualFold(name, "Surrogate-Control") || n > len(ending) && strings.EqualFold(name[n-len(ending):], ending) {
			return directives
		}
	}
	return noCacheHeader
}

// letsShare reports whether directives let a shared cache give an answer to
// others without asking first.
func letsShare(value string) (shared bool) {
	for d := range strings.SplitSeq(value, ",") {
		name, seconds, _ := strings.Cut(strings.ToLower(strings.TrimSpace(d)), "=")
		switch name {
		case "no-store", "private", "no-cache":
			return false
		case "public":
			shared = true
		case "max-age", "s-maxage", "cache-maxage", "!max-age":
			shared = shared || seconds != "0"
		}
	}
	return shared
}

var errShared = errors.New("cloakroom: cookie: a handler lets caches keep an answer that hands out a session's ticket: " +
	"it goes out with Cache-Control: no-store instead")

// warnShared says once that a handler's answers are not cached as it wants.
func (m *Middleware) warnShared(v *Visit) {
	m.warnSharing.Do(func() {
		m.Engine.Log(v.session.Context(), "", store.WithAdvice(errShared,
			"do not use the session in a handler whose answers caches may keep; this is said once"))
	})
}

var errLateUse = errors.New("cloakroom: load: a session was first used after the answer's first byte: " +
	"too late for headers that keep caches from giving the answer to other visitors, and for an error page")

// warnLate says once what cannot be mended any more.
func (m *Middleware) warnLate(v *Visit) {
	m.warnLateUse.Do(func() {
		m.Engine.Log(v.session.Context(), "", store.WithAdvice(errLateUse,
			"use the session before the first write, or put Manager.Preload around the handler; this is said once"))
	})
}
