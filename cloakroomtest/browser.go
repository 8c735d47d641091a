package cloakroomtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/cloakroom/cloakroom"
)

// A Browser is one visitor of an application: it keeps cookies, sends them
// back and follows redirects. Make one for each visitor, by [NewBrowser] or
// [NewBrowserOn]. It may be used by several goroutines at once, as a page's
// requests are; its fields are to be set before.
//
// It treats cookies as browsers do: it sends a Secure cookie over TLS and to
// localhost alone, and keeps none that they refuse, because of its size or
// because it lacks what the prefix of its name or SameSite=None demands. To it
// all requests come from the site itself, and it knows no list of public
// suffixes, so that it takes a cookie for all of com.
type Browser struct {
	// URL is put before each target that begins with a slash.
	URL string

	// NoRedirects makes the Browser return a redirect to the test instead of
	// following it.
	NoRedirects bool

	client *http.Client
	jar    *jar
}

// NewBrowser returns a Browser that calls h directly, as if over TLS at
// https://example.com; h gets the requests for other hosts and for plain HTTP
// too. A panic of h reaches the test. Answers of status 1xx are dropped, and
// connections cannot be hijacked: for these there is [NewBrowserOn].
func NewBrowser(h http.Handler) *Browser {
	return newBrowser("https://example.com", inProcess{h})
}

// NewBrowserOn returns a Browser that uses the network to reach a server,
// which has been started with or without TLS.
func NewBrowserOn(srv *httptest.Server) *Browser {
	return newBrowser(srv.URL, srv.Client().Transport)
}

func newBrowser(base string, rt http.RoundTripper) *Browser {
	b := &Browser{URL: base, jar: newJar()}
	b.client = &http.Client{Transport: rt, Jar: b.jar, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if b.NoRedirects {
			return http.ErrUseLastResponse
		}
		if len(via) >= 20 { // as Chromium and Firefox
			return errors.New("stopped after 20 redirects")
		}
		return nil
	}}
	return b
}

// A Response is an answer that has arrived in whole. Of several that redirects
// have led through it is the last.
type Response struct {
	*http.Response
	Body string // in place of the Response's, which has been read
}

// Get asks for a target: a path, to which URL is added, or a whole URL.
func (b *Browser) Get(target string) *Response {
	return b.Do(b.request(http.MethodGet, target, nil))
}

// PostForm sends a form to a target. Where the answer redirects, the page that
// it leads to is asked for, which shows and so takes flash messages; see
// NoRedirects.
func (b *Browser) PostForm(target string, form url.Values) *Response {
	r := b.request(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.Do(r)
}

// Do sends any request, of [http.NewRequest] or [httptest.NewRequest], with
// the Browser's cookies. One without a host in its URL goes to the Browser's
// URL. Do panics if there is no answer; where a test expects that, it uses
// [Browser.Client].
func (b *Browser) Do(r *http.Request) *Response {
	r = r.Clone(r.Context())
	r.RequestURI = "" // which clients must not set
	if r.URL.Host == "" {
		r.URL, r.Host = b.parse(r.URL.RequestURI()), ""
	}
	resp, err := b.client.Do(r)
	if err != nil {
		panic(fmt.Sprintf("cloakroomtest: no answer: %v", err)) // the error says to what
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(fmt.Sprintf("cloakroomtest: %s %s: half an answer: %v", r.Method, r.URL, err))
	}
	return &Response{resp, string(body)}
}

// Restart is what happens when the visitor closes the browser and opens it again:
// cookies without Max-Age and Expires are gone. (Many browsers can be set to keep
// them and open yesterday's pages again.)
func (b *Browser) Restart() { b.jar.restart() }

// Cookies returns the names and values of the cookies that the Browser would
// send to a target.
func (b *Browser) Cookies(target string) []*http.Cookie {
	return b.client.Jar.Cookies(b.parse(target))
}

// Session returns the session that the visitor's cookies open at URL, as
// [SessionOf] does.
func (b *Browser) Session(m *cloakroom.Manager) *cloakroom.Session {
	return open(m, b.Cookies("/"))
}

// Client returns the client behind the Browser, for what its methods do not
// do: its Do returns errors, and answers that go on. Its jar takes the cookies
// that a test wants the visitor to have.
func (b *Browser) Client() *http.Client { return b.client }

func (b *Browser) request(method, target string, body io.Reader) *http.Request {
	r, err := http.NewRequest(method, b.parse(target).String(), body)
	if err != nil {
		panic(fmt.Sprintf("cloakroomtest: %s %s: %v", method, target, err))
	}
	return r
}

func (b *Browser) parse(target string) *url.URL {
	if strings.HasPrefix(target, "/") {
		target = b.URL + target
	}
	u, err := url.Parse(target)
	if err == nil && u.Host == "" {
		err = errors.New("a target begins with a slash, or with a scheme and a host")
	}
	if err != nil {
		panic(fmt.Sprintf("cloakroomtest: target %q: %v", target, err))
	}
	return u
}

// inProcess answers a client's requests without a network.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel() // as servers do when the handler is done
	in := r.Clone(ctx)
	in.Host = r.Host
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	in.RequestURI = r.URL.RequestURI()
	if in.URL, err = url.ParseRequestURI(in.RequestURI); err != nil {
		return nil, err
	}
	if r.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: r.URL.Hostname()}
	}
	in.RemoteAddr = "192.0.2.1:1234" // for documentation: RFC 5737
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			resp, err = nil, errors.New("the handler cut the connection")
		} else if p != nil {
			panic(p)
		}
	}()
	rec := recorder{httptest.NewRecorder()}
	p.ServeHTTP(rec, in)
	resp = rec.Result()
	resp.Request = r
	return resp, nil
}

// recorder is a ResponseRecorder that does not take an early hint for the
// answer.
type recorder struct{ *httptest.ResponseRecorder }

func (w recorder) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.ResponseRecorder.WriteHeader(status)
}
