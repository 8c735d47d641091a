package register

import (
	"bytes"
	"crypto/rand"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// site is the application, being served.
type site struct {
	t   *testing.T
	url string
	log *logBuffer
}

// visitor is somebody with a browser: a cookie jar that follows redirects.
type visitor struct {
	site   *site
	client *http.Client
}

// answer is what came back at last.
type answer struct {
	status int
	header http.Header
	body   string
}

func serve(t *testing.T, cfg Config) *site {
	t.Helper()
	s := &site{t: t, log: &logBuffer{}}
	cfg.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	app, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *site) visitor() *visitor {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &visitor{s, &http.Client{Jar: jar}}
}

func (v *visitor) get(path string) answer {
	v.site.t.Helper()
	resp, err := v.client.Get(v.site.url + path)
	return v.read(resp, err)
}

// post sends a form as the site's own pages do.
func (v *visitor) post(path string, fields ...string) answer {
	v.site.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	resp, err := v.client.PostForm(v.site.url+path, form)
	return v.read(resp, err)
}

func (v *visitor) send(r *http.Request) answer {
	v.site.t.Helper()
	resp, err := v.client.Do(r)
	return v.read(resp, err)
}

func (v *visitor) read(resp *http.Response, err error) answer {
	v.site.t.Helper()
	if err != nil {
		v.site.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.site.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// stay is for a client that does not follow redirects.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// cookies returns how many the visitor holds.
func (v *visitor) cookies() int {
	u, err := url.Parse(v.site.url)
	if err != nil {
		v.site.t.Fatal(err)
	}
	return len(v.client.Jar.Cookies(u))
}

var (
	tags     = regexp.MustCompile(`<[^>]*>`)
	heading1 = regexp.MustCompile(`(?s)<h1>.*?</h1>`)
	alerts   = regexp.MustCompile(`(?s)<p class="alert.*?</p>`)
	problems = regexp.MustCompile(`(?s)<p class="invalid-feedback.*?</p>`)
)

func words(markup string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(markup, ""))), " ")
}

// heading is the first headline, flash the message above it, problem what is
// said beside the field.
func (a answer) heading() string { return words(heading1.FindString(a.body)) }
func (a answer) flash() string   { return words(alerts.FindString(a.body)) }
func (a answer) problem() string { return words(problems.FindString(a.body)) }

func (a answer) want(t *testing.T, status int, heading, flash string) {
	t.Helper()
	if a.status != status || a.heading() != heading || a.flash() != flash {
		t.Errorf("%d %q with message %q, want %d %q with message %q",
			a.status, a.heading(), a.flash(), status, heading, flash)
	}
}

func (a answer) says(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(a.body, text) {
		t.Errorf("the page lacks %q:\n%s", text, a.body)
	}
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

func newMemory(t *testing.T) store.Store {
	t.Helper()
	s := memstore.New(memstore.Options{})
	t.Cleanup(func() { s.Close() })
	return s
}

func newFiles(t *testing.T, dir string) store.Store {
	t.Helper()
	s, err := filestore.New(dir, filestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// places are all the ways to keep the sessions.
func places(t *testing.T) map[string]Config {
	return map[string]Config{
		"memory":        {Store: newMemory(t)},
		"files":         {Store: newFiles(t, t.TempDir()+"/sessions")},
		"sealed files":  {Store: newFiles(t, t.TempDir()+"/sessions"), Keys: [][]byte{newKey()}},
		"cookies":       {Keys: [][]byte{newKey()}},
		"cookies, keys": {Keys: [][]byte{newKey(), newKey()}},
	}
}
