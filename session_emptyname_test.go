package cloakroom_test

import (
	"testing"

	"github.com/cloakroom/cloakroom"
)

func TestEmptyNameIsAName(t *testing.T) {
	b := newLocalSite(t, cloakroom.Options{Lifetime: cloakroom.NoLimit}).browser(t)
	b.ok(func(s *cloakroom.Session) { s.Set("", "nameless") })
	b.ok(func(s *cloakroom.Session) {
		if got := s.Get(""); got != "nameless" {
			t.Errorf("value = %v", got)
		}
	})
}
