package sitetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
)

// User is a value that tests set.
const User = cloakroom.Key[string]("user")

// SetUser gives User a value that must not turn up in a log.
func SetUser(s *cloakroom.Session) { User.Set(s, Hush+"ada") }

// Has returns a use of a session that fails unless it has a User, or has none.
func Has(t testing.TB, what string, want bool) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) {
		t.Helper()
		if got := s.Has(string(User)); got != want {
			t.Errorf("%s: the session is there: %v, want %v", what, got, want)
		}
	}
}

// Set returns a use of a session that sets one value.
func Set(name string, v any) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) { s.Set(name, v) }
}

// Visits is a counter that tests count with.
const Visits = cloakroom.Key[int]("visits")

// Count adds one to Visits.
func Count(s *cloakroom.Session) { Visits.Update(s, func(n int) int { return n + 1 }) }

// Equal fails unless got and want are the same texts.
func Equal(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// Flashes fails unless got are the messages of pairs: category, message,
// category, and so on.
func Flashes(t testing.TB, what string, got []cloakroom.Flash, pairs ...string) {
	t.Helper()
	var want []cloakroom.Flash
	for pair := range slices.Chunk(pairs, 2) {
		want = append(want, cloakroom.Flash{Category: pair[0], Message: pair[1]})
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// Dead is a ticket that is well-formed, and no session's.
var Dead = strings.Repeat("d", 43)

// Malformed are tickets that no Manager hands out, by what is wrong with them.
// None may reach a store, as a key, a path or a command.
var Malformed = map[string]string{
	"empty":                "",
	"one byte":             "a",
	"42 characters":        strings.Repeat("a", 42),
	"44 characters":        strings.Repeat("a", 44),
	"padding":              strings.Repeat("a", 42) + "=",
	"path":                 "../" + strings.Repeat("a", 40),
	"dots":                 strings.Repeat(".", 43),
	"slash":                strings.Repeat("a", 42) + "/",
	"plus":                 strings.Repeat("a", 42) + "+",
	"percent":              strings.Repeat("a", 40) + "%2e",
	"space inside":         strings.Repeat("a", 21) + " " + strings.Repeat("a", 21),
	"NUL":                  strings.Repeat("a", 42) + "\x00",
	"CR LF":                strings.Repeat("a", 41) + "\r\n",
	"LF inside":            strings.Repeat("a", 21) + "\n" + strings.Repeat("a", 21),
	"memcached's command":  "a\r\nset x 0 0 1\r\ny\r\n" + strings.Repeat("a", 24),
	"not UTF-8":            strings.Repeat("a", 42) + "\xff",
	"letters of elsewhere": strings.Repeat("a", 41) + "é",
	"8 KiB":                strings.Repeat("a", 8<<10),
	"quoted empty":         `""`,
	"one quote":            `"`,
	"quote at start":       `"` + strings.Repeat("a", 42),
	"quoted twice":         `""` + strings.Repeat("a", 43) + `""`,
	"signed":               strings.Repeat("a", 43) + "." + strings.Repeat("b", 27),
	"equals inside":        strings.Repeat("a", 21) + "=" + strings.Repeat("a", 21),
}
