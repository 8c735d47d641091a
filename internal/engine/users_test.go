package engine_test

import (
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

func login(user string) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) { s.Login(user) }
}

// What a login costs is said in docs/users.md.
func TestCallsOfALogin(t *testing.T) {
	s := sitetest.NewTLS(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(login("ada"))
	sitetest.Equal(t, "of a visitor without a session", s.Calls(), "Load", "Save", "Save")
	b.OK(func(s *cloakroom.Session) {
		if u := s.User(); u != "ada" {
			t.Errorf("user %q", u)
		}
	})
	sitetest.Equal(t, "of a request", s.Calls(), "Load")
	b = s.Browser(t)
	b.OK(func(s *cloakroom.Session) { s.Set("cart", 1) })
	s.Calls()
	b.OK(login("ada"))
	sitetest.Equal(t, "of a visitor with a session", s.Calls(), "Load", "Load", "Save", "Save", "Save", "Save")
	devices, err := s.Manager.Devices(t.Context(), "ada")
	t.Log(devices, err)
	if len(devices) != 2 {
		t.Fatal("not two")
	}
	if err := s.Manager.RevokeUser(t.Context(), "ada", devices[0].Handle); err != nil {
		t.Fatal(err)
	}
	devices, err = s.Manager.Devices(t.Context(), "ada")
	t.Log(devices, err)
}
