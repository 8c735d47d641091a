package engine_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func TestUpdate(t *testing.T) {
	n := cloakroom.Key[int]("n")
	b := sitetest.New(t, cloakroom.Options{}).Browser(t)
	add := func(by int) func(*cloakroom.Session) {
		return func(s *cloakroom.Session) { n.Update(s, func(n int) int { return n + by }) }
	}
	is := func(want int) {
		t.Helper()
		b.OK(func(s *cloakroom.Session) {
			if got, _ := n.Get(s); got != want {
				t.Errorf("n is %d, want %d", got, want)
			}
		})
	}
	b.OK(add(5))
	is(5)
	b.OK(func(s *cloakroom.Session) { add(1)(s); add(2)(s) })
	is(8)
	b.OK(func(s *cloakroom.Session) { n.Set(s, 100); add(1)(s) })
	is(101)
	b.OK(func(s *cloakroom.Session) { s.Delete("n"); add(1)(s) })
	is(1)
	b.OK(func(s *cloakroom.Session) { s.Clear(); add(3)(s); add(3)(s) })
	is(6)
	b.OK(func(s *cloakroom.Session) { add(1)(s); n.Set(s, 50) })
	is(50)
	b.OK(func(s *cloakroom.Session) {
		n.Update(s, func(v int) int { sitetest.User.Set(s, "from within"); got, _ := n.Get(s); return v + got })
	})
	is(100)
}

// A function given to Update that changes the value it computes would run for
// ever, since the value is another one each time that it is done.
func TestUpdateThatChangesItsOwnValue(t *testing.T) {
	n := cloakroom.Key[int]("n")
	for name, change := range map[string]func(*cloakroom.Session){
		"Update": func(s *cloakroom.Session) { n.Update(s, func(n int) int { return n + 1 }) },
		"Set":    func(s *cloakroom.Session) { n.Set(s, 7) },
	} {
		s := sitetest.New(t, cloakroom.Options{})
		b := s.Known(t)
		a := b.Visit(func(s *cloakroom.Session) {
			n.Update(s, func(n int) int { change(s); return n + 1 })
		})
		if a.StatusCode != http.StatusInternalServerError {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
		if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "does the function change it itself?") {
			t.Errorf("%s: logged %q", name, lines)
		}
		b.OK(func(s *cloakroom.Session) {
			if s.Has("n") || !s.Has("user") {
				t.Errorf("%s: the session has %q", name, s.Keys())
			}
		})
	}
}

// Inside of a handler that survives its own panic the session can be used.
func TestPanicInUpdateLeavesTheSessionUsable(t *testing.T) {
	b := sitetest.New(t, cloakroom.Options{}).Begin(t, map[string]any{"visits": 7})
	b.OK(func(s *cloakroom.Session) {
		func() {
			defer func() { recover() }()
			sitetest.Visits.Update(s, func(int) int { panic("a bug in the program") })
		}()
		sitetest.Count(s)
	})
	if got := b.Values()["visits"]; got != int64(8) {
		t.Errorf("got %v, want 8", got)
	}
}
