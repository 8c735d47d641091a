package register

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the length of the longest name in characters.
const maxName = 40

// cleanName returns the name that was typed, or the problem with it, to show
// beside the field. Everything that can be seen is a fine name, HTML too: making it
// harmless is the template's business.
func cleanName(typed string) (name, problem string) {
	name = strings.TrimSpace(typed)
	switch {
	case name == "":
		return "", "Please type a name."
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable):
		return "", "Please leave out line breaks and invisible control characters."
	case utf8.RuneCountInString(name) > maxName:
		return "", fmt.Sprintf("Please use at most %d characters; this name has %d.", maxName, utf8.RuneCountInString(name))
	case !strings.ContainsFunc(name, visible):
		return "", "Please type a name that can be seen."
	}
	return name, ""
}

// unprintable reports whether r could change more of the page than its own
// place, or of the terminal that a log is read in.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

func visible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S)
}
