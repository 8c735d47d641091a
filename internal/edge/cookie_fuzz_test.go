package edge_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

func fuzzCookies(f *testing.F, add ...string) {
	for _, value := range sitetest.Malformed {
		f.Add("__Host-session=" + value)
		f.Add("__Host-session=" + value + "; __Host-session=" + sitetest.Dead)
	}
	for _, header := range append(add, "", ";", "=", ";;==;;", "__Host-session", "__Host-session=", strings.Repeat("__Host-session=a;", 1000)) {
		f.Add(header)
	}
}

// serve makes a request with the header, as a server would that let all bytes
// pass.
func serve(t *testing.T, s *sitetest.Site, header string, use func(*cloakroom.Session)) {
	r := httptest.NewRequest("GET", "/a/b", nil)
	r.Header["Cookie"] = []string{header}
	rec := httptest.NewRecorder()
	s.Manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		use(cloakroom.From(r))
		w.WriteHeader(http.StatusNoContent)
	})).ServeHTTP(rec, r)
	if rec.Code != http.StatusNoContent {
		t.Errorf("status %d", rec.Code)
	}
	for _, line := range rec.Header()["Set-Cookie"] {
		if strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("Set-Cookie: %q", line)
		}
	}
}

var anID = regexp.MustCompile(`[A-Za-z0-9_-]{43}`)

// Whatever the header says: no panic, no error page, and no store call for what
// is no ticket.
func FuzzCookie(f *testing.F) {
	fuzzCookies(f, "__Host-session="+sitetest.Dead)
	f.Fuzz(func(t *testing.T, header string) {
		s := sitetest.New(t, cloakroom.Options{})
		serve(t, s, header, func(s *cloakroom.Session) { s.Len(); s.Destroy() })
		calls := s.Store.Calls()
		if len(calls) > 1 {
			t.Errorf("%d store calls", len(calls))
		}
		for _, call := range calls {
			if call.Op != cloakroomtest.OpLoad || store.CheckKey(call.Key) != nil {
				t.Errorf("%s of a key that is none", call.Op)
			}
		}
		if len(calls) > 0 && (!strings.Contains(header, "__Host-session=") || !anID.MatchString(header)) {
			t.Error("a store call without a ticket")
		}
		serve(t, s, header, sitetest.SetUser)
	})
}

func FuzzSealedCookie(f *testing.F) {
	fuzzCookies(f)
	f.Fuzz(func(t *testing.T, header string) {
		s := sitetest.NewSealed(t, cloakroom.Options{})
		serve(t, s, header, func(s *cloakroom.Session) {
			if !s.IsNew() {
				t.Error("a ticket was forged")
			}
			s.Destroy()
		})
		serve(t, s, header, sitetest.SetUser)
	})
}
