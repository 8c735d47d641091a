package edge_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// newProxy returns a handler that uses the session and passes the request on.
func newProxy(t *testing.T, backend http.HandlerFunc) http.HandlerFunc {
	srv := httptest.NewServer(backend)
	t.Cleanup(srv.Close)
	u, _ := url.Parse(srv.URL)
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(u) },
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return func(w http.ResponseWriter, r *http.Request) {
		sitetest.SetUser(cloakroom.From(r))
		proxy.ServeHTTP(w, r)
	}
}

// ReverseProxy panics if it cannot write an answer's body: the error page must
// arrive whole all the same.
func TestProxyWithoutAStore(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for name, backend := range map[string]http.HandlerFunc{
			"short":   func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "dropped") },
			"long":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("dropped", 100000)) },
			"flushed": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "dropped"); w.(http.Flusher).Flush() },
			"trailer": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Trailer", "Sum")
				io.WriteString(w, "dropped")
				w.Header().Set("Sum", "dropped")
			},
			"hints": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				io.WriteString(w, "dropped")
			},
			"empty": func(http.ResponseWriter, *http.Request) {},
		} {
			s := sitetest.New(t, cloakroom.Options{})
			s.Listen(t, http2)
			b := s.Holder(t, sitetest.Dead)
			s.BreakStore()
			a, err := b.Send(b.Request("/"), newProxy(t, backend))
			if err != nil || a.StatusCode != http.StatusServiceUnavailable || a.Body != sitetest.Page503 {
				t.Errorf("HTTP/2 %v, %s: got %v, %v", http2, name, a, err)
			} else if len(a.Trailer) != 0 {
				t.Errorf("HTTP/2 %v, %s: trailer %q of the dropped answer", http2, name, a.Trailer)
			}
		}
	}
}

// Behind the proxy is a stream that does not end. The visitor does not wait
// for its end to get the error page.
func TestProxiedStreamWithoutAStore(t *testing.T) {
	for name, head := range map[string]string{"an event": "data: 1\n\n", "silence": ""} {
		s := sitetest.New(t, cloakroom.Options{})
		over := make(chan struct{})
		h := newProxy(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, head)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			close(over)
		})
		srv := httptest.NewServer(s.Manager.Handler(h))
		defer srv.Close()
		s.BreakStore()
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		page := make([]byte, len(sitetest.Page503))
		if _, err := io.ReadFull(resp.Body, page); err != nil || string(page) != sitetest.Page503 || resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d, %q, %v", name, resp.StatusCode, page, err)
		}
		resp.Body.Close()
		<-over
	}
}

func TestProxyPassesAnswersOn(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Browser(t)
	a := b.Get("/", newProxy(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Sum")
		w.Header().Set("Set-Cookie", "backend=1")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "body")
		w.Header().Set("Sum", "4")
	}))
	if a.StatusCode != http.StatusTeapot || a.Body != "body" || a.Trailer.Get("Sum") != "4" || len(a.SetCookie) != 2 {
		t.Errorf("got %v, trailer %q, %d lines of Set-Cookie", a, a.Trailer, len(a.SetCookie))
	}
}

// Answers without a body carry the session like any other.
func TestAnswersWithoutABody(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		s := sitetest.New(t, cloakroom.Options{})
		s.Listen(t, http2)
		for name, c := range map[string]struct {
			method string
			write  func(http.ResponseWriter, *http.Request)
			status int
		}{
			"HEAD": {"HEAD", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "body") }, 200},
			"HEAD of a long page": {"HEAD", func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, strings.Repeat("body", 5000))
			}, 200},
			"304": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, 304},
			"204": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, 204},
			"unchanged file": {"GET", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"1"`)
				http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("body"))
			}, 304},
		} {
			b := s.Browser(t)
			r := b.Request("/")
			r.Method = c.method
			r.Header.Set("If-None-Match", `"1"`)
			a, err := b.Send(r, func(w http.ResponseWriter, r *http.Request) {
				sitetest.SetUser(cloakroom.From(r))
				c.write(w, r)
			})
			if err != nil || a.StatusCode != c.status || a.Body != "" || len(a.SetCookie) != 1 {
				t.Errorf("HTTP/2 %v, %s: got %v, %v", http2, name, a, err)
				continue
			}
			b.OK(sitetest.Has(t, fmt.Sprintf("HTTP/2 %v, after %s", http2, name), true))
		}
	}
}

// The error page stands in for an answer of any method.
func TestErrorPageOfHEAD(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	s.BreakStore()
	b := s.Browser(t)
	r := b.Request("/")
	r.Method = http.MethodHead
	a, err := b.Send(r, sitetest.Using(sitetest.SetUser))
	if err != nil || a.StatusCode != http.StatusServiceUnavailable || a.Body != "" {
		t.Errorf("got %v, %v", a, err)
	}
}
