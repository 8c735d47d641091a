package flask

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const envPrefix = "FLASK_"

// FromEnv is the configuration in environ, which is os.Environ(). Two kinds of
// variables are read. Those with Flask's prefix, as FLASK_SECRET_KEY, go by the
// rules of app.config.from_prefixed_env: a value that is JSON is what it says,
// anything else is text, and __ reaches into a table, as in
// FLASK_SQLALCHEMY_BINDS__users. Those without prefix, as SECRET_KEY, are text
// where the key takes text, and JSON otherwise. A variable with the prefix wins over
// the same without.
//
// Variables that desktops and Kubernetes set for services of their own, such as
// SESSION_MANAGER and SESSION_REDIS_SERVICE_HOST, are left alone.
func FromEnv(environ []string) Source {
	return Source{func() ([]setting, error) { return fromEnv(environ), nil }}
}

func fromEnv(environ []string) []setting {
	var plain, prefixed []setting
	for _, v := range variables(environ) {
		name, isPrefixed := strings.CutPrefix(v.name, envPrefix)
		if name == "" || foreign(name, v.value) {
			continue
		}
		s := setting{path: []string{name}, value: v.value, origin: "environment " + v.name}
		if !isPrefixed {
			s.plain = true
			plain = append(plain, s)
			continue
		}
		s.path = strings.Split(name, "__")
		s.value = envValue(v.value)
		prefixed = append(prefixed, s)
	}
	return append(plain, prefixed...)
}

// envValue is what from_prefixed_env makes of a variable's text.
func envValue(text string) any {
	if v, err := parseJSON(text); err == nil {
		return v
	}
	return text
}

type variable struct{ name, value string }

// variables returns the variables sorted by name, the first of each name, as
// Go and Python look them up.
func variables(environ []string) []variable {
	var vars []variable
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && name != "" {
			vars = append(vars, variable{name, value})
		}
	}
	slices.SortStableFunc(vars, func(a, b variable) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(vars, func(a, b variable) bool { return a.name == b.name })
}

// Kubernetes and Docker's links describe each service that they know in
// variables of these forms.
var (
	serviceVariable = regexp.MustCompile(`_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)
	serviceURL      = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

// foreign reports whether a variable is not ours though its name begins with
// SESSION_.
func foreign(name, value string) bool {
	return name == "SESSION_MANAGER" || // X11's, on every Linux desktop
		serviceVariable.MatchString(name) ||
		strings.HasSuffix(name, "_PORT") && serviceURL.MatchString(value)
}

// plainValue reads a variable that has no prefix, where Flask leaves the
// reading to the program: a key that takes text takes all of it.
func plainValue(k *configKey, value any) any {
	text, ok := value.(string)
	if !ok || k.kind.text {
		return value
	}
	return envValue(text)
}

// validText refuses what is no text in Python either, or cannot be encoded.
func validText(s string) error {
	if !utf8.ValidString(s) {
		return problemf("is not valid UTF-8")
	}
	if strings.ContainsRune(s, 0) {
		return problemf("has a NUL character in it")
	}
	return nil
}
