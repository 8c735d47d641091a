package flask_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Transcripts of what real Flask 3.1.3 and Flask-Session 0.8.0 answered are
// played to a Go server: the answers' Set-Cookie and Vary, what the handler
// sees, and the records in the store must be the same, byte for byte.
//
// Run "main" has what the development branches do otherwise, and "old" is
// Flask 2.2.2 and Flask-Session 0.3.2.
func TestBehavesAsFlaskOverHTTP(t *testing.T) {
	t.Run("new", func(t *testing.T) { playAll(t, "new", argued, 200) })
	t.Run("main", func(t *testing.T) { playAll(t, "main", argued, 8) })
	t.Run("old", func(t *testing.T) { playAll(t, "old", arguedOld, 190) })
}

func playAll(t *testing.T, run string, argued map[string]string, least int) {
	played := 0
	known := readDifferences(t)
	for _, sc := range transcripts(t, run) {
		name := sc.Library + "/" + sc.Name
		t.Run(name, func(t *testing.T) {
			played++
			synctest.Test(t, func(t *testing.T) {
				differences := sc.play(t)
				switch reason := argued[name]; {
				case reason == "" && len(differences) > 0:
					t.Errorf("differs:\n%s", strings.Join(differences, "\n"))
				case reason != "" && len(differences) == 0:
					t.Errorf("does not differ any more, but is listed: %s", reason)
				case reason != "":
					known.compare(t, run+" "+name, differences)
				}
			})
		})
	}
	if played < least {
		t.Errorf("%d scenarios were played, want at least %d", played, least)
	}
	known.finish(t, run)
}

type transcript struct {
	run           string
	Name, Library string
	Config        map[string]any
	Setup         *struct{ Class string } `json:"setup_error"`
	Requests      []struct {
		Method, Path string
		Now          int64
		Cookie       *string
		BaseURL      string            `json:"base_url"`
		Put          map[string]string `json:"store_put_before"`
		Actions      [][]any
		Results      []json.RawMessage
		Commands     [][]any `json:"store_commands"`
		Response     struct {
			Status    int
			SetCookie []string `json:"set_cookie"`
			Vary      []string
			Location  string
		}
	}
}

func transcripts(t *testing.T, label string) []transcript {
	t.Helper()
	data, err := os.ReadFile("testdata/http_behaviour.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Runs []struct {
			Label     string
			Scenarios []transcript
		}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // some are beyond 64 bits
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	for _, run := range file.Runs {
		if run.Label == label {
			for i := range run.Scenarios {
				run.Scenarios[i].run = label
			}
			return run.Scenarios
		}
	}
	t.Fatalf("no run is called %q", label)
	return nil
}

// config returns the scenario's configuration, as the transcripts' Flask had
// it; their key is a short one.
func (sc *transcript) config() (flask.Config, error) {
	cfg := flask.DefaultConfig()
	cfg.InsecureSecrets = true
	values := map[string]any{"SECRET_KEY": "not-a-real-key"}
	if sc.Library == "flask-session" {
		values["SESSION_TYPE"], values["SESSION_REDIS"] = "redis", "redis://127.0.0.1"
	}
	for key, v := range sc.Config {
		values[key] = v
	}
	if sc.Library == "flask" && values["SECRET_KEY"] == nil {
		values["SESSION_TYPE"] = "null" // which Flask then has by itself
	}
	if sc.run == "old" {
		cfg.DomainBefore23 = true
		values["SESSION_SERIALIZATION_FORMAT"] = "pickle"
	}
	err := cfg.Load(flask.FromMap(values))
	return cfg, err
}

// player plays one scenario. Its IDs and compressed cookies are not those of
// the transcript, so it learns which of ours stands for which of theirs.
type player struct {
	*transcript
	records store.Store
	manager *cloakroom.Manager
	ours    map[string]string // ticket by that of the transcript
	differ  []string
}

func (p *player) note(format string, args ...any) {
	p.differ = append(p.differ, fmt.Sprintf(format, args...))
}

func (sc *transcript) play(t *testing.T) []string {
	p := &player{transcript: sc, ours: map[string]string{}}
	cfg, err := sc.config()
	if sc.Setup != nil {
		if err == nil {
			p.note("the configuration is taken, and was refused by Flask with %s", sc.Setup.Class)
		}
		return p.differ
	}
	if err != nil {
		p.note("the configuration is refused: %v", err)
		return p.differ
	}
	opts := cloakroom.Options{TouchInterval: 1} // Flask writes each time
	if cfg.Type == flask.TypeRedis {
		p.records = memstore.New(memstore.Options{})
	}
	if p.manager, err = flask.New(p.records, cfg, opts); err != nil {
		t.Fatal(err)
	}
	for i := range sc.Requests {
		p.request(t, i)
	}
	return p.differ
}

