package cloakroom_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// What lists a user's sessions is told by its key, whatever the prefix, and whether
// it is sealed or not.
func TestIsUserKey(t *testing.T) {
	for name, opts := range map[string]cloakroom.Options{
		"defaults":  {},
		"plain IDs": {PlainIDs: true},
		"sealed":    {RecordKeys: [][]byte{sitetest.CookieKey}},
		"a prefix":  {KeyPrefix: "user:app:"},
	} {
		s := sitetest.New(t, opts)
		s.Browser(t).OK(func(s *cloakroom.Session) { s.Login("ada") })
		s.Browser(t).OK(func(s *cloakroom.Session) { s.Set("page", 1) })
		if users, sessions := len(s.Users(t)), len(s.Records(t)); users != 1 || sessions != 2 {
			t.Errorf("%s: %d users' records and %d sessions, want 1 and 2", name, users, sessions)
		}
	}
	hash := strings.Repeat("x", 43)
	for key, want := range map[string]bool{
		"session:user:" + hash:           true,
		"user:" + hash:                   true, // a caller may cut the prefix off
		"session:epoch:" + hash:          true,
		"session:" + hash:                false,
		"session:user:" + hash + "x":     false,
		"session:user:" + hash[1:]:       false,
		"session:user:" + hash[1:] + ":": false,
		"":                               false,
	} {
		if got := cloakroom.IsUserKey(key); got != want {
			t.Errorf("IsUserKey(%q) = %v, want %v", key, got, want)
		}
	}
}
