package bench

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A page is what a request asks of the application. Each library serves the
// same pages, written as its documentation says.
type page string

const (
	pageUntouched page = "/untouched" // does not ask for the session
	pageRead      page = "/read"      // reads one string: is it the user?
	pageWrite     page = "/write"     // reads one number, sets it to one more
	pageCreate    page = "/create"    // sets all values
	pageItems     page = "/items"     // reads the whole list of items
	pageVisits    page = "/visits"    // answers with the number that pageWrite sets; not timed
)

// A target is one library with one of its stores.
type target struct {
	store string // memory, file or cookie: only like is compared with like
	lib   string
	open  func(testing.TB, size) app
	only  page // the one page it has, if not all
}

// targets are all that is compared.
func targets() []target {
	return append(append(append(append(append(
		cloakroomTargets(), scsTargets()...), gorillaTargets()...), ginTargets()...), fiberTargets()...), bareTargets()...)
}

// holds says whether a session of the size fits. A cookie has 4096 bytes.
func (t target) holds(s size) bool {
	return t.store != "cookie" || s.items <= medium.items && s.keys == 0
}

func (t target) serves(p page) bool { return t.only == "" || t.only == p }

// An app is a small application on one library.
type app interface {
	// client returns a visitor who asks for one page again and again, with the
	// cookie if it is not empty. It is not safe for concurrent use.
	client(p page, cookie string) client
}

type client interface {
	do()            // one request
	answer() []byte // the body of the last answer
	cookie() string // name=value as set by the last answer; empty if it set none
}

var yes, no = []byte("yes"), []byte("no")

// verdict is the body of a page that found what it expects, or not. It is made
// beforehand, so that writing it costs the same everywhere.
func verdict(ok bool) []byte {
	if ok {
		return yes
	}
	return no
}

func number(n int) []byte { return strconv.AppendInt(nil, int64(n), 10) }

// begin opens the application and creates one session.
func begin(tb testing.TB, t target, s size) (a app, cookie string) {
	tb.Helper()
	a = t.open(tb, s)
	if t.only != "" {
		return a, ""
	}
	c := a.client(pageCreate, "")
	c.do()
	if !bytes.Equal(c.answer(), yes) || c.cookie() == "" {
		tb.Fatalf("%s in %s: no session was created: answer %q", t.lib, t.store, c.answer())
	}
	return a, c.cookie()
}

// measure is the timed loop of the workloads: one client, one page.
func measure(b *testing.B, c client) {
	b.Helper()
	c.do() // fills pools, and the gob package's knowledge of types
	b.ReportAllocs()
	for b.Loop() {
		c.do()
		if !bytes.Equal(c.answer(), yes) {
			b.Fatalf("answer %q", c.answer())
		}
	}
}

// pages are an application on net/http.
type pages map[page]http.Handler

func (p pages) client(name page, cookie string) client {
	r, err := http.NewRequest("GET", string(name), nil)
	if err != nil {
		panic(err)
	}
	r.Host = "shop.example"
	r.RemoteAddr = "192.0.2.1:1234"
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return &netClient{handler: p[name], original: r, request: new(http.Request), header: http.Header{}}
}

// A netClient is its own response writer: it has no cost to speak of, and
// keeps what was answered.
type netClient struct {
	handler  http.Handler
	original *http.Request
	request  *http.Request
	header   http.Header
	body     []byte
}

// do sends a fresh copy of the request: gorilla keeps loaded sessions in it,
// and would not load them a second time.
func (c *netClient) do() {
	*c.request = *c.original
	clear(c.header)
	c.body = c.body[:0]
	c.handler.ServeHTTP(c, c.request)
}

func (c *netClient) answer() []byte { return c.body }

func (c *netClient) cookie() string {
	value, _, _ := strings.Cut(c.header.Get("Set-Cookie"), ";")
	return value
}

func (c *netClient) Header() http.Header { return c.header }
func (c *netClient) WriteHeader(int)     {}

func (c *netClient) Write(p []byte) (int, error) {
	c.body = append(c.body, p...)
	return len(p), nil
}

// each measures a page of all targets that can hold a session of the size.
func each(b *testing.B, s size, p page) {
	for _, t := range targets() {
		if t.serves(p) && t.holds(s) {
			b.Run("store="+t.store+"/size="+s.name+"/lib="+t.lib, func(b *testing.B) {
				a, cookie := begin(b, t, s)
				measure(b, a.client(p, cookie))
			})
		}
	}
}
