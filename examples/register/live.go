package register

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom"
)

const (
	// heartbeat is how often a stream with nothing to say shows that it is there.
	heartbeat = 15 * time.Second
	// writeTimeout is how long a visitor may take to read what a stream says.
	writeTimeout = 10 * time.Second
)

// live is the stream of events that a page listens to while it is in sight. It says
// that the session which the page is about has ended, and is over then:
//
//	ended  somebody has ended it, or its time was up just now
//	moved  the visitor has logged in again, and has another one
//	over   nothing is known of it any more
//
// A page that stays open is no use of the session, so the route is a passive one.
func (a *app) live(w http.ResponseWriter, r *http.Request) {
	s := cloakroom.From(r)
	out := stream{w, http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")

	done := s.Done()
	if s.User() == "" || s.Handle() != r.PathValue("session") {
		_ = out.send("event: " + fate(s) + "\ndata:\n\n")
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for out.send(":\n\n") == nil {
		select {
		case <-done:
			_ = out.send("event: " + fate(s) + "\ndata:\n\n")
			return
		case <-beat.C:
		case <-r.Context().Done():
			return
		case <-a.closing:
			return
		}
	}
}

// fate says what has become of the session that the page is about.
func fate(s *cloakroom.Session) string {
	switch err := s.Ended(); {
	case err == nil && s.User() != "", errors.Is(err, cloakroom.ErrMoved):
		return "moved"
	case errors.Is(err, cloakroom.ErrEnded):
		return "ended"
	}
	return "over"
}

// stream is an answer whose parts leave at once, each with a time of its own: the
// server's limit is for answers that come to an end.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s stream) send(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := fmt.Fprint(s.w, text); err != nil {
		return err
	}
	return s.control.Flush()
}
