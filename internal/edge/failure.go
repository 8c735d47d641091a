package edge

import (
	"errors"
	"maps"
	"net/http"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// The answer to a request that fails, since its session could not be loaded or
// saved.

// fail answers with the error page instead of what the handler had in mind,
// headers included: a Content-Length, a Location or a Set-Cookie of the answer
// that is dropped must not go with this one.
func (w *writer) fail(err error, a engine.Answer) {
	w.failed = true
	h := w.rw.Header()
	clear(h)
	maps.Copy(h, w.before)
	// A new ID that is already durable goes out with the error page.
	w.visit.tell(h, a)
	forbidStoring(h)
	answer := &errorPage{ResponseWriter: w.rw}
	w.visit.m.ErrorHandler(answer, w.visit.request, err)
	if !answer.given {
		answer.WriteHeader(http.StatusServiceUnavailable) // never a 200 by omission
	}
}

// errorPage notes whether an ErrorHandler answers, and keeps caches from storing
// the answer.
type errorPage struct {
	http.ResponseWriter
	given bool
}

func (p *errorPage) WriteHeader(status int) {
	if !informational(status) {
		p.give()
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *errorPage) Write(b []byte) (int, error) {
	p.give()
	return p.ResponseWriter.Write(b)
}

func (p *errorPage) give() {
	if !p.given {
		p.given = true
		forbidStoring(p.Header())
	}
}

func (p *errorPage) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// AnswerError is the ErrorHandler by default. It answers in plain text: 503 if
// the store is to blame, with Retry-After if it may have recovered by then, 400 if
// the request's tickets are, 403 if a login was refused, 429 if Hooks.Creating is,
// and 500 if the program is.
func AnswerError(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, engine.ErrUnavailable):
		w.Header().Set("Retry-After", "5")
		http.Error(w, "The service cannot reach its session store just now. Please try again in a few seconds.",
			http.StatusServiceUnavailable)
	case errors.Is(err, engine.ErrNotCreated):
		http.Error(w, "Too many new visitors come from where you are. Please try again later.", http.StatusTooManyRequests)
	case errors.Is(err, engine.ErrTooMany):
		http.Error(w, "This account is logged in in too many places. Please log out in one of them first.", http.StatusForbidden)
	case errors.Is(err, engine.ErrRevoked):
		http.Error(w, "This account was logged out everywhere just now. Please log in again.", http.StatusForbidden)
	case errors.Is(err, engine.ErrGone):
		http.Error(w, "The request was given up before its session could be saved. Please try again.", http.StatusServiceUnavailable)
	case errors.Is(err, engine.ErrRefused):
		http.Error(w, "The service has no room for this session.", http.StatusServiceUnavailable)
	case errors.Is(err, engine.ErrTicket):
		http.Error(w, "The request brings two session tickets that differ. It has to send one, in a header or in the cookie.", http.StatusBadRequest)
	default:
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}
