package flask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/internal/storeurl"
)

// A Source is one place that configuration comes from: FromMap, FromFile or
// FromEnv.
type Source struct {
	read func() ([]setting, error)
}

// setting is one value of a Source.
type setting struct {
	path   []string // the key; more than one part in a nested variable
	value  any
	origin string
	plain  bool // a variable of the environment without Flask's prefix
}

// FromMap is the configuration in m, with Flask's keys, as app.config.update
// has it. Keys that have nothing to do with sessions are left alone. Text, []byte,
// bool, Go's numbers, json.Number, time.Duration, fs.FileMode, http.SameSite,
// slices and maps are understood where they fit.
func FromMap(m map[string]any) Source {
	return Source{func() ([]setting, error) { return fromMap(m, "map"), nil }}
}

// FromFile is the configuration in a file, as app.config.from_file has it: load
// makes a map of its contents, in TOML say. A nil load reads JSON. Load opens
// the file; its error matches fs.ErrNotExist if there is none.
func FromFile(path string, load func([]byte) (map[string]any, error)) Source {
	return Source{func() ([]setting, error) {
		origin := "file " + path
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, &ConfigError{Source: origin, Problem: "cannot be read: " + reason(err), Err: err}
		}
		if load == nil {
			load = loadJSON
		}
		m, err := load(data)
		if err != nil {
			return nil, &ConfigError{Source: origin, Problem: "cannot be parsed: " + where(data, err), Err: storeurl.Hide("the parser's error is not shown, since it may quote a secret", err)}
		}
		return fromMap(m, origin), nil
	}}
}

func fromMap(m map[string]any, origin string) []setting {
	var settings []setting
	for _, name := range slices.Sorted(maps.Keys(m)) {
		settings = append(settings, setting{path: []string{name}, value: m[name], origin: origin})
	}
	return settings
}

// reason is err without the path, which the caller shows.
func reason(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

var lineNumber = regexp.MustCompile(`(?i)\b(?:line|row)[ :]+([0-9]{1,9})`)

// where says in which line a parser found its mistake. Its own words are not
// shown: they quote the file, which holds secrets.
func where(data []byte, err error) string {
	if p, ok := errors.AsType[*problem](err); ok {
		return p.text
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		end := min(max(int(e.Offset), 0), len(data))
		return fmt.Sprintf("a mistake in line %d", 1+bytes.Count(data[:end], []byte("\n")))
	}
	if m := lineNumber.FindStringSubmatch(err.Error()); m != nil {
		return "a mistake in line " + m[1]
	}
	return "its parser says no line"
}

// apply puts the values of s into c and returns what is wrong with them.
func (c *Config) apply(s Source) []error {
	if s.read == nil {
		return nil
	}
	settings, err := s.read()
	if err != nil {
		return []error{err}
	}
	var problems []error
	for _, v := range settings {
		if err := c.set(v); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

func (c *Config) set(s setting) error {
	name := s.path[0]
	k, ok := keyByName[name]
	if !ok || len(s.path) > 1 && k.kind != kindTable {
		return unknown(s)
	}
	value := s.value
	if s.plain {
		if name == "SERVER_NAME" {
			return nil // CGI's
		}
		value = plainValue(k, value)
	}
	var err error
	switch {
	case len(s.path) > 1:
		err = c.setBind(s.path[1:], value)
	case value == nil && k.null == "":
		err = problemf("may not be null")
	default:
		err = k.set(c, value)
	}
	if err != nil {
		return k.failed(s.origin, err)
	}
	c.origins[name] = s.origin
	return nil
}

// unknown returns an error if the key of s, which is none, looks like one.
func unknown(s setting) error {
	name := strings.Join(s.path, "__")
	upper, near := strings.ToUpper(name), nearestKey(name)
	if s.plain && name != upper || !strings.HasPrefix(upper, "SESSION_") && !nearMiss(name, near) {
		return nil
	}
	e := &ConfigError{Key: name, Source: s.origin, Nearest: near, Problem: "is no key of Flask or Flask-Session"}
	switch joined := strings.Join(s.path, "_"); {
	case isKey(s.path[0]):
		e.Problem, e.Nearest = "takes one value, not a table of them", ""
		if isKey(joined) {
			e.Nearest = joined
		}
	case name != upper && isKey(upper):
		e.Problem = "Flask takes no notice of keys in lower case"
	}
	return e
}

// nearMiss reports whether name is the key near but for one slip. Other keys
// that do not begin with SESSION_ may well belong to something else, such as
// SECRET_KEY_BASE.
func nearMiss(name, near string) bool {
	return near != "" && distance(squeeze(name), squeeze(near)) <= 1
}

func (k *configKey) failed(origin string, err error) error {
	e := &ConfigError{Key: k.name, Source: origin, Problem: err.Error()}
	if p, ok := errors.AsType[*problem](err); ok {
		e.Nearest = p.nearest
	}
	return e
}
