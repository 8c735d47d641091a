package cloakroom_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store/memstore"
)

var user = cloakroom.Key[string]("user")

func setUser(s *cloakroom.Session) { user.Set(s, hush+"ada") }

func TestDataComesBackWithTheNextRequest(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	b.ok(func(s *cloakroom.Session) {
		if got, ok := user.Get(s); got != hush+"ada" || !ok {
			t.Errorf("Get: %q, %v", got, ok)
		}
		if s.IsNew() {
			t.Error("IsNew is true for a session that was saved")
		}
	})
	s.browser(t).ok(func(s *cloakroom.Session) {
		if got, ok := user.Get(s); ok || !s.IsNew() {
			t.Errorf("another visitor sees %q", got)
		}
	})
}

func TestUntouchedSessionIsFree(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(setUser)
	s.store.since()
	s.log.events()
	a := b.ok(func(s *cloakroom.Session) {
		if s.Err() != nil || s.Modified() {
			t.Error("an untouched session has an error or changes")
		}
	})
	want(t, "store calls", s.store.since())
	want(t, "events", s.log.events())
	for _, name := range []string{"Set-Cookie", "Vary", "Cache-Control"} {
		if got, ok := a.Header[name]; ok {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Every kind of read counts as access: an answer that depends on the session,
// if only on its length, must not be handed to somebody else by a cache.
func TestEveryReadCountsAsAccess(t *testing.T) {
	uses := map[string]func(*cloakroom.Session){
		"Get":       func(s *cloakroom.Session) { s.Get("x") },
		"Key.Get":   func(s *cloakroom.Session) { user.Get(s) },
		"Key.Pop":   func(s *cloakroom.Session) { user.Pop(s) },
		"Has":       func(s *cloakroom.Session) { s.Has("x") },
		"Pop":       func(s *cloakroom.Session) { s.Pop("x") },
		"Delete":    func(s *cloakroom.Session) { s.Delete("x") },
		"Len":       func(s *cloakroom.Session) { s.Len() },
		"Keys":      func(s *cloakroom.Session) { s.Keys() },
		"All":       func(s *cloakroom.Session) { s.All()(func(string, any) bool { return true }) },
		"Flashes":   func(s *cloakroom.Session) { s.Flashes() },
		"IsNew":     func(s *cloakroom.Session) { s.IsNew() },
		"Permanent": func(s *cloakroom.Session) { s.Permanent() },
		"Expires":   func(s *cloakroom.Session) { s.Expires() },
		"Handle":    func(s *cloakroom.Session) { s.Handle() },
	}
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	b.ok(func(s *cloakroom.Session) { s.Set("other", 1) })
	for name, use := range uses {
		s.store.since()
		for who, b := range map[string]*browser{"a visitor with a session": b, "a visitor without": s.browser(t)} {
			a := b.ok(use)
			if a.Header.Get("Vary") != "Cookie" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s by %s: Vary %q, Cache-Control %q", name, who, a.Header.Get("Vary"), a.Header.Get("Cache-Control"))
			}
			if len(a.cookies) != 0 {
				t.Errorf("%s by %s: Set-Cookie %q", name, who, a.cookies)
			}
		}
		want(t, name, s.store.since(), "Load")
	}
}

func TestCacheHeadersRespectTheHandler(t *testing.T) {
	for name, c := range map[string]struct {
		vary, cache         []string
		wantVary, wantCache []string
	}{
		"nothing set":                   {nil, nil, []string{"Cookie"}, []string{"no-store"}},
		"other Vary":                    {[]string{"Accept"}, nil, []string{"Accept", "Cookie"}, []string{"no-store"}},
		"Cookie already":                {[]string{"Accept, cookie"}, nil, []string{"Accept, cookie"}, []string{"no-store"}},
		"Cookie in a second line":       {[]string{"Accept", "COOKIE"}, nil, []string{"Accept", "COOKIE"}, []string{"no-store"}},
		"star":                          {[]string{"Accept, *"}, nil, []string{"Accept, *"}, []string{"no-store"}},
		"a name that only holds Cookie": {[]string{"X-Cookie"}, nil, []string{"X-Cookie", "Cookie"}, []string{"no-store"}},
		"own Cache-Control":             {nil, []string{"private, max-age=60"}, []string{"Cookie"}, []string{"private, max-age=60"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, cloakroom.Options{})
			a := s.browser(t).get("/", func(w http.ResponseWriter, r *http.Request) {
				if c.vary != nil {
					w.Header()["Vary"] = c.vary
				}
				if c.cache != nil {
					w.Header()["Cache-Control"] = c.cache
				}
				cloakroom.From(r).Len()
			})
			want(t, "Vary", a.Header["Vary"], c.wantVary...)
			want(t, "Cache-Control", a.Header["Cache-Control"], c.wantCache...)
		})
	}
}

func TestFromWithoutManagerSaysWhatIsMissing(t *testing.T) {
	other, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	panics := func(name string, f func()) {
		t.Helper()
		defer func() {
			if got, ok := recover().(string); !ok || !strings.Contains(got, "in main, serve sessions.Handler(mux) instead of mux") {
				t.Errorf("%s panics with %q", name, got)
			}
		}()
		f()
	}
	r := httptest.NewRequest("GET", "/", nil)
	panics("From", func() { cloakroom.From(r) })
	panics("Manager.From", func() { other.From(r) })
	newSite(t, cloakroom.Options{}).browser(t).get("/", func(w http.ResponseWriter, r *http.Request) {
		panics("Manager.From of another Manager", func() { other.From(r) })
	})
}

// Also for a middleware between the two: it has the session that the handler
// has, or a new visitor would get two.
func TestHandlerWrappedTwiceActsOnce(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	s.outer = func(h http.Handler) http.Handler {
		return s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cloakroom.From(r).Set("between", true)
			h.ServeHTTP(w, r)
		}))
	}
	b := s.browser(t)
	a := b.ok(func(session *cloakroom.Session) {
		setUser(session)
		want(t, "Keys", session.Keys(), "between", "user")
	})
	want(t, "store calls", s.store.since(), "Save")
	if len(a.cookies) != 1 || len(a.Header["Vary"]) != 1 {
		t.Errorf("Set-Cookie %q, Vary %q", a.cookies, a.Header["Vary"])
	}
}