func (p *player) request(t *testing.T, i int) {
	want := &p.Requests[i]
	time.Sleep(time.Until(time.Unix(want.Now, 0)))
	for key, data := range want.Put {
		raw, err := hex.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.records.Save(t.Context(), key, store.Record{}, store.Record{Data: raw, Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequest(want.Method, "http://example.com"+want.Path, nil)
	if want.Cookie != nil {
		r.Header.Set("Cookie", p.cookieHeader(*want.Cookie))
	}
	w := httptest.NewRecorder()
	p.manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(want.Actions) == 0 && want.Response.Status == http.StatusNotFound {
			http.NotFound(w, r)
			return
		}
		for n, action := range want.Actions {
			if p.act(i, n, w, r, action[0].(string), action[1:]) {
				return
			}
		}
	})).ServeHTTP(w, r)
	p.compare(t, i, w.Result())
}

// cookieHeader puts our tickets in place of the transcript's.
func (p *player) cookieHeader(header string) string {
	for theirs, ours := range p.ours {
		header = strings.ReplaceAll(header, theirs, ours)
	}
	raw := make([]byte, 0, len(header)) // text above U+007F stands for Latin-1
	for _, r := range header {
		raw = append(raw, byte(r))
	}
	return string(raw)
}

func (p *player) compare(t *testing.T, i int, got *http.Response) {
	want := &p.Requests[i].Response
	if got.StatusCode != want.Status {
		p.note("request %d: status %d, want %d", i, got.StatusCode, want.Status)
	}
	forgotten := p.run == "old" && len(want.Vary) == 0 // CVE-2023-30861, mended in Flask 2.2.5
	if got, want := strings.Join(got.Header["Vary"], ", "), strings.Join(want.Vary, ", "); got != want && !forgotten {
		p.note("request %d: Vary %q, want %q", i, got, want)
	}
	lines := got.Header["Set-Cookie"]
	if p.writesAlways() && len(lines) == 0 {
		return
	}
	if len(lines) != len(want.SetCookie) {
		p.note("request %d: Set-Cookie %q, want %q", i, lines, want.SetCookie)
	}
	for n := range min(len(lines), len(want.SetCookie)) {
		if got, want := p.translate(lines[n], want.SetCookie[n]), want.SetCookie[n]; got != want {
			p.note("request %d: Set-Cookie %q, want %q", i, got, want)
		}
	}
	if p.records != nil {
		p.compareRecords(t, i)
	}
}

// translate returns our line with their ticket, if that is the same to us.
func (p *player) translate(ours, theirs string) string {
	name, mine, _ := strings.Cut(cutAttributes(ours), "=")
	_, yours, _ := strings.Cut(cutAttributes(theirs), "=")
	if mine == "" || yours == "" || mine == yours {
		return ours
	}
	if known, ok := p.ours[yours]; ok && known != mine {
		return ours
	}
	if p.Library == "flask" && payload(mine) != payload(yours) {
		return ours
	}
	p.ours[yours] = mine
	return name + "=" + yours + ours[len(name)+1+len(mine):]
}

func cutAttributes(line string) string {
	line, _, _ = strings.Cut(line, ";")
	return line
}

// compareRecords compares the record of each ID with what Flask-Session left
// under it.
func (p *player) compareRecords(t *testing.T, i int) {
	want := map[string]struct {
		data string
		ttl  time.Duration
	}{}
	for _, command := range p.Requests[i].Commands {
		entry := want[command[1].(string)]
		switch command[0] {
		case "set":
			entry.data = command[2].(string)
			entry.ttl = time.Duration(number(command[3]).(int64)) * time.Second
		case "del":
			entry.data = ""
		default:
			continue
		}
		want[command[1].(string)] = entry
	}
	for theirs, entry := range want {
		rec, err := p.records.Load(t.Context(), p.ourKey(theirs))
		got := hex.EncodeToString(rec.Data)
		if p.writesAlways() && (got == "" && onlyPermanent(entry.data) || got == entry.data) {
			continue
		}
		if got != entry.data {
			p.note("request %d: the record is %q (%v), want %q", i, got, err, entry.data)
		} else if err == nil && time.Until(rec.Expires) != entry.ttl {
			p.note("request %d: the record lives for %v, want %v", i, time.Until(rec.Expires), entry.ttl)
		}
	}
}

