package cloakroom_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
)

// A function given to Update that changes the value it computes would run for
// ever, since the value is another one each time that it is done.
func TestUpdateThatChangesItsOwnValue(t *testing.T) {
	n := cloakroom.Key[int]("n")
	for name, change := range map[string]func(*cloakroom.Session){
		"Update": func(s *cloakroom.Session) { n.Update(s, func(n int) int { return n + 1 }) },
		"Set":    func(s *cloakroom.Session) { n.Set(s, 7) },
	} {
		s := newLocalSite(t, cloakroom.Options{})
		b := s.browser(t)
		b.ok(setUser)
		a := b.visit(func(s *cloakroom.Session) {
			n.Update(s, func(n int) int { change(s); return n + 1 })
		})
		if a.StatusCode != http.StatusInternalServerError {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
		if lines := s.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "does the function change it itself?") {
			t.Errorf("%s: logged %q", name, lines)
		}
		b.ok(func(s *cloakroom.Session) {
			if s.Has("n") || !s.Has("user") {
				t.Errorf("%s: the session has %q", name, s.Keys())
			}
		})
	}
}