func TestPatternIsSeenAroundTheManager(t *testing.T) {
	s := newLocalSite(t, cloakroom.Options{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /item/{id}", func(http.ResponseWriter, *http.Request) {})
	r := httptest.NewRequest("GET", "/item/7", nil)
	s.m.Handler(mux).ServeHTTP(httptest.NewRecorder(), r)
	if r.Pattern != "GET /item/{id}" {
		t.Errorf("the pattern is %q", r.Pattern)
	}
}

func TestPanicSavesNothing(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	b := s.browser(t)
	if _, err := b.send(b.request("/"), func(w http.ResponseWriter, r *http.Request) {
		setUser(cloakroom.From(r))
		panic("on purpose")
	}); err == nil {
		t.Error("the panic did not end the connection")
	}
	want(t, "store calls", s.store.since())
}

// A recover middleware within the Manager answers, and so the session is saved
// as with every answer.
func TestPanicThatWasRecoveredSaves(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	s.inner = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					http.Error(w, "sorry", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	b := s.browser(t)
	a := b.get("/", func(w http.ResponseWriter, r *http.Request) {
		setUser(cloakroom.From(r))
		panic("on purpose")
	})
	if a.StatusCode != http.StatusInternalServerError || len(a.cookies) != 1 {
		t.Errorf("answered with %d, Set-Cookie %q", a.StatusCode, a.cookies)
	}
	want(t, "store calls", s.store.since(), "Save")
}

func TestPreloadKeepsTheHandlerFromRunning(t *testing.T) {
	s := newSite(t, cloakroom.Options{})
	s.inner = s.m.Preload
	b := s.browser(t)
	b.ok(setUser)
	ran := false
	h := func(w http.ResponseWriter, r *http.Request) { ran = true; io.WriteString(w, "done") }
	a := b.get("/", h)
	if !ran || a.body != "done" || a.Header.Get("Vary") != "Cookie" {
		t.Errorf("ran %v, body %q, Vary %q", ran, a.body, a.Header.Get("Vary"))
	}
	s.breakStore()
	ran = false
	if a = b.get("/", h); ran || a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without a store: ran %v, status %d", ran, a.StatusCode)
	}
}
