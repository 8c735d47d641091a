package flask_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// A fleet is a Go server and a real Flask application with one configuration,
// and a browser that keeps one cookie jar for both.
type fleet struct {
	goURL, flaskURL string
	client          *http.Client
	jar             *cookiejar.Jar
	config          flask.Config
	manager         *cloakroom.Manager
	records         store.Store // nil for Flask's own cookie
	onlyPermanent   bool        // sessions must stay permanent
}

// newFleet starts one for the configuration that both get. ours is what the Go
// side has beside.
func newFleet(t *testing.T, config, ours map[string]any, openers store.Openers) *fleet {
	t.Helper()
	f := &fleet{flaskURL: startFlask(t, config)}
	all := map[string]any{}
	for _, part := range []map[string]any{config, ours} {
		for key, v := range part {
			all[key] = v
		}
	}
	var err error
	if f.config, err = flask.Load(flask.FromMap(all)); err != nil {
		t.Fatal(err)
	}
	s, err := flask.OpenStore(t.Context(), f.config, openers)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := s.(io.Closer); ok {
		t.Cleanup(func() { c.Close() })
	}
	f.records = s
	f.manager, err = flask.New(s, f.config, cloakroom.Options{
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(f.manager.Handler(http.HandlerFunc(serve)))
	t.Cleanup(server.Close)
	f.goURL = server.URL
	if f.jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	f.client = &http.Client{Jar: f.jar, Timeout: time.Minute}
	return f
}

// startFlask runs testdata/app.py and returns its URL.
func startFlask(t *testing.T, config map[string]any) string {
	t.Helper()
	const python = "/usr/bin/python3" // the one that apt-get installs for
	if err := exec.Command(python, "-c", "import flask, flask_session").Run(); err != nil {
		testserver.Missing(t, "Flask with Flask-Session", "apt-get install python3-flask python3-flask-session")
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	app, err := filepath.Abs("testdata/app.py")
	if err != nil {
		t.Fatal(err)
	}
	p := testserver.Start(t, testserver.Server{
		Program: python,
		Install: "apt-get install python3",
		Env:     []string{"APP_CONFIG=" + string(text), "PYTHONDONTWRITEBYTECODE=1"},
		Args: func(p *testserver.Process) []string {
			return []string{app, fmt.Sprint(p.Port)}
		},
	})
	return "http://" + p.Addr()
}

// A step is what a request asks a server to do to its session.
type step struct {
	Op        string `json:"op"`
	Key       string `json:"key,omitempty"`
	Value     value  `json:"value,omitzero"`
	Message   string `json:"message,omitempty"`
	Category  string `json:"category,omitempty"`
	Permanent bool   `json:"permanent,omitempty"`
}

// A report is what a server sees.
type report struct {
	Saw       []string `json:"saw"`
	Permanent bool     `json:"permanent"`
	Session   string   `json:"session"`
}

// do sends one request to one of the servers.
func (f *fleet) do(t *testing.T, toFlask bool, steps ...step) report {
	t.Helper()
	r, _ := f.doHeader(t, toFlask, steps...)
	return r
}

// doHeader is do, and returns the answer's header as well.
func (f *fleet) doHeader(t *testing.T, toFlask bool, steps ...step) (report, http.Header) {
	t.Helper()
	target := f.goURL
	if toFlask {
		target = f.flaskURL
	}
	if steps == nil {
		steps = []step{}
	}
	body, err := json.Marshal(steps)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var r report
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s: %.2000s (%v)", target, resp.Status, text, err)
	}
	return r, resp.Header
}

// cookie returns what the browser would send; empty if nothing.
func (f *fleet) cookie() string {
	u, _ := url.Parse(f.goURL)
	for _, c := range f.jar.Cookies(u) {
		if c.Name == f.config.CookieName {
			return c.Value
		}
	}
	return ""
}

// setCookie puts another one into the jar.
func (f *fleet) setCookie(v string) {
	u, _ := url.Parse(f.goURL)
	f.jar.SetCookies(u, []*http.Cookie{{Name: f.config.CookieName, Value: v, Path: "/"}})
}

// serve is the Go server's handler: it does the steps in the body.
func serve(w http.ResponseWriter, r *http.Request) {
	var steps []step
	if err := json.NewDecoder(r.Body).Decode(&steps); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s := cloakroom.From(r)
	out := report{Saw: []string{}}
	for _, st := range steps {
		out.Saw = append(out.Saw, act(s, st))
	}
	all := map[string]any{}
	for name, v := range s.All() {
		all[name] = v
	}
	if v := s.Get("_flashes"); v != nil {
		all["_flashes"] = v
	}
	out.Permanent, out.Session = s.Permanent(), show(all)
	_ = json.NewEncoder(w).Encode(out)
}

func act(s *cloakroom.Session, st step) string {
	switch st.Op {
	case "set":
		s.Set(st.Key, build(st.Value))
	case "pop":
		return show(s.Pop(st.Key))
	case "append":
		cloakroom.Key[[]any](st.Key).Update(s, func(list []any) []any { return append(list, build(st.Value)) })
	case "flash":
		s.Flash(st.Category, st.Message)
	case "flashes":
		list := []any{}
		for _, f := range s.Flashes() {
			list = append(list, []any{f.Category, f.Message})
		}
		return show(list)
	case "clear":
		s.Clear()
	case "permanent":
		s.SetPermanent(st.Permanent)
	case "regenerate":
		s.Regenerate()
	case "destroy":
		s.Destroy()
	}
	return ""
}

// UnmarshalJSON makes the value's content what build expects.
func (v *value) UnmarshalJSON(data []byte) error {
	var raw struct {
		T string          `json:"t"`
		V json.RawMessage `json:"v"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	v.T = raw.T
	switch {
	case raw.V == nil:
		return nil
	case v.T == "time":
		var n int64
		defer func() { v.V = n }()
		return json.Unmarshal(raw.V, &n)
	case v.T == "list" || v.T == "tuple":
		var list []value
		defer func() { v.V = list }()
		return json.Unmarshal(raw.V, &list)
	case v.T == "dict":
		var pairs [][2]json.RawMessage
		if err := json.Unmarshal(raw.V, &pairs); err != nil {
			return err
		}
		list := make([][2]any, len(pairs))
		for i, pair := range pairs {
			var k string
			var item value
			if err := json.Unmarshal(pair[0], &k); err != nil {
				return err
			}
			if err := json.Unmarshal(pair[1], &item); err != nil {
				return err
			}
			list[i] = [2]any{k, item}
		}
		v.V = list
		return nil
	default:
		return json.Unmarshal(raw.V, &v.V)
	}
}
