package register

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

var sessionOf = regexp.MustCompile(`data-session="([0-9a-f]{16})"`)

// handle returns that of the session that the page is about.
func (a answer) handle() string {
	if m := sessionOf.FindStringSubmatch(a.Body); m != nil {
		return m[1]
	}
	return "none"
}

// listen opens the stream of a page, and returns when it has begun. What comes
// then until the end is what rest returns.
func (v *visitor) listen(t *testing.T, page answer) (rest func() string) {
	t.Helper()
	resp, err := v.Client().Do(request(t, "GET", v.URL+"/live/"+page.handle(), nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, got)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, len(":\n\n"))); err != nil {
		t.Fatal(err)
	}
	return func() string {
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Errorf("the stream was cut off: %v", err)
		}
		return string(text)
	}
}

// event is what a stream says of an end.
func event(name string) string { return "event: " + name + "\ndata:\n\n" }

func TestPageHearsOfTheEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(s *site, v *visitor)
		want string
	}{
		"ended on another device": {func(s *site, v *visitor) {
			other := s.visitor()
			other.post("/add", "username", "Ada")
			other.post("/devices/end", "device", handles(other.get("/devices"))[0])
		}, "ended"},
		"all others ended": {func(s *site, v *visitor) {
			other := s.visitor()
			other.post("/add", "username", "Ada")
			other.post("/devices/others")
		}, "ended"},
		"logged out in another tab":   {func(s *site, v *visitor) { v.post("/remove") }, "ended"},
		"registered in another tab":   {func(s *site, v *visitor) { v.post("/add", "username", "Ada") }, "moved"},
		"somebody else in a new tab":  {func(s *site, v *visitor) { v.post("/add", "username", "Eve") }, "moved"},
		"the server is shutting down": {func(s *site, v *visitor) { s.app.Close() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, Config{Store: newMemory(t)})
			v := s.visitor()
			rest := v.listen(t, v.post("/add", "username", "Ada"))
			tt.end(s, v)
			want := ""
			if tt.want != "" {
				want = event(tt.want)
			}
			if got := rest(); got != want {
				t.Errorf("the stream says %q, want %q", got, want)
			}
		})
	}
}

// A page that comes back to sight hears what it has missed.
func TestPageHearsOfAnEarlierEnd(t *testing.T) {
	s := serve(t, Config{Store: newMemory(t)})
	v := s.visitor()
	page := v.post("/add", "username", "Ada")
	hears := func(want string) {
		t.Helper()
		if a := v.get("/live/" + page.handle()); a.Body != event(want) {
			t.Errorf("the stream says %q, want %q", a.Body, event(want))
		}
	}
	other := s.visitor()
	other.post("/add", "username", "Ada")
	other.post("/devices/others")
	hears("ended")
	if v.get("/live/"+page.handle()).Header.Get("Set-Cookie") != "" {
		t.Error("the stream sets a cookie")
	}
	v.post("/add", "username", "Ada")
	hears("moved")
	v.post("/remove")
	hears("over") // there is another page's session, the one with the goodbye
}

// The page listens as long as it is open, and that is no use of the session. The
// stream says nothing but that it is there.
func TestListeningIsNoUse(t *testing.T) {
	inStoreTime(t, Config{}, func(t *testing.T, v *visitor) {
		v.post("/add", "username", "Ada")
		page, used := v.get("/"), time.Now()
		time.Sleep(20 * time.Second)
		a := v.get("/live/" + page.handle())
		if took := time.Since(used); took < time.Minute || took > 62*time.Second {
			t.Errorf("the session ends %v after its last use, want a minute", took)
		}
		if want := strings.Repeat(":\n\n", 3); !strings.HasPrefix(a.Body, want) || !strings.HasSuffix(a.Body, event("ended")) {
			t.Errorf("the stream says %q", a.Body)
		}
	})
}

// The limits of a server for answers that come to an end do not hold for streams.
func TestStreamOutlivesTheServersTimeouts(t *testing.T) {
	app, err := New(Config{Store: newMemory(t), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(app)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	s := &site{server: server, url: server.URL, app: app}
	v := s.visitor()
	rest := v.listen(t, v.post("/add", "username", "Ada"))
	time.Sleep(time.Second) // by the clock of the kernel, which knows the deadlines
	v.post("/remove")
	if got := rest(); got != event("ended") {
		t.Errorf("the stream says %q", got)
	}
}

// Pages listen only where there is something to hear.
func TestWhichPagesListen(t *testing.T) {
	listens := func(a answer) bool { return strings.Contains(a.Body, "live.js") }
	v := serve(t, Config{Store: newMemory(t)}).visitor()
	if listens(v.get("/")) || listens(v.get("/add")) {
		t.Error("a stranger's page listens")
	}
	for _, a := range []answer{v.post("/add", "username", "Ada"), v.get("/devices"), v.get("/remove")} {
		if !listens(a) {
			t.Errorf("%q does not listen", a.heading())
		}
	}
	v = serve(t, Config{Keys: [][]byte{newKey()}}).visitor()
	if a := v.post("/add", "username", "Ada"); listens(a) || v.get("/live/"+a.handle()).StatusCode != http.StatusNotFound {
		t.Error("a session in a cookie is listened to")
	}
}
