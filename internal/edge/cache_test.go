package edge_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// Every kind of read counts as access: an answer that depends on the session,
// if only on its length, must not be handed to somebody else by a cache.
func TestEveryReadCountsAsAccess(t *testing.T) {
	uses := map[string]func(*cloakroom.Session){
		"Get":       func(s *cloakroom.Session) { s.Get("x") },
		"Key.Get":   func(s *cloakroom.Session) { sitetest.User.Get(s) },
		"Key.Pop":   func(s *cloakroom.Session) { sitetest.User.Pop(s) },
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
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) { s.Set("other", 1) })
	for name, use := range uses {
		s.Calls()
		for who, b := range map[string]*sitetest.Browser{"a visitor with a session": b, "a visitor without": s.Browser(t)} {
			a := b.OK(use)
			if a.Header.Get("Vary") != "Cookie" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s by %s: Vary %q, Cache-Control %q", name, who, a.Header.Get("Vary"), a.Header.Get("Cache-Control"))
			}
			if len(a.SetCookie) != 0 {
				t.Errorf("%s by %s: Set-Cookie %q", name, who, a.SetCookie)
			}
		}
		sitetest.Equal(t, name, s.Calls(), "Load")
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
			s := sitetest.NewTLS(t, cloakroom.Options{})
			a := s.Browser(t).Get("/", func(w http.ResponseWriter, r *http.Request) {
				if c.vary != nil {
					w.Header()["Vary"] = c.vary
				}
				if c.cache != nil {
					w.Header()["Cache-Control"] = c.cache
				}
				cloakroom.From(r).Len()
			})
			sitetest.Equal(t, "Vary", a.Header["Vary"], c.wantVary...)
			sitetest.Equal(t, "Cache-Control", a.Header["Cache-Control"], c.wantCache...)
		})
	}
}

// Caches may store Set-Cookie (RFC 9111, section 7.3): an answer that carries a
// ticket, or its removal, says no-store whatever the handler has said, to every
// kind of cache. That is logged once, if a shared cache could have kept it.
func TestTicketsAreNotForCaches(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		logged int
	}{
		"nothing":            {http.Header{}, 0},
		"private":            {http.Header{"Cache-Control": {"private, max-age=60"}}, 0},
		"no-cache":           {http.Header{"Cache-Control": {"no-cache"}}, 0},
		"not for a moment":   {http.Header{"Cache-Control": {"max-age=0, must-revalidate"}}, 0},
		"no-store of a CDN":  {http.Header{"Cdn-Cache-Control": {"no-store"}}, 0},
		"Expires":            {http.Header{"Expires": {"Thu, 01 Jan 2099 00:00:00 GMT"}}, 0},
		"nginx told not to":  {http.Header{"X-Accel-Expires": {"0"}}, 0},
		"public":             {http.Header{"Cache-Control": {"public, max-age=60"}}, 1},
		"in capitals":        {http.Header{"Cache-Control": {"PUBLIC"}}, 1},
		"max-age":            {http.Header{"Cache-Control": {"max-age=60"}}, 1},
		"in a second line":   {http.Header{"Cache-Control": {"must-revalidate", "s-maxage=60"}}, 1},
		"a CDN":              {http.Header{"Cache-Control": {"no-store"}, "Cdn-Cache-Control": {"max-age=60"}}, 1},
		"Cloudflare":         {http.Header{"Cloudflare-Cdn-Cache-Control": {"max-age=60"}}, 1},
		"Fastly":             {http.Header{"Surrogate-Control": {"max-age=60"}}, 1},
		"Akamai":             {http.Header{"Edge-Control": {"cache-maxage=60s"}, "Akamai-Cache-Control": {"max-age=60"}}, 1},
		"nginx":              {http.Header{"X-Accel-Expires": {"60"}}, 1},
		"not canonical":      {http.Header{"surrogate-control": {"max-age=60"}, "cache-control": {"public"}}, 1},
		"every kind at once": {http.Header{"Cache-Control": {"public"}, "CDN-Cache-Control": {"public"}, "Surrogate-Control": {"public"}, "Expires": {"0"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, cloakroom.Options{})
			b := s.Browser(t)
			answer := func(use func(*cloakroom.Session)) {
				t.Helper()
				a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
					maps.Copy(w.Header(), c.header)
					w.Header().Set("X-Other-Control", "kept")
					use(cloakroom.From(r))
				})
				if len(a.SetCookie) == 0 {
					t.Fatal("no Set-Cookie")
				}
				sitetest.Equal(t, "Cache-Control", a.Header["Cache-Control"], "no-store")
				sitetest.Equal(t, "Vary", a.Header["Vary"], "Cookie")
				for name := range a.Header {
					switch name {
					case "Cache-Control", "Vary", "Set-Cookie", "X-Other-Control", "Date", "Content-Length", "Content-Type":
					default:
						t.Errorf("%s: %q", name, a.Header[name])
					}
				}
			}
			answer(sitetest.SetUser)
			answer((*cloakroom.Session).Regenerate)
			answer(func(s *cloakroom.Session) { s.SetPermanent(true) })
			answer((*cloakroom.Session).Destroy)
			lines := s.Log.Lines()
			if len(lines) != c.logged || c.logged > 0 && !strings.Contains(lines[0], "advice=") {
				t.Errorf("logged %q, want %d", lines, c.logged)
			}
		})
	}
}

// The error page may carry a ticket too, and no cache should keep any error
// page.
func TestErrorPagesAreNotForCaches(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Surrogate-Control", "max-age=60")
		w.WriteHeader(http.StatusServiceUnavailable)
	}})
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("CDN-Cache-Control", "max-age=60")
			next.ServeHTTP(w, r)
		})
	}
	b := s.Known(t)
	for op, nth := range map[cloakroomtest.Op]int{cloakroomtest.OpSave: 2, cloakroomtest.OpLoad: 1} {
		s.Store.Inject(cloakroomtest.Fault{Op: op, Nth: nth, Err: sitetest.ErrRefused})
		a := b.Visit((*cloakroom.Session).Regenerate)
		if a.StatusCode != http.StatusServiceUnavailable || op == cloakroomtest.OpSave && len(a.SetCookie) == 0 {
			t.Errorf("%s fails: got %v, %d lines of Set-Cookie", op, a, len(a.SetCookie))
		}
		sitetest.Equal(t, "Cache-Control", a.Header["Cache-Control"], "no-store")
		for _, name := range []string{"Cdn-Cache-Control", "Surrogate-Control"} {
			sitetest.Equal(t, name, a.Header[name])
		}
		s.Store.Heal()
	}
}

// A buffer around the Manager sends the header in the end, with what was set
// after the first byte.
func TestCacheHeaderThatComesLate(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	h := http.Header{}
	s.Manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Set("a", 1)
		io.WriteString(w, "text")
		w.Header().Set("Cache-Control", "public")
		w.Header().Set("CDN-Cache-Control", "max-age=60")
	})).ServeHTTP(buffer{h}, httptest.NewRequest("GET", "/", nil))
	if len(h["Set-Cookie"]) != 1 || h.Get("Cache-Control") != "no-store" || len(h.Values("CDN-Cache-Control")) != 0 {
		t.Errorf("sent with %v", h)
	}
}

// A buffer is a response writer that sends nothing yet.
type buffer struct{ h http.Header }

func (b buffer) Header() http.Header             { return b.h }
func (b buffer) WriteHeader(int)                 {}
func (b buffer) Write(p []byte) (n int, _ error) { return len(p), nil }
