package cloakroom_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A site is an application under test: a Manager and, behind it, one handler
// for each request, which the test gives with the request.
type site struct {
	m     *cloakroom.Manager
	store *spy                  // nil if the session lives in its cookie
	fault *cloakroomtest.Faulty // likewise
	log   *journal
	rt    http.RoundTripper
	url   string

	// outer and inner, if set, are middlewares around the Manager and within it.
	outer, inner func(http.Handler) http.Handler

	mu    sync.Mutex
	steps map[string]http.HandlerFunc
}

// newSite serves sessions in a memstore over TLS.
func newSite(t *testing.T, opts cloakroom.Options) *site {
	t.Helper()
	s := newLocalSite(t, opts)
	s.listen(t, false)
	return s
}

// newLocalSite is newSite without a network, for synctest and for headers that
// no client would send.
func newLocalSite(t *testing.T, opts cloakroom.Options) *site {
	t.Helper()
	fault := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	t.Cleanup(func() { fault.Close() })
	s := prepare(t, &opts)
	s.fault, s.store = fault, &spy{Store: fault}
	s.log.spy = s.store
	m, err := cloakroom.New(s.store, opts)
	if err != nil {
		t.Fatal(err)
	}
	s.m = m
	return s
}

var cookieKey = []byte("a key of 32 bytes, for tests only")

// newSealedSite serves sessions that live in their cookies over TLS.
func newSealedSite(t *testing.T, opts cloakroom.Options, keys ...[]byte) *site {
	t.Helper()
	s := newLocalSealedSite(t, opts, keys...)
	s.listen(t, false)
	return s
}

func newLocalSealedSite(t *testing.T, opts cloakroom.Options, keys ...[]byte) *site {
	t.Helper()
	if len(keys) == 0 {
		keys = [][]byte{cookieKey}
	}
	s := prepare(t, &opts)
	m, err := cloakroom.NewCookie(keys, opts)
	if err != nil {
		t.Fatal(err)
	}
	s.m = m
	return s
}

func prepare(t *testing.T, opts *cloakroom.Options) *site {
	s := &site{log: newJournal(t), steps: map[string]http.HandlerFunc{}, url: "https://www.example.com"}
	if opts.Logger == nil {
		opts.Logger = s.log.logger()
	}
	s.log.listen(&opts.Hooks)
	s.rt = inProcess{s}
	return s
}

// listen puts the site on a real server.
func (s *site) listen(t *testing.T, http2 bool) {
	srv := httptest.NewUnstartedServer(s)
	srv.EnableHTTP2 = http2
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // handlers that panic on purpose
	srv.StartTLS()
	t.Cleanup(srv.Close)
	s.url, s.rt = srv.URL, srv.Client().Transport
}

const stepHeader = "Test-Step"

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := http.Handler(http.HandlerFunc(s.dispatch))
	if s.inner != nil {
		h = s.inner(h)
	}
	if h = s.m.Handler(h); s.outer != nil {
		h = s.outer(h)
	}
	h.ServeHTTP(w, r)
}

func (s *site) dispatch(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	step := s.steps[r.Header.Get(stepHeader)]
	s.mu.Unlock()
	step(w, r)
}

// step gives the handler for r to the server.
func (s *site) step(r *http.Request, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strconv.Itoa(len(s.steps))
	s.steps[name] = h
	r.Header.Set(stepHeader, name)
}

// inProcess answers a client's requests without a network.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host = r.URL.Host
	if r.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{}
	}
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, in)
	return rec.Result(), nil
}

// A browser is one visitor with a cookie jar.
type browser struct {
	t      *testing.T
	site   *site
	jar    *cookiejar.Jar
	client http.Client
}

func (s *site) browser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, site: s, jar: jar, client: http.Client{Transport: s.rt, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// An answer is what the visitor got.
type answer struct {
	*http.Response
	body string
	// cookies are the lines of Set-Cookie.
	cookies []string
}

// send makes a request that h answers.
func (b *browser) send(r *http.Request, h http.HandlerFunc) (*answer, error) {
	b.site.step(r, h)
	resp, err := b.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	for _, c := range resp.Cookies() {
		b.site.log.secret(c.Value)
	}
	return &answer{resp, string(body), resp.Header["Set-Cookie"]}, err
}

func (b *browser) request(path string) *http.Request {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.site.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// get asks for the path, which h answers.
func (b *browser) get(path string, h http.HandlerFunc) *answer {
	b.t.Helper()
	a, err := b.send(b.request(path), h)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// visit makes a request whose handler uses the session and writes "done".
func (b *browser) visit(use func(*cloakroom.Session)) *answer {
	b.t.Helper()
	return b.get("/", func(w http.ResponseWriter, r *http.Request) {
		use(cloakroom.From(r))
		io.WriteString(w, "done")
	})
}

// ok is visit for requests that must not fail.
func (b *browser) ok(use func(*cloakroom.Session)) *answer {
	b.t.Helper()
	a := b.visit(use)
	if a.StatusCode != http.StatusOK || a.body != "done" {
		b.t.Fatalf("answered with %d %q", a.StatusCode, a.body)
	}
	return a
}

// ask makes a request with the header Cookie as given, from no browser.
func (s *site) ask(t *testing.T, cookie string, use func(*cloakroom.Session)) *answer {
	t.Helper()
	b := s.browser(t)
	r := b.request("/")
	if cookie != "" {
		r.Header["Cookie"] = []string{cookie}
	}
	a, err := b.send(r, func(w http.ResponseWriter, r *http.Request) {
		use(cloakroom.From(r))
		io.WriteString(w, "done")
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ticket returns the value of the browser's cookie.
func (b *browser) ticket() string {
	b.t.Helper()
	r := b.request("/")
	for _, c := range b.jar.Cookies(r.URL) {
		if strings.HasSuffix(c.Name, "session") {
			return c.Value
		}
	}
	return ""
}

// records returns what the site's store holds.
func (s *site) records(t *testing.T) map[string]store.Record {
	t.Helper()
	all := map[string]store.Record{}
	for e, err := range s.fault.Unwrap().(store.Lister).List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all[e.Key] = e.Record
	}
	return all
}

// plant puts a record into the store, as another program would.
func (s *site) plant(t *testing.T, key string, r store.Record) {
	t.Helper()
	if _, err := s.fault.Unwrap().Save(t.Context(), key, store.Record{}, r); err != nil {
		t.Fatal(err)
	}
}

var errRefused = errors.New("connection refused")

// breakStore makes every call of the store fail.
func (s *site) breakStore() {
	for _, op := range []cloakroomtest.Op{cloakroomtest.OpLoad, cloakroomtest.OpSave, cloakroomtest.OpTouch, cloakroomtest.OpDelete} {
		s.fault.Inject(cloakroomtest.Fault{Op: op, Err: errRefused})
	}
}

func base64url(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
