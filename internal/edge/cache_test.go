package edge_test

import (
	"net/http"
	"testing"

	"github.com/cloakroom/cloakroom"
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
