package cloakroom_test

import (
	"testing"

	"github.com/cloakroom/cloakroom"
)

// A message may quote what a visitor typed, and that may be anything.
func TestFlashOfTextThatIsNotUTF8(t *testing.T) {
	const text = "Welcome, na\xefve."
	b := newLocalSite(t, cloakroom.Options{}).browser(t)
	b.ok(func(s *cloakroom.Session) { s.Flash("success", text) })
	b.ok(func(s *cloakroom.Session) { wantFlashes(t, "quoted", s.Flashes(), "success", text) })
}
