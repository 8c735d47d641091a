package cloakroom

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// visit is one request on its way through a Manager: its context, its session
// and its response writer, in one piece of memory.
type visit struct {
	context.Context // the request's own
	session         Session
	writer          responseWriter
}

// visitKey finds the innermost visit in a context; a *Manager finds its own.
type visitKey struct{}

func (v *visit) Value(key any) any {
	switch key := key.(type) {
	case visitKey:
		return v
	case *Manager:
		if key == v.session.m {
			return v
		}
	}
	return v.Context.Value(key)
}

// Handler returns next with sessions: within it From returns the session of
// the request, which is loaded at its first use and saved before the answer's
// first byte leaves. A request whose handler does not use the session costs no
// store call and gets neither Set-Cookie nor Vary.
//
// Several Managers may serve one request, each with a cookie of its own.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(m) != nil { // wrapped twice
			next.ServeHTTP(w, r)
			return
		}
		v := &visit{Context: r.Context()}
		v.writer = responseWriter{rw: w, session: &v.session, before: snapshotHeader(w.Header())}
		inner := r.WithContext(v)
		v.session.m, v.session.ctx, v.session.r = m, v.Context, inner
		defer giveBack(r, inner)
		next.ServeHTTP(&v.writer, inner)
		// Not deferred: after a panic nothing is saved.
		v.writer.finish()
	})
}

// giveBack does to r what handlers have done to inner, the copy that holds the
// session: the server looks in r for the files of an upload, which it removes
// when the request is over, and a log around the Manager for the pattern that
// a ServeMux has found.
func giveBack(r, inner *http.Request) {
	r.Pattern = inner.Pattern
	if r.MultipartForm == nil {
		r.MultipartForm = inner.MultipartForm
	}
}

// visitOf returns the innermost visit that ctx belongs to, or nil.
func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// From returns the session of a request that has passed a Manager's Handler,
// the innermost if there are several. It touches no store. For a request that
// has passed none it panics: the Handler is missing in main.
func From(r *http.Request) *Session {
	if v := visitOf(r.Context()); v != nil {
		return &v.session
	}
	panic("cloakroom: From: this request has passed no Manager: in main, serve sessions.Handler(mux) instead of mux")
}

// From is the function From for programs with several Managers: it returns
// the session that m keeps.
func (m *Manager) From(r *http.Request) *Session {
	if v, ok := r.Context().Value(m).(*visit); ok {
		return &v.session
	}
	panic("cloakroom: Manager.From: this request has not passed this Manager: in main, serve sessions.Handler(mux) instead of mux")
}

// defaultErrorHandler answers in plain text: 503 if the store is to blame, with
// Retry-After if it may have recovered by then, and 500 if the program is.
func defaultErrorHandler(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, ErrUnavailable):
		w.Header().Set("Retry-After", "5")
		http.Error(w, "The service cannot reach its session store just now. Please try again in a few seconds.",
			http.StatusServiceUnavailable)
	case errors.Is(err, errRefused):
		http.Error(w, "The service has no room for this session.", http.StatusServiceUnavailable)
	default:
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// sendCookies writes into h what the session's commit means for the visitor.
func (s *Session) sendCookies(h http.Header) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.m.opts.Dialect
	if d != nil && d.Null != nil {
		return nil
	}
	if s.used || d != nil && s.cookie != cookieKeep {
		// Flask leaves it to the cache what to make of an answer that has no
		// cookie in it.
		addCacheHeaders(h, d == nil || s.cookie == cookieSet)
	}
	if s.dead && s.cookie == cookieKeep && s.base.exists() {
		s.cookie = cookieSet // in our scope, for the twins are removed
	}
	switch s.cookie {
	case cookieSet:
		return s.setCookie(h)
	case cookieRemove:
		if len(s.r.Header["Cookie"]) > 0 || d != nil {
			s.addCookies(h, s.m.cookie.remove())
		}
	}
	return nil
}

// addCookies adds lines to h, and to what outer Managers keep of it if their
// own session fails: this one has been saved, and its visitor must learn of it.
func (s *Session) addCookies(h http.Header, lines ...string) {
	h["Set-Cookie"] = append(h["Set-Cookie"], lines...)
	for v := visitOf(s.ctx); v != nil; v = visitOf(v.Context) {
		if v.writer.before == nil {
			v.writer.before = http.Header{}
		}
		v.writer.before["Set-Cookie"] = slices.Concat(v.writer.before["Set-Cookie"], lines)
	}
}

func (s *Session) setCookie(h http.Header) error {
	if !s.base.exists() {
		return nil
	}
	maxAge := s.cookieAge()
	line, err := s.m.cookie.set(s.base.ticket, maxAge)
	if err != nil {
		return err
	}
	if s.dead {
		// First, for clients that take a cookie with the host as its Domain for
		// the one without, as RFC 6265 did.
		s.addCookies(h, s.m.cookie.twins(s.r)...)
	}
	s.addCookies(h, line)
	s.warnPlainHTTP()
	return nil
}

// cookieAge returns how long the cookie lasts; zero if until the browser ends.
// It is the session's whole lifetime rather than the idle timeout: the server
// knows when a session ends, and a cookie that need not be sent again cannot
// come back after a logout.
func (s *Session) cookieAge() time.Duration {
	if !s.base.permanent {
		return 0
	}
	if s.m.opts.Dialect != nil {
		return s.m.opts.IdleTimeout
	}
	now := time.Now()
	deadline := s.m.deadline(s.base.created, now)
	if deadline.IsZero() {
		return maxCookieAge
	}
	return max(deadline.Sub(now), time.Second)
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

// warnPlainHTTP says once what otherwise costs a beginner an evening.
func (s *Session) warnPlainHTTP() {
	if s.m.opts.Insecure || s.r.TLS != nil || s.r.Header.Get("X-Forwarded-Proto") != "" || s.r.Header.Get("Forwarded") != "" {
		return
	}
	s.m.warnSecure.Do(func() {
		off := "set Options.Insecure"
		if s.m.opts.Dialect != nil {
			off = "turn SESSION_COOKIE_SECURE off"
		}
		s.m.log(s.ctx, "", store.WithAdvice(errPlainHTTP,
			"behind a TLS proxy all is well; for development over plain HTTP "+off))
	})
}

var errPlainHTTP = errors.New("cloakroom: cookie: a Secure cookie was set on a plain HTTP request: browsers drop it unless the host is localhost")
