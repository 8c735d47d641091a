package flask_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/flask"
)

// FuzzConfigFromEnv gives one variable any name and value, once as it is and
// once with Flask's prefix.
func FuzzConfigFromEnv(f *testing.F) {
	for _, k := range flask.Keys() {
		for _, value := range []string{"", "null", "true", "60", "0600", "1.5", `["a"]`, `{"url": "redis://u:p@h"}`, "redis://u:p@h:1/0", "Lax", "31 days, 0:00:00", "P1DT5S", `"\ud83d"`} {
			f.Add(k.Name, value)
		}
	}
	f.Add("SQLALCHEMY_BINDS__a__url", "sqlite:x")
	f.Add("SESSION_COOKIE_SAME_SITE", "x")
	f.Fuzz(func(t *testing.T, name, value string) {
		for _, prefix := range []string{"", "FLASK_"} {
			base := flask.FromMap(map[string]any{"SECRET_KEY": goodSecret})
			checkLoaded(t, value, base, flask.FromEnv([]string{prefix + name + "=" + value}))
		}
	})
}

// FuzzConfigFromMap gives any JSON, as encoding/json makes a map of it.
func FuzzConfigFromMap(f *testing.F) {
	f.Add([]byte(`{"SECRET_KEY": "6fd0a1c5b7e94823", "SESSION_TYPE": "redis", "SESSION_REDIS": "redis://u:p@h"}`))
	f.Add([]byte(`{"SECRET_KEY_FALLBACKS": ["6fd0a1c5b7e94823"], "PERMANENT_SESSION_LIFETIME": 1e9, "SESSION_FILE_MODE": 384}`))
	f.Add([]byte(`{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_BINDS": {"a": {"url": "x:y"}, "b": null}, "SESSION_SQLALCHEMY_BIND_KEY": "a"}`))
	f.Add([]byte(`{"SESSION_COOKIE_DOMAIN": "bücher.example", "SESSION_COOKIE_PATH": "/é", "session_type": {}, "SESSION_ID_LENGTH": -1e99}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m map[string]any
		if json.Unmarshal(data, &m) != nil {
			return
		}
		checkLoaded(t, "", flask.FromMap(m))
	})
}

// checkLoaded checks that what loads is valid as it stands, and that what does
// not is refused with ConfigErrors that do not show value.
func checkLoaded(t *testing.T, value string, sources ...flask.Source) {
	t.Helper()
	c, err := flask.Load(sources...)
	if err == nil {
		again := c
		if err := again.Validate(); err != nil {
			t.Fatalf("loaded, but not valid: %v", err)
		}
		if !reflect.DeepEqual(again, c) {
			t.Fatalf("Validate changed %+v to %+v", c, again)
		}
		if domain := c.Domain(); strings.ContainsAny(domain+c.Path(), "; \r\n") {
			t.Fatalf("%q and %q break out of the Set-Cookie header", domain, c.Path())
		}
		return
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("not joined: %v", err)
	}
	for _, err := range joined.Unwrap() {
		e, ok := errors.AsType[*flask.ConfigError](err)
		if !ok || e.Key == "" || e.Problem == "" {
			t.Fatalf("not a whole ConfigError: %#v", err)
		}
		if len(value) > 12 && strings.Contains(e.Problem, value) {
			t.Fatalf("shows its value: %v", err)
		}
	}
	if !reflect.DeepEqual(c, flask.DefaultConfig()) {
		t.Fatalf("an error, but also %s", fmt.Sprint(c))
	}
}
