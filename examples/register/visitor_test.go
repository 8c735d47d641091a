package register

import (
	"bytes"
	"crypto/rand"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// site is the application, being served.
type site struct {
	server *httptest.Server
	url    string
	app    *App
	log    *logBuffer
}

// visitor is somebody with a browser.
type visitor struct {
	*cloakroomtest.Browser
	agent string // what the browser calls itself
}

// answer is what came back at last.
type answer struct{ *cloakroomtest.Response }

func serve(t *testing.T, cfg Config) *site {
	t.Helper()
	log := &logBuffer{}
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	app, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	return &site{server, server.URL, app, log}
}

func (s *site) visitor() *visitor { return &visitor{Browser: cloakroomtest.NewBrowserOn(s.server)} }

func (v *visitor) get(path string) answer {
	r, err := http.NewRequest("GET", v.URL+path, nil)
	if err != nil {
		panic(err)
	}
	return v.send(r)
}

// post sends a form as the site's own pages do.
func (v *visitor) post(path string, fields ...string) answer {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequest("POST", v.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.send(r)
}

func (v *visitor) send(r *http.Request) answer {
	if v.agent != "" {
		r.Header.Set("User-Agent", v.agent)
	}
	return answer{v.Do(r)}
}

// cookies returns how many the visitor holds.
func (v *visitor) cookies() int { return len(v.Cookies("/")) }

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
func (a answer) heading() string { return words(heading1.FindString(a.Body)) }
func (a answer) flash() string   { return words(alerts.FindString(a.Body)) }
func (a answer) problem() string { return words(problems.FindString(a.Body)) }

func (a answer) want(t *testing.T, status int, heading, flash string) {
	t.Helper()
	if a.StatusCode != status || a.heading() != heading || a.flash() != flash {
		t.Errorf("%d %q with message %q, want %d %q with message %q",
			a.StatusCode, a.heading(), a.flash(), status, heading, flash)
	}
}

func (a answer) says(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(a.Body, text) {
		t.Errorf("the page lacks %q:\n%s", text, a.Body)
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
