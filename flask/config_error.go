package flask

import (
	"errors"
	"fmt"
	"strings"
)

// ConfigError is one thing that is wrong with a configuration. It never shows
// a secret, a password, or the value of a key that it does not know.
type ConfigError struct {
	Key     string // as it was written; empty if a whole source could not be read
	Source  string // "map", "file app.toml", "environment FLASK_SECRET_KEY"; empty for defaults and Go code
	Problem string // what is wrong, and what to write instead
	Nearest string // the right name of a key, or a right value, that may have been meant; or empty
	Err     error  // what lies beneath, or nil, for errors.Is; it shows no value either
}

// Error returns one line that names the key, the source and the problem.
func (e *ConfigError) Error() string {
	var b strings.Builder
	b.WriteString("flask: config: ")
	switch {
	case e.Key != "" && e.Source != "":
		fmt.Fprintf(&b, "%s (%s): ", e.Key, e.Source)
	case e.Key != "" || e.Source != "":
		fmt.Fprintf(&b, "%s%s: ", e.Key, e.Source)
	}
	b.WriteString(e.Problem)
	if e.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %s?", e.Nearest)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *ConfigError) Unwrap() error { return e.Err }

// problem is an error about a value, before its key and source are known.
type problem struct{ text, nearest string }

func (p *problem) Error() string { return p.text }

func problemf(format string, args ...any) error {
	return &problem{text: fmt.Sprintf(format, args...)}
}

// refused returns the keys that the problems are about, so that nothing is said
// twice about them.
func refused(problems []error) map[string]bool {
	keys := map[string]bool{}
	for _, err := range problems {
		if e, ok := errors.AsType[*ConfigError](err); ok {
			keys[e.Key] = true
		}
	}
	return keys
}
