package cloakroom_test

import (
	"bufio"
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
	"github.com/cloakroom/cloakroom/cloakroomtest"
)

// Whatever door the answer leaves by, the session has been saved and the
// cookie is in the header.
func TestEveryDoorSavesFirst(t *testing.T) {
	doors := map[string]func(http.ResponseWriter){
		"nothing written": func(http.ResponseWriter) {},
		"WriteHeader":     func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) },
		"Write":           func(w http.ResponseWriter) { w.Write([]byte("text")) },
		"Write of nothing": func(w http.ResponseWriter) {
			w.Write(nil)
		},
		"WriteString": func(w http.ResponseWriter) { io.WriteString(w, "text") },
		"ReadFrom":    func(w http.ResponseWriter) { w.(io.ReaderFrom).ReadFrom(strings.NewReader("text")) },
		"Flush":       func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"FlushError":  func(w http.ResponseWriter) { http.NewResponseController(w).Flush() },
		"Redirect": func(w http.ResponseWriter) {
			http.Redirect(w, httptest.NewRequest("GET", "/", nil), "/next", http.StatusSeeOther)
		},
		"NotModified":    func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotModified) },
		"write and more": func(w http.ResponseWriter) { io.WriteString(w, "a"); w.(http.Flusher).Flush(); io.WriteString(w, "b") },
	}
	for _, http2 := range []bool{false, true} {
		s := newLocalSite(t, cloakroom.Options{})
		s.listen(t, http2)
		for name, door := range doors {
			b := s.browser(t)
			s.store.since()
			a := b.get("/", func(w http.ResponseWriter, r *http.Request) {
				setUser(cloakroom.From(r))
				door(w)
				want(t, name+": store calls by the time it returns", s.store.since(), saves(name != "nothing written")...)
			})
			if len(a.cookies) != 1 || a.Header.Get("Vary") != "Cookie" {
				t.Errorf("%s over HTTP/%d: Set-Cookie %q, Vary %q", name, a.ProtoMajor, a.cookies, a.Header.Get("Vary"))
			}
			b.ok(func(s *cloakroom.Session) {
				if _, ok := user.Get(s); !ok {
					t.Errorf("%s over HTTP/%d: the session was not saved", name, a.ProtoMajor)
				}
			})
			if a.ProtoMajor == 2 != http2 {
				t.Fatalf("HTTP/%d", a.ProtoMajor)
			}
		}
	}
}

func saves(yes bool) []string {
	if yes {
		return []string{"Save"}
	}
	return nil
}

func TestEarlyHintsDoNotSave(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	var hints []textproto.MIMEHeader
	r := b.request("/")
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error { hints = append(hints, h); return nil },
	}))
	a, err := b.send(r, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		cloakroom.From(r).Len()
		w.WriteHeader(http.StatusEarlyHints)
		want(t, "store calls after the 103", s.store.since())
		setUser(cloakroom.From(r))
		w.WriteHeader(http.StatusTeapot)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(hints) != 1 || hints[0].Get("Set-Cookie") != "" || hints[0].Get("Link") == "" {
		t.Errorf("hints: %q", hints)
	}
	if a.StatusCode != http.StatusTeapot || len(a.cookies) != 1 {
		t.Errorf("status %d, Set-Cookie %q", a.StatusCode, a.cookies)
	}
}

func TestEarlyHintsAreDroppedAfterAFailure(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	s.breakStore()
	s.outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(statusSpy{w, t}, r)
		})
	}
	a := s.browser(t).get("/", func(w http.ResponseWriter, r *http.Request) {
		setUser(cloakroom.From(r))
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
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.get("/", func(w http.ResponseWriter, r *http.Request) {
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
	s := newLocalSite(t, cloakroom.Options{})
	s.outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})
	}
	s.browser(t).get("/", func(w http.ResponseWriter, r *http.Request) {
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
	s := newLocalSite(t, cloakroom.Options{})
	below := &everything{ResponseWriter: httptest.NewRecorder()}
	s.outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { next.ServeHTTP(below, r) })
	}
	s.browser(t).get("/", func(w http.ResponseWriter, r *http.Request) {
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

func TestHijackSavesFirstAndWarnsOfTheCookie(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	takeOver := func(w http.ResponseWriter, r *http.Request) {
		setUser(cloakroom.From(r))
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if calls := s.store.since(); calls[len(calls)-1] != "Save" {
			t.Errorf("store calls before the hijack: %q", calls)
		}
		header := w.Header().Get("Set-Cookie")
		io.WriteString(buf, "HTTP/1.1 200 OK\r\nConnection: close\r\nSet-Cookie: "+header+"\r\n\r\nmine")
		buf.Flush()
	}
	b := s.browser(t)
	if a := b.get("/", takeOver); a.body != "mine" || b.ticket() == "" {
		t.Errorf("body %q, ticket %d bytes", a.body, len(b.ticket()))
	}
	if lines := s.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "Set-Cookie") {
		t.Errorf("logged %q", lines)
	}
	if a := b.get("/", takeOver); a.body != "mine" { // now without a new cookie
		t.Errorf("body %q", a.body)
	}
	want(t, "log", s.log.lines())
}

func TestHijackOfASwitchedProtocolHasItsCookie(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	r := b.request("/")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "test")
	b.site.step(r, func(w http.ResponseWriter, r *http.Request) {
		setUser(cloakroom.From(r))
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "test")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "mine\n")
	})
	resp, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	line, _ := bufio.NewReader(resp.Body).ReadString('\n')
	if resp.StatusCode != http.StatusSwitchingProtocols || line != "mine\n" || len(resp.Header["Set-Cookie"]) != 1 {
		t.Errorf("status %d, body %q, Set-Cookie %q", resp.StatusCode, line, resp.Header["Set-Cookie"])
	}
	want(t, "log", s.log.lines())
}

func TestHijackIsRefusedIfTheSaveFails(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	s.fault.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: errRefused})
	a := s.browser(t).get("/", func(w http.ResponseWriter, r *http.Request) {
		setUser(cloakroom.From(r))
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, cloakroom.ErrUnavailable) {
			t.Errorf("Hijack: %v", err)
		}
	})
	if a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", a.StatusCode)
	}
}

// Over HTTP/2 nothing can be hijacked. The answer goes on as usual.
func TestHijackThatTheServerRefuses(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	s.listen(t, true)
	b := s.browser(t)
	a := b.get("/", func(w http.ResponseWriter, r *http.Request) {
		setUser(cloakroom.From(r))
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack: %v", err)
		}
		io.WriteString(w, "done")
	})
	if a.body != "done" || len(a.cookies) != 1 {
		t.Errorf("body %q, Set-Cookie %q", a.body, a.cookies)
	}
	want(t, "log", s.log.lines())
}
