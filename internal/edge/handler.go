package edge

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// A Visit is one request on its way through a Middleware: its context and its
// response writer. The root package allocates it together with the session.
type Visit struct {
	session *engine.Session
	owner   any // what From returns the session of
	m       *Middleware
	request *http.Request
	from    origin // of its ticket
	writer  writer
}

var _ context.Context = (*Visit)(nil)

// Deadline is that of the request's own context, which the session has.
func (v *Visit) Deadline() (time.Time, bool) { return v.session.Context().Deadline() }

// Done is that of the request's own context.
func (v *Visit) Done() <-chan struct{} { return v.session.Context().Done() }

// Err is that of the request's own context.
func (v *Visit) Err() error { return v.session.Context().Err() }

// visitKey finds the innermost visit in a context; a *Middleware finds its own.
type visitKey struct{}

// Value finds visits, and what the request's context holds.
func (v *Visit) Value(key any) any {
	switch key := key.(type) {
	case visitKey:
		return v
	case *Middleware:
		if key == v.m {
			return v
		}
	}
	return v.session.Context().Value(key)
}

// Innermost returns the owner of the innermost visit that ctx belongs to, or
// nil.
func Innermost(ctx context.Context) any {
	if v, _ := ctx.Value(visitKey{}).(*Visit); v != nil {
		return v.owner
	}
	return nil
}

// Own returns the owner of m's visit that ctx belongs to, or nil.
func (m *Middleware) Own(ctx context.Context) any {
	if v, _ := ctx.Value(m).(*Visit); v != nil {
		return v.owner
	}
	return nil
}

// Around looks at the Managers whose sessions ctx has. It reports whether m's is
// among them, and returns an error if another's tickets and m's would overwrite
// each other.
func (m *Middleware) Around(ctx context.Context) (twice bool, met error) {
	v, _ := ctx.Value(visitKey{}).(*Visit)
	for ; v != nil; v = v.outer() {
		if v.m == m {
			return true, nil
		}
		if name := m.shares(v.m); name != "" {
			met = fmt.Errorf("cloakroom: the request passes two Managers that both keep their ticket in %s, and would overwrite each other's: "+
				"give each names of its own, in Options.CookieName and Options.Transport, or use one Manager for both", name)
		}
	}
	return false, met
}

// shares returns where both m's tickets and other's travel, or "".
func (m *Middleware) shares(other *Middleware) string {
	if m.Transports.cookies() && other.Transports.cookies() && m.CookieName == other.CookieName {
		return "the cookie " + m.CookieName
	}
	return m.Transports.shares(other.Transports)
}

// Refuse fails r because of err, in the place of Serve.
func (m *Middleware) Refuse(w http.ResponseWriter, r *http.Request, err error, v *Visit, s *engine.Session, owner any) {
	v.enter(m, w, r, s, owner)
	v.writer.committed = true
	s.HeaderLeft(err)
	v.writer.fail(err, engine.Answer{})
	s.HandlerReturned()
}

// Serve lets next answer r with the session s. Both s and v are zero and this
// request's alone; owner holds them, and is what [Innermost] returns.
func (m *Middleware) Serve(w http.ResponseWriter, r *http.Request, next http.Handler, v *Visit, s *engine.Session, owner any) {
	v.enter(m, w, r, s, owner)
	defer giveBack(r, v.request)
	next.ServeHTTP(&v.writer, v.request)
	// Not deferred: after a panic nothing is saved.
	v.writer.finish()
	if v.writer.cut.Load() {
		if form := v.request.MultipartForm; form != nil {
			form.RemoveAll() // as the server does only after a handler that returns
		}
		panic(http.ErrAbortHandler)
	}
}

// enter begins the session of r.
func (v *Visit) enter(m *Middleware, w http.ResponseWriter, r *http.Request, s *engine.Session, owner any) {
	v.session, v.owner, v.m = s, owner, m
	s.Begin(m.Engine, r.Context(), v)
	v.request = r.WithContext(v)
	v.writer.rw, v.writer.visit, v.writer.before = w, v, snapshotHeader(w.Header())
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

// Present shows s the tickets of the request.
func (v *Visit) Present(s *engine.Session) error {
	err := v.present(s)
	if s.LoadsLate() && !v.writer.hijacked.Load() {
		v.m.warnLate(v)
		v.writer.cut.Store(err != nil)
	}
	return err
}

func (v *Visit) present(s *engine.Session) (err error) {
	if v.m.Transports == nil {
		var buf [4]string
		return s.Find(v.m.tickets(buf[:0], v.request.Header["Cookie"]))
	}
	v.from, err = v.m.Transports.find(v.m, s, v.request.Header)
	return err
}

// hasTwins reports whether the request brings several cookies of the session's
// name, whatever they hold.
func (v *Visit) hasTwins() bool {
	cookies := cookies{name: v.m.CookieName, headers: v.request.Header["Cookie"]}
	cookies.next()
	return cookies.next()
}

// Request returns the request as handlers get it.
func (v *Visit) Request() *http.Request { return v.request }

// Device describes what the visitor sits at.
func (v *Visit) Device() string {
	text := strings.ToValidUTF8(v.m.Describe(v.request), "\uFFFD")
	for i := range text {
		if i > maxDevice {
			return text[:i]
		}
	}
	return text
}

// maxDevice is how long the description of a device may be, in bytes.
const maxDevice = 200

// Navigates reports whether the browser waits for a page. Browsers say so in
// Sec-Fetch-Mode (W3C Fetch Metadata); a request without it does that asks for
// HTML.
func (v *Visit) Navigates() bool {
	h := v.request.Header
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return v.request.Method == http.MethodGet && strings.Contains(h.Get("Accept"), "text/html")
}
