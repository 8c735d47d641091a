package edge_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

var bearerLine = regexp.MustCompile(`(?is)^[ \t]*bearer(?:[ \t]+(.*?))?[ \t]*$`)

// Whatever the headers say: the session opens by its own ticket alone, which no
// other one may differ from, and the answer goes where the ticket came from. In
// a header LIVE stands for a ticket that opens a session, DEAD for one that does
// not.
func FuzzTransports(f *testing.F) {
	for _, auth := range []string{"", "Bearer", "Bearer LIVE", "bearer\t LIVE ", "Bearer DEAD", "BearerLIVE", "Basic LIVE", "Bearer LIVE, Bearer DEAD", "Bearer \r\nLIVE", "Bearer  \x00"} {
		for _, cookie := range []string{"", "__Host-session=LIVE", "__Host-session=junk; __Host-session=DEAD", `__Host-session="LIVE"`} {
			f.Add(auth, auth, "LIVE", cookie)
			f.Add(auth, "Basic x", "", cookie)
		}
	}
	f.Fuzz(func(t *testing.T, auth, auth2, named, cookie string) {
		s := sitetest.New(t, cloakroom.Options{Transport: []cloakroom.Transport{cloakroom.TransportCookie, cloakroom.TransportBearer, "App-Ticket"}})
		live := s.Known(t).Ticket()
		s.Calls()
		r := httptest.NewRequest("GET", "/", nil)
		var brought []string
		fill := strings.NewReplacer("LIVE", live, "DEAD", sitetest.Dead).Replace
		for _, line := range []string{fill(auth), fill(auth2)} {
			r.Header["Authorization"] = append(r.Header["Authorization"], line)
			if m := bearerLine.FindStringSubmatch(line); m != nil {
				brought = append(brought, m[1])
			}
		}
		if named != "" {
			r.Header["App-Ticket"] = []string{fill(named)}
			brought = append(brought, strings.Trim(fill(named), " \t"))
		}
		r.Header["Cookie"] = []string{fill(cookie)}

		rec, opened := httptest.NewRecorder(), false
		s.Manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			session := cloakroom.From(r)
			opened = session.Has("user")
			session.Set("new", true)
			session.Regenerate()
		})).ServeHTTP(rec, r)

		inHeader := rec.Header()["Session-Ticket"] != nil || rec.Header()["App-Ticket"] != nil
		calls := s.Calls()
		for _, other := range brought {
			if other != brought[0] && (rec.Code != http.StatusBadRequest || opened || inHeader || len(calls) != 0) {
				t.Errorf("status %d, opened %t, in a header %t, store calls %q, for headers that differ", rec.Code, opened, inHeader, calls)
			}
		}
		if rec.Code == http.StatusBadRequest {
			if len(brought) == 0 || len(calls) != 0 {
				t.Errorf("refused without a ticket in a header, store calls %q", calls)
			}
			return
		}
		if rec.Code != http.StatusOK {
			t.Errorf("status %d", rec.Code)
		}
		if inHeader != (len(brought) > 0) || inHeader == (rec.Header()["Set-Cookie"] != nil) {
			t.Errorf("in a header %t, Set-Cookie %d times, where %d headers bring a ticket", inHeader, len(rec.Header()["Set-Cookie"]), len(brought))
		}
		if len(brought) > 0 && opened != (brought[0] == live) {
			t.Errorf("opened %t by a header that holds the ticket: %t", opened, brought[0] == live)
		}
		for _, name := range []string{"Session-Ticket", "App-Ticket"} {
			for _, line := range rec.Header()[name] {
				if !anID.MatchString(line) || len(line) != 43 {
					t.Errorf("%s has %d bytes", name, len(line))
				}
			}
		}
	})
}
