package cloakroom

import (
	"bufio"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
)

// responseWriter saves the session before the first byte of the answer leaves,
// by whatever door it leaves: Write, WriteHeader, ReadFrom, Flush, Hijack, or
// the end of a handler that wrote nothing. If that fails it answers with the
// ErrorHandler's page, and drops what the handler writes.
type responseWriter struct {
	rw      http.ResponseWriter
	session *Session
	before  http.Header // the header as it was when the handler got it
	begun   bool        // the session has been saved, or has failed
	failed  error       // the ErrorHandler has answered
}

var (
	_ io.ReaderFrom   = (*responseWriter)(nil)
	_ io.StringWriter = (*responseWriter)(nil)
	_ http.Flusher    = (*responseWriter)(nil)
	_ http.Hijacker   = (*responseWriter)(nil)
	_ http.Pusher     = (*responseWriter)(nil)
)

// snapshotHeader keeps what outer handlers have set. Mostly they have not set
// anything.
func snapshotHeader(h http.Header) http.Header {
	if len(h) == 0 {
		return nil
	}
	return maps.Clone(h) // values too: a handler may only append to them, which leaves ours short
}

// Unwrap lets http.ResponseController reach what this type does not do itself.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.rw }

// Header returns the header that will be sent. After a failure it is one that
// nobody sends.
func (w *responseWriter) Header() http.Header {
	if w.failed != nil {
		return http.Header{}
	}
	return w.rw.Header()
}

// begin saves the session and sets its cookie, once.
func (w *responseWriter) begin() error {
	if w.begun {
		return w.failed
	}
	w.begun = true
	s := w.session
	err := errPanic // stands if commit panics, in a function given to Update say
	defer func() {
		s.closeHeader(err)
		if err != nil {
			w.fail(err)
		}
	}()
	s.loadToRefresh()
	if err = s.commit(s.ctx); err == nil {
		err = s.sendCookies(w.rw.Header())
	}
	return err
}

var errPanic = errors.New("cloakroom: save: panicked, in a function given to Update, a hook or the store")

// closeHeader notes that no cookie can be sent from now on.
func (s *Session) closeHeader(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.headerGone, s.usedEarly = true, s.loaded
	if err != nil {
		s.fail(err)
	}
}

// fail answers with the error page instead of what the handler had in mind,
// headers included: a Content-Length, a Location or a Set-Cookie of the answer
// that is dropped must not go with this one.
func (w *responseWriter) fail(err error) {
	w.failed = err
	h := w.rw.Header()
	clear(h)
	maps.Copy(h, w.before)
	// A new ID that is already durable goes out with the error page.
	_ = w.session.sendCookies(h) // err is what it was about, if it fails
	h.Set("Cache-Control", "no-store")
	answer := &answerWriter{ResponseWriter: w.rw}
	w.session.m.opts.ErrorHandler(answer, w.session.r, err)
	if !answer.given {
		w.rw.WriteHeader(http.StatusServiceUnavailable) // never a 200 by omission
	}
}

// answerWriter notes whether an ErrorHandler answers.
type answerWriter struct {
	http.ResponseWriter
	given bool
}

func (w *answerWriter) WriteHeader(status int) {
	w.given = w.given || !informational(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.given = true
	return w.ResponseWriter.Write(p)
}

func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *responseWriter) WriteHeader(status int) {
	if informational(status) {
		if w.failed == nil {
			w.rw.WriteHeader(status)
		}
		return
	}
	if w.begin() == nil {
		w.rw.WriteHeader(status)
	}
}

// informational reports whether status goes ahead of the real answer, such as
// 103 Early Hints. 101 Switching Protocols is an answer.
func informational(status int) bool {
	return status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return w.rw.Write(p)
}

func (w *responseWriter) WriteString(s string) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return io.WriteString(w.rw, s)
}

// ReadFrom keeps the way open for sendfile.
func (w *responseWriter) ReadFrom(r io.Reader) (int64, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return io.Copy(w.rw, r)
}

// Flush is FlushError for callers that do not want to know.
func (w *responseWriter) Flush() { w.FlushError() }

// FlushError sends what there is, the header at least.
func (w *responseWriter) FlushError() error {
	if err := w.begin(); err != nil {
		return err
	}
	return http.NewResponseController(w.rw).Flush()
}

// Hijack saves the session first. A new cookie is in the Header by then, and
// it is up to whoever takes over the connection to send it: those who write
// the answer by WriteHeader(101) before they hijack have.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	fresh := !w.begun
	if err := w.begin(); err != nil {
		return nil, nil, err
	}
	conn, buf, err := http.NewResponseController(w.rw).Hijack()
	if err == nil && fresh && w.session.cookieNeeded() {
		w.session.report(errors.New("cloakroom: hijack: the session's new cookie goes out only if the hijacker sends Header()'s Set-Cookie"))
	}
	return conn, buf, err
}

func (s *Session) cookieNeeded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cookie == cookieSet
}

// Push does HTTP/2 server push if the server can.
func (w *responseWriter) Push(target string, opts *http.PushOptions) error {
	if p, ok := w.rw.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// finish ends the request: it saves the session of a handler that wrote
// nothing, and what changed after the first byte.
func (w *responseWriter) finish() {
	s := w.session
	s.end()
	if !w.begun {
		w.begin()
	} else if err := s.commit(s.ctx); err != nil && err != s.Err() { // a sticky error has been reported
		s.report(err)
	}
}

// end refuses changes from now on. It comes before the last save, lest a
// change that just misses it be lost without a word.
func (s *Session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished = true
}
