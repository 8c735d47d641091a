package register

import (
	"errors"
	"net/http"

	"github.com/cloakroom/cloakroom"
)

// failure is an error page. It uses no session.
type failure struct {
	Status  int
	Heading string
	Text    string
	Retry   string // where to try again; empty means that the way leads home
}

func (a *app) fail(w http.ResponseWriter, status int, heading, text string) {
	a.failure(w, failure{Status: status, Heading: heading, Text: text})
}

func (a *app) failure(w http.ResponseWriter, f failure) {
	w.Header().Set("Cache-Control", "no-store")
	a.render(w, f.Status, "error", page{Title: f.Heading, Failure: &f})
}

// sessionFailed answers when the session could not be loaded or saved. The
// reason stands in the log; the visitor can do nothing about it.
func (a *app) sessionFailed(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, cloakroom.ErrUnavailable) {
		a.fail(w, http.StatusInternalServerError, "Something is wrong here", "It is our fault, and it has been noted down.")
		return
	}
	retry := "/"
	if r.Method == http.MethodGet {
		retry = r.URL.Path
	}
	w.Header().Set("Retry-After", "5")
	a.failure(w, failure{
		Status:  http.StatusServiceUnavailable,
		Heading: "The cloakroom is closed for a moment",
		Text:    "What you left here is safe, and your ticket stays good. Please try again in a few seconds.",
		Retry:   retry,
	})
}

// unrouted gives the mux's own answers, 404 and 405, the look of the others.
func (a *app) unrouted(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		answer := statusWriter{header: make(http.Header), status: http.StatusNotFound}
		h.ServeHTTP(&answer, r)
		switch answer.status {
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", answer.header.Get("Allow"))
			a.fail(w, answer.status, "Not like this", notLikeThis(answer.header.Get("Allow")))
		case http.StatusNotFound:
			a.fail(w, answer.status, "No such hanger", "There is nothing at this address.")
		default: // the way to a clean path
			mux.ServeHTTP(w, r)
		}
	})
}

// notLikeThis says what an address takes instead.
func notLikeThis(allow string) string {
	if allow == http.MethodPost {
		return "This address does something only when a form is sent to it."
	}
	return "This address does not take requests of that kind."
}

// statusWriter keeps what kind of answer it got, and drops its text.
type statusWriter struct {
	header http.Header
	status int
}

func (w *statusWriter) Header() http.Header         { return w.header }
func (w *statusWriter) WriteHeader(status int)      { w.status = status }
func (w *statusWriter) Write(p []byte) (int, error) { return len(p), nil }
