package cloakroomtest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

type traceKey struct{}

func TestWithSessionIsOneThatWasSaved(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil).WithContext(context.WithValue(t.Context(), traceKey{}, "trace"))
	r = cloakroomtest.WithSession(r, map[string]any{"user": "ada", "n": 7})
	s := cloakroom.From(r)
	if s.IsNew() || s.Modified() || s.Handle() == "" || s.Err() != nil {
		t.Errorf("IsNew %t, Modified %t, Handle %q, Err %v", s.IsNew(), s.Modified(), s.Handle(), s.Err())
	}
	if got := s.Keys(); !slices.Equal(got, []string{"n", "user"}) || s.Get("n") != int64(7) {
		t.Errorf("Keys %q, n %v", got, s.Get("n"))
	}
	if r.Context().Value(traceKey{}) != "trace" || len(r.Cookies()) != 0 {
		t.Error("the request is not what it was, beside the session")
	}
	n := cloakroom.Key[int]("n")
	n.Update(s, func(n int) int { return n + 1 })
	s.Flash("info", "Hello.")
	s.SetPermanent(true)
	if got, _ := n.Get(cloakroom.From(r)); got != 8 || !s.Modified() || len(s.Flashes()) != 1 || !s.Permanent() {
		t.Errorf("n %d, Modified %t, Permanent %t", got, s.Modified(), s.Permanent())
	}
	s.Destroy()
	if !s.IsNew() || s.Len() != 0 {
		t.Errorf("after Destroy: IsNew %t, %d values", s.IsNew(), s.Len())
	}
}

func TestWithSessionWithoutValuesIsNew(t *testing.T) {
	s := cloakroom.From(cloakroomtest.WithSession(httptest.NewRequest("GET", "/", nil), nil))
	if !s.IsNew() || s.Len() != 0 || s.Modified() {
		t.Errorf("IsNew %t, Len %d, Modified %t", s.IsNew(), s.Len(), s.Modified())
	}
}

func TestWithSessionRefusesWhatASessionCannotHold(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	panics(t, "a function", "WithSession", func() { cloakroomtest.WithSession(r, map[string]any{"f": func() {}}) })
	panics(t, "a reserved name", "reserved", func() { cloakroomtest.WithSession(r, map[string]any{"_flashes": 1}) })
}

// The context may end with the handler; the test still looks.
func TestWithSessionOutlivesItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := cloakroomtest.WithSession(httptest.NewRequest("GET", "/", nil).WithContext(ctx), map[string]any{"user": "ada"})
		cancel()
		if got := cloakroom.From(r).Get("user"); got != "ada" {
			t.Errorf("got %v, want ada", got)
		}
	})
}

// shop logs in and out, and counts.
func shop(t *testing.T, s *cloakroomtest.Faulty, opts cloakroom.Options) (*cloakroom.Manager, http.Handler) {
	t.Helper()
	m, err := cloakroom.New(s, opts)
	if err != nil {
		t.Fatal(err)
	}
	return m, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		switch r.URL.Path {
		case "/login":
			s.Regenerate()
			s.Set("user", "ada")
		case "/logout":
			s.Destroy()
		case "/read":
			s.Get("user")
		}
		io.WriteString(w, "done")
	}))
}

func TestSessionBehindAnAnswer(t *testing.T) {
	for name, opts := range map[string]cloakroom.Options{
		"defaults": {}, "own name": {CookieName: "__Secure-shop", Domain: "example.com"}, "insecure": {Insecure: true},
	} {
		t.Run(name, func(t *testing.T) {
			store := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
			m, h := shop(t, store, opts)
			b := cloakroomtest.NewBrowser(h)
			check := func(when string, resp *cloakroomtest.Response, want any) *cloakroom.Session {
				t.Helper()
				of, at := cloakroomtest.SessionOf(m, resp.Response), b.Session(m)
				if of.Get("user") != want || at.Get("user") != want || of.IsNew() != (want == nil) || of.Handle() != at.Handle() {
					t.Errorf("%s: user %v and %v, want %v; handles %q and %q", when, of.Get("user"), at.Get("user"), want, of.Handle(), at.Handle())
				}
				return of
			}
			check("before", b.Get("/read"), nil)
			s := check("logged in", b.Get("/login"), "ada")
			check("again", b.Get("/read"), "ada")
			check("logged out", b.Get("/logout"), nil)
			if s.Get("user") != "ada" || s.Err() != nil {
				t.Error("the session that was opened before the logout is not as it was")
			}
			s.Set("user", "eve") // goes nowhere
			check("at last", b.Get("/read"), nil)
		})
	}
}

func TestSessionBehindARecordedAnswer(t *testing.T) {
	store := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	m, h := shop(t, store, cloakroom.Options{})
	play := func(path string, cookies []*http.Cookie) *http.Response {
		r := httptest.NewRequest("GET", "https://example.com"+path, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		resp := w.Result()
		resp.Request = r
		return resp
	}
	first := play("/login", nil)
	for when, c := range map[string]struct {
		resp *http.Response
		want any
	}{
		"at login":            {first, "ada"},
		"reading":             {play("/read", first.Cookies()), "ada"},
		"another who logs in": {play("/login", nil), "ada"},
		"nobody":              {play("/read", nil), nil},
	} {
		if got := cloakroomtest.SessionOf(m, c.resp).Get("user"); got != c.want {
			t.Errorf("%s: got %v, want %v", when, got, c.want)
		}
	}
	out := play("/logout", first.Cookies())
	if !cloakroomtest.SessionOf(m, out).IsNew() || !cloakroomtest.SessionOf(m, first).IsNew() {
		t.Error("the session is there after the logout")
	}
	out.Request = nil
	if !cloakroomtest.SessionOf(m, out).IsNew() {
		t.Error("an answer that removes the cookie has a session")
	}
}

func TestSessionThatCannotBeOpened(t *testing.T) {
	store := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	var told int
	m, h := shop(t, store, cloakroom.Options{Hooks: cloakroom.Hooks{Error: func(context.Context, cloakroom.Event) { told++ }}})
	b := cloakroomtest.NewBrowser(h)
	b.Get("/login")
	store.Inject(cloakroomtest.Fault{Err: errors.New("wire cut")})
	if s := b.Session(m); !errors.Is(s.Err(), cloakroom.ErrUnavailable) || told != 1 {
		t.Errorf("Err %v, hook called %d times", s.Err(), told)
	}
}

func TestAManagerReplacesTheSessionOfWithSession(t *testing.T) {
	m, err := cloakroom.New(memstore.New(memstore.Options{}), cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := cloakroomtest.WithSession(httptest.NewRequest("GET", "/", nil), map[string]any{"user": "ada"})
	rec := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := cloakroom.From(r); s.Has("user") || s != m.From(r) {
			t.Error("it is not the Manager's session")
		}
	})).ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		t.Errorf("status %d: %s", rec.Code, rec.Body)
	}
}
