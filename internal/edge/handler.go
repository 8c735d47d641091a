package edge

import (
	"context"
	"net/http"
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

// Serve lets next answer r with the session s. Both s and v are zero and this
// request's alone; owner holds them, and is what [Innermost] returns.
func (m *Middleware) Serve(w http.ResponseWriter, r *http.Request, next http.Handler, v *Visit, s *engine.Session, owner any) {
	v.enter(m, r, s, owner)
	v.writer = writer{rw: w, visit: v, before: snapshotHeader(w.Header())}
	defer giveBack(r, v.request)
	next.ServeHTTP(&v.writer, v.request)
	// Not deferred: after a panic nothing is saved.
	v.writer.finish()
}

// enter begins the session of r.
func (v *Visit) enter(m *Middleware, r *http.Request, s *engine.Session, owner any) {
	v.session, v.owner, v.m = s, owner, m
	s.Begin(m.Engine, r.Context(), v)
	v.request = r.WithContext(v)
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

// Present shows s the values of the request's cookies with the session's name.
func (v *Visit) Present(s *engine.Session) error {
	var buf [4]string
	return s.Find(candidates(buf[:0], v.m.CookieName, v.request.Header["Cookie"], v.m.Rules.Candidates))
}
