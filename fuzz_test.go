package cloakroom_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
)

func fuzzCookies(f *testing.F, add ...string) {
	for _, value := range malformed {
		f.Add("__Host-session=" + value)
		f.Add("__Host-session=" + value + "; __Host-session=" + dead)
	}
	for _, header := range append(add, "", ";", "=", ";;==;;", "__Host-session", "__Host-session=", strings.Repeat("__Host-session=a;", 1000)) {
		f.Add(header)
	}
}

// serve makes a request with the header, as a server would that let all bytes
// pass.
func serve(t *testing.T, s *site, header string, use func(*cloakroom.Session)) {
	r := httptest.NewRequest("GET", "/a/b", nil)
	r.Header["Cookie"] = []string{header}
	rec := httptest.NewRecorder()
	s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	fuzzCookies(f, "__Host-session="+dead)
	f.Fuzz(func(t *testing.T, header string) {
		s := newLocalSite(t, cloakroom.Options{})
		serve(t, s, header, func(s *cloakroom.Session) { s.Len(); s.Destroy() })
		calls := s.store.all()
		if len(calls) > 4 {
			t.Errorf("%d store calls", len(calls))
		}
		for _, call := range calls {
			if call.op != "Load" || store.CheckKey(call.key) != nil {
				t.Errorf("%s of a key that is none", call.op)
			}
		}
		if len(calls) > 0 && (!strings.Contains(header, "__Host-session=") || !anID.MatchString(header)) {
			t.Error("a store call without a ticket")
		}
		serve(t, s, header, setUser)
	})
}

func FuzzSealedCookie(f *testing.F) {
	fuzzCookies(f)
	f.Fuzz(func(t *testing.T, header string) {
		s := newLocalSealedSite(t, cloakroom.Options{})
		serve(t, s, header, func(s *cloakroom.Session) {
			if !s.IsNew() {
				t.Error("a ticket was forged")
			}
			s.Destroy()
		})
		serve(t, s, header, setUser)
	})
}

// A record of any bytes: a new session if it makes no sense, and never a
// crash, also when it is changed.
func FuzzRecord(f *testing.F) {
	for _, data := range []string{"", "\x80", "{}", string(odd), `{"_flashes":[["a","b"],7],"_created":1e99,"_permanent":1}`,
		"\x82\xa8_created\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa8_flashes\x91\x92\xa1a\xa1b", "\xdf\xff\xff\xff\xff",
		"\x81\xa8_created\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newLocalSite(t, cloakroom.Options{PlainIDs: true})
		s.plant(t, "session:"+dead, store.Record{Data: data, Expires: time.Now().Add(time.Hour)})
		header := "__Host-session=" + dead
		for range 2 {
			serve(t, s, header, func(s *cloakroom.Session) {
				for name := range s.All() {
					user.Get(s)
					cloakroom.Key[map[string]int](name).Get(s)
				}
				s.Flashes()
				s.Flash("c", "m")
				s.SetPermanent(!s.Permanent())
				s.Set("new", 1)
				s.Expires()
			})
		}
	})
}