// writesAlways reports whether the transcript is of Flask-Session 0.3.2, which
// saves every session with every request, untouched ones too, and always sends
// the cookie. That is what makes it lose writes; the next versions do not.
func (p *player) writesAlways() bool { return p.run == "old" && p.Library == "flask-session" }

// onlyPermanent reports whether a record of Flask-Session 0.3.2 has no values.
func onlyPermanent(data string) bool {
	return len(data) == 58 && strings.Contains(data, hex.EncodeToString([]byte("_permanent")))
}

// ourKey returns the store key that theirs stands for.
func (p *player) ourKey(theirs string) string {
	for yours, mine := range p.ours {
		id, _, _ := strings.Cut(yours, ".")
		if prefix, ok := strings.CutSuffix(theirs, id); ok && id != "" {
			mine, _, _ = strings.Cut(mine, ".")
			return prefix + mine
		}
	}
	return theirs
}

// act does one action and compares its result. It reports true if the handler
// ends with it.
func (p *player) act(i, n int, w http.ResponseWriter, r *http.Request, name string, args []any) bool {
	s := p.manager.From(r)
	switch name {
	case "raise":
		http.Error(w, "an unhandled error", http.StatusInternalServerError)
		return true
	case "abort":
		w.WriteHeader(int(number(args[0]).(int64)))
		return true
	case "redirect":
		http.Redirect(w, r, args[0].(string), p.Requests[i].Response.Status)
	case "vary":
		w.Header().Add("Vary", args[0].(string))
	case "own_cookie":
		http.SetCookie(w, &http.Cookie{Name: args[0].(string), Value: args[1].(string), Path: "/"})
	default:
		got, compared := do(s, name, args)
		if want := p.Requests[i].Results; compared && n < len(want) {
			if want := shownJSON(want[n]); got != want {
				p.note("request %d, %s: %s, want %s", i, name, got, want)
			}
		}
	}
	return false
}

// do does what a handler can do to a session, and returns what it sees.
func do(s *cloakroom.Session, name string, args []any) (string, bool) {
	key := ""
	if len(args) > 0 {
		key, _ = args[0].(string)
	}
	switch name {
	case "get":
		return shown(s.Get(key)), true
	case "getitem":
		if !s.Has(key) {
			return "raised", true
		}
		return shown(s.Get(key)), true
	case "contains":
		return shown(slices.Contains(names(s), key)), true
	case "len":
		return shown(len(names(s))), true
	case "bool":
		// To Flask-Session _permanent counts for nothing, to Flask it would, but
		// there is none in the transcript.
		return shown(s.Len() > 0), true
	case "keys":
		return shown(slices.Sorted(slices.Values(names(s)))), true
	case "dump":
		return dump(s), true
	case "set":
		s.Set(key, jsonNumbers(args[1]))
	case "set_set":
		s.Set(key, flask.Set(jsonNumbers(args[1]).([]any)))
	case "setdefault":
		if !s.Has(key) {
			s.Set(key, jsonNumbers(args[1]))
		}
		return shown(s.Get(key)), true
	case "update":
		for k, v := range args[0].(map[string]any) {
			s.Set(k, jsonNumbers(v))
		}
	case "pop":
		return shown(s.Pop(key)), key != "_permanent"
	case "del":
		s.Delete(key)
	case "clear":
		s.Clear()
	case "permanent":
		s.SetPermanent(args[0].(bool))
	case "get_permanent":
		return shown(s.Permanent()), true
	case "get_modified":
		return shown(s.Modified()), true
	case "regenerate":
		s.Regenerate()
	case "flash":
		category := "message"
		if len(args) > 1 {
			category = args[1].(string)
		}
		s.Flash(category, key)
	case "flashes":
		return flashed(s, args), true
	case "sid":
		s.Handle() // its access; the ID itself is nobody's business
	case "get_new", "get_accessed", "touch", "modified":
		// Go has no such thing, or says something else by it.
	case "append_nested":
		list, _ := s.Get(key).([]any)
		_ = append(list, args[1])
	default:
		panic("no such action: " + name)
	}
	return "", false
}

func flashed(s *cloakroom.Session, args []any) string {
	var options struct {
		With   bool     `json:"with_categories"`
		Filter []string `json:"category_filter"`
	}
	if len(args) > 0 {
		text, _ := json.Marshal(args[0])
		_ = json.Unmarshal(text, &options)
	}
	list := []any{}
	for _, f := range s.Flashes(options.Filter...) {
		if options.With {
			list = append(list, []any{f.Category, f.Message})
		} else {
			list = append(list, f.Message)
		}
	}
	return shown(list)
}
