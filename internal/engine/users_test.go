package engine_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

func login(user string) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) { s.Login(user) }
}

// What a login costs is said in docs/users.md.
func TestCallsOfALogin(t *testing.T) {
	for _, c := range []struct {
		name                    string
		store                   store.Store
		first, again, anonymous string
	}{
		{"one by one", sitetest.Memory(t), "Load Save Save", "Load Load Save Save Save Save", "Load Save Save Save"},
		{"at once", sitetest.AtOnce(t), "Load SaveAll", "Load Load SaveAll SaveAll", "Load Save SaveAll"},
	} {
		t.Run(c.name, func(t *testing.T) { testCallsOfALogin(t, c.store, c.first, c.again, c.anonymous) })
	}
}

func testCallsOfALogin(t *testing.T, records store.Store, first, again, anonymously string) {
	s := sitetest.NewOn(t, records, cloakroom.Options{})
	calls := func(what, want string) {
		t.Helper()
		sitetest.Equal(t, what, s.Calls(), strings.Fields(want)...)
	}
	a, b, nobody := s.Browser(t), s.Begin(t, map[string]any{"cart": 1}), s.Begin(t, map[string]any{"cart": 1})
	s.Calls()

	a.OK(login("ada"))
	calls("of a visitor without a session", first)
	b.OK(login("ada"))
	calls("of a visitor with a session", again)
	b.OK(login("ada"))
	calls("of a user who confirms his password", again)
	b.OK(login("bob"))
	calls("of another user", again)
	b.OK((*cloakroom.Session).Regenerate)
	calls("regenerate", again)
	nobody.OK((*cloakroom.Session).Regenerate)
	calls("regenerate of a visitor", anonymously)
	b.OK((*cloakroom.Session).Destroy)
	calls("logout", "Load Save")

	// Requests of a visitor who is logged in, and of one who is not.
	anonymous := s.Begin(t, map[string]any{"cart": 1})
	s.Calls()
	for name, c := range map[string]struct {
		use  func(*cloakroom.Session)
		want string
	}{
		"reads":   {func(s *cloakroom.Session) { s.User(); s.LoginTime(); s.Get("cart") }, "Load"},
		"changes": {sitetest.Set("cart", 2), "Load Save"},
		"counts":  {sitetest.Count, "Load Save"},
	} {
		for who, b := range map[string]*sitetest.Browser{"a user": a, "nobody": anonymous} {
			b.OK(c.use)
			calls(who+" "+name, c.want)
		}
	}

	// The user has three entries by now, of which one leads to a session.
	if devices, err := s.Manager.Devices(t.Context(), "ada"); err != nil || len(devices) != 1 {
		t.Fatal(devices, err)
	}
	calls("Devices", "Load LoadAll")
	s.Browser(t).OK(login("ada"))
	s.Calls()
	devices, err := s.Manager.Devices(t.Context(), "ada")
	if err != nil || len(devices) != 2 {
		t.Fatal(devices, err)
	}
	calls("Devices of two", "Load LoadAll")
	if err := s.Manager.Revoke(t.Context(), "ada", devices[1].Handle); err != nil {
		t.Fatal(err)
	}
	calls("Revoke", "Load Load Save Load Save")
	if err := s.Manager.RevokeUser(t.Context(), "ada", devices[0].Handle); err != nil {
		t.Fatal(err)
	}
	s.Calls()
	if left, err := s.Manager.Devices(t.Context(), "ada"); err != nil || len(left) != 1 || left[0].Handle != devices[0].Handle {
		t.Errorf("left are %v, %v", left, err)
	}
	calls("Devices of what was spared", "Load LoadAll")
	if err := s.Manager.RevokeUser(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	calls("RevokeUser", "Load Load Save Load Save")
	if err := s.Manager.RevokeUser(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	calls("RevokeUser of nobody", "Load")
}

// A store whose client tries again, since the first answer was lost, meets what it
// has saved itself. It is one login all the same.
func TestLoginThatIsSavedTwice(t *testing.T) {
	for name, user := range map[string]bool{"a new visitor": false, "a visitor with a session": true} {
		s := sitetest.NewOn(t, sitetest.AtOnce(t), cloakroom.Options{})
		b := s.Browser(t)
		if user {
			b = s.Begin(t, map[string]any{"cart": 1})
		}
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSaveAll, AnswerLost: true, Err: store.ErrConflict})
		b.OK(login("ada"))
		s.Store.Heal()
		b.OK(func(s *cloakroom.Session) {
			if s.User() != "ada" {
				t.Errorf("%s: the session is of %q", name, s.User())
			}
		})
		if records := s.Records(t); len(records) != 1 {
			t.Errorf("%s: %d sessions, want 1", name, len(records))
		}
	}
}
