package edge

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// writer commits the session before the first byte of the answer leaves, by
// whatever door it leaves: Write, WriteHeader, ReadFrom, Flush, Hijack, or the
// end of a handler that wrote nothing. If that fails it answers with the
// ErrorHandler's page, and drops what the handler writes. If the session fails
// to load when a part of the answer has left, it drops the rest, and the
// connection is cut.
type writer struct {
	rw        http.ResponseWriter
	visit     *Visit
	before    http.Header // the header as it was when the handler got it
	committed bool        // the session has been committed, or has failed
	handsOut  bool        // a ticket goes out with the header that the visitor does not have
	failed    bool        // the ErrorHandler has answered
	shown     bool        // and its page has been flushed
	hijacked  atomic.Bool // the handler has taken over the connection
	cut       atomic.Bool // the session failed to load after the header had left
}

var (
	_ io.ReaderFrom   = (*writer)(nil)
	_ io.StringWriter = (*writer)(nil)
	_ http.Flusher    = (*writer)(nil)
	_ http.Hijacker   = (*writer)(nil)
	_ http.Pusher     = (*writer)(nil)
)

// snapshotHeader keeps what outer handlers have set. Mostly they have not set
// anything.
func snapshotHeader(h http.Header) http.Header {
	if len(h) == 0 {
		return nil
	}
	return maps.Clone(h) // values too: a handler may only append to them, which leaves ours short
}

// kept returns what goes out with an error page of w's Manager, to be added to.
func (w *writer) kept() http.Header {
	if w.before == nil {
		w.before = http.Header{}
	}
	return w.before
}

// Unwrap lets http.ResponseController reach what this type does not do itself.
func (w *writer) Unwrap() http.ResponseWriter { return w.rw }

// Header returns the header that will be sent. After a failure it is one that
// nobody sends.
func (w *writer) Header() http.Header {
	if w.failed {
		return http.Header{}
	}
	return w.rw.Header()
}

// commit saves the session and sets its cookie, once.
func (w *writer) commit() error {
	if w.committed {
		if w.failed {
			return w.visit.session.Err()
		}
		return nil
	}
	w.committed = true
	s := w.visit.session
	answer, err := engine.Answer{}, errPanic // stand if the commit panics, in a function given to Update say
	defer func() {
		if err == errPanic {
			answer = s.Answer()
		}
		s.HeaderLeft(err)
		if err != nil {
			w.fail(err, answer)
		}
	}()
	if answer, err = s.CommitAnswer(); err == nil {
		w.visit.tell(w.rw.Header(), answer)
		w.handsOut = answer.Cookie == engine.SetCookie && answer.Needed
	}
	return err
}

var errCut = errors.New("cloakroom: write: the connection is cut, since the session failed to load after a part of the answer had left")

var errPanic = errors.New("cloakroom: save: panicked, in a function given to Update, a hook or the store")

func (w *writer) WriteHeader(status int) {
	if informational(status) {
		if !w.failed {
			w.rw.WriteHeader(status)
		}
		return
	}
	if w.commit() == nil {
		w.rw.WriteHeader(status)
	}
}

// informational reports whether status goes ahead of the real answer, such as
// 103 Early Hints. 101 Switching Protocols is an answer.
func informational(status int) bool {
	return status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
}

// Write takes what it is given also after a failure, and drops it: with an error
// httputil.ReverseProxy, for one, would panic, and the error page be cut off.
// Where the connection is cut anyway it returns an error.
func (w *writer) Write(p []byte) (int, error) {
	if w.drops() {
		return len(p), nil
	}
	if w.cut.Load() {
		return 0, errCut
	}
	return w.rw.Write(p)
}

// drops commits and reports whether the error page stands in for what the handler
// writes. Of a handler that goes on and on the visitor must not wait for the end.
func (w *writer) drops() bool {
	if w.failed && !w.shown {
		w.shown = true
		_ = http.NewResponseController(w.rw).Flush() // a server that cannot sends it in the end
	}
	return w.commit() != nil
}

// WriteString is Write.
func (w *writer) WriteString(s string) (int, error) {
	if w.drops() {
		return len(s), nil
	}
	if w.cut.Load() {
		return 0, errCut
	}
	return io.WriteString(w.rw, s)
}

// ReadFrom keeps the way open for sendfile. After a failure it reads nothing and
// returns the session's error: what it would read may have no end.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if err := w.commit(); err != nil {
		return 0, err
	}
	if w.cut.Load() {
		return 0, errCut
	}
	return io.Copy(w.rw, r)
}

// Flush is FlushError for callers that do not want to know.
func (w *writer) Flush() { w.FlushError() }

// FlushError sends what there is, the header at least. After a failure that is
// the error page, which visitors of a stream without end would wait for; the
// error is the session's, so that the stream can end.
func (w *writer) FlushError() error {
	failure := w.commit()
	if failure == nil && w.cut.Load() {
		return errCut
	}
	err := http.NewResponseController(w.rw).Flush()
	return cmp.Or(failure, err)
}

// CloseNotify tells when the visitor has gone, or the request is over. It is
// deprecated, but gin's Stream panics without it.
func (w *writer) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(w.visit.session.Context(), func() { gone <- true })
	return gone
}

// Hijack saves the session first. A new ticket is in the Header by then, and
// it is up to whoever takes over the connection to send it: those who write
// the answer by WriteHeader(101) before they hijack have. One that is only sent
// again, since the session was used, is missed by nobody.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	first := !w.committed
	if err := w.commit(); err != nil {
		return nil, nil, err
	}
	conn, buf, err := http.NewResponseController(w.rw).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.hijacked.Store(true)
	if first && w.handsOut {
		w.visit.session.Report(fmt.Errorf("cloakroom: hijack: the session's new ticket goes out only if the hijacker sends Header()'s %s", w.visit.answersIn()))
	}
	return conn, buf, nil
}

// Push does HTTP/2 server push if the server can.
func (w *writer) Push(target string, opts *http.PushOptions) error {
	if p, ok := w.rw.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// finish ends the request: it saves the session of a handler that wrote
// nothing, and what changed after the first byte.
func (w *writer) finish() {
	s := w.visit.session
	if w.handsOut { // a server that has not sent the header yet must not send what was set since
		forbidStoring(w.rw.Header())
	}
	s.HandlerReturned()
	if !w.committed {
		w.commit()
	} else if err := s.Commit(s.Context()); err != nil && err != s.Err() { // a sticky error has been reported
		s.Report(err)
	}
}
