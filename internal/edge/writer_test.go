package edge_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestEarlyHintsDoNotSave(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Browser(t)
	var hints []textproto.MIMEHeader
	r := b.Request("/")
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error { hints = append(hints, h); return nil },
	}))
	a, err := b.Send(r, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		cloakroom.From(r).Len()
		w.WriteHeader(http.StatusEarlyHints)
		sitetest.Equal(t, "store calls after the 103", s.Calls())
		sitetest.SetUser(cloakroom.From(r))
		w.WriteHeader(http.StatusTeapot)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(hints) != 1 || hints[0].Get("Set-Cookie") != "" || hints[0].Get("Link") == "" {
		t.Errorf("hints: %q", hints)
	}
	if a.StatusCode != http.StatusTeapot || len(a.SetCookie) != 1 {
		t.Errorf("status %d, Set-Cookie %q", a.StatusCode, a.SetCookie)
	}
}

func TestEarlyHintsAreDroppedAfterAFailure(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.BreakStore()
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(statusSpy{w, t}, r)
		})
	}
	a := s.Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
		sitetest.SetUser(cloakroom.From(r))
		io.WriteString(w, "dropped")
		w.WriteHeader(http.StatusEarlyHints)
	})
	if a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", a.StatusCode)
	}
}

type statusSpy struct {
	http.ResponseWriter
	t *testing.T
}

func (w statusSpy) WriteHeader(status int) {
	if status < 200 {
		w.t.Errorf("status %d was sent", status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func TestResponseControllerReachesTheServer(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Browser(t)
	b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		later := time.Now().Add(time.Minute)
		for name, err := range map[string]error{
			"SetReadDeadline":  rc.SetReadDeadline(later),
			"SetWriteDeadline": rc.SetWriteDeadline(later),
			"EnableFullDuplex": rc.EnableFullDuplex(),
			"Flush":            rc.Flush(),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestFlushSaysWhatTheServerCannot(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})
	}
	s.Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if err := rc.Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Flush: %v", err)
		}
		if _, _, err := rc.Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack: %v", err)
		}
		if err := w.(http.Pusher).Push("/x", nil); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Push: %v", err)
		}
	})
}

type everything struct {
	http.ResponseWriter
	read, pushed string
}

func (w *everything) ReadFrom(r io.Reader) (int64, error) {
	data, err := io.ReadAll(r)
	w.read = string(data)
	return int64(len(data)), err
}

func (w *everything) Push(target string, _ *http.PushOptions) error { w.pushed = target; return nil }

func TestReadFromAndPushReachTheWriterBelow(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	below := &everything{ResponseWriter: httptest.NewRecorder()}
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { next.ServeHTTP(below, r) })
	}
	s.Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
		// Without WriterTo, which io.Copy would prefer, as a file or a pipe.
		n, err := io.Copy(w, struct{ io.Reader }{strings.NewReader("file")})
		if below.read != "file" || n != 4 || err != nil {
			t.Errorf("ReadFrom: %q, %d, %v", below.read, n, err)
		}
		if err := w.(http.Pusher).Push("/style.css", nil); err != nil || below.pushed != "/style.css" {
			t.Errorf("Push: %q, %v", below.pushed, err)
		}
	})
}

// gin's Stream asks for it, deprecated as it is.
func TestCloseNotifyTellsThatTheVisitorHasGone(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	told := make(chan bool)
	srv := httptest.NewServer(s.Manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		notifier, ok := w.(interface{ CloseNotify() <-chan bool })
		if !ok {
			t.Error("no CloseNotify")
			close(told)
			return
		}
		gone := notifier.CloseNotify()
		select {
		case <-gone:
			t.Error("told too early")
		default:
		}
		w.(http.Flusher).Flush()
		told <- <-gone
	})))
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close() // of a body without end: the connection goes
	if !<-told {
		t.Error("told nothing")
	}
}
