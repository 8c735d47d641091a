package flask_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/flask"
)

func TestEnvironment(t *testing.T) {
	for _, test := range []struct {
		name    string
		environ []string
		got     func(flask.Config) any
		want    any
	}{
		{"text is taken as it is", []string{`SESSION_COOKIE_NAME="quoted"`, "X=", "=C:", "novalue"}, nil, "SESSION_COOKIE_NAME (environment SESSION_COOKIE_NAME): is no name"},
		{"a plain secret is no number", []string{"SECRET_KEY=8263409517283640951e7"}, func(c flask.Config) any { return string(c.SecretKey) }, "8263409517283640951e7"},
		{"a prefixed secret is one, as in Flask", []string{"FLASK_SECRET_KEY=8263409517283e7"}, nil, "SECRET_KEY (environment FLASK_SECRET_KEY): is a number, not text"},
		{"a prefixed secret in quotes is text", []string{`FLASK_SECRET_KEY="8263409517283e77"`}, func(c flask.Config) any { return string(c.SecretKey) }, "8263409517283e77"},
		{"plain numbers", []string{"SESSION_ID_LENGTH=40"}, func(c flask.Config) any { return c.IDLength }, 40},
		{"plain seconds", []string{"PERMANENT_SESSION_LIFETIME=90"}, func(c flask.Config) any { return c.Lifetime }, 90 * time.Second},
		{"plain durations", []string{"PERMANENT_SESSION_LIFETIME=12h"}, func(c flask.Config) any { return c.Lifetime }, 12 * time.Hour},
		{"plain truth", []string{"SESSION_COOKIE_SECURE=true"}, func(c flask.Config) any { return c.CookieSecure }, true},
		{"plain octal digits", []string{"SESSION_FILE_MODE=0640"}, func(c flask.Config) any { return int(c.FileMode) }, 0o640},
		{"plain lists", []string{`SECRET_KEY_FALLBACKS=["7fd0a1c5b7e94823"]`}, func(c flask.Config) any { return len(c.SecretKeyFallbacks) }, 1},
		{"plain text where a list belongs", []string{"SECRET_KEY_FALLBACKS=7fd0a1c5b7e94823"}, nil, "is text, not a list"},
		{"a plain domain switched off", []string{"SESSION_COOKIE_DOMAIN=false"}, func(c flask.Config) any { return c.HostOnly }, true},
		{"the prefix wins", []string{"FLASK_SESSION_COOKIE_NAME=a", "SESSION_COOKIE_NAME=b"}, func(c flask.Config) any { return c.CookieName }, "a"},
		{"the first of two variables wins, as in Python", []string{"SESSION_COOKIE_NAME=a", "SESSION_COOKIE_NAME=b"}, func(c flask.Config) any { return c.CookieName }, "a"},
		{"prefixed null", []string{"FLASK_SESSION_TYPE=null"}, func(c flask.Config) any { return c.Type }, flask.TypeNull},
		{"plain null", []string{"SESSION_TYPE=null"}, func(c flask.Config) any { return c.Type }, flask.TypeNull},
		{"a prefixed None is text", []string{"FLASK_SESSION_COOKIE_SAMESITE=None"}, func(c flask.Config) any { return int(c.CookieSameSite) }, 4},
		{"CGI's server", []string{"SERVER_NAME=cgi.example"}, func(c flask.Config) any { return c.ServerName }, ""},
		{"Flask's server", []string{"FLASK_SERVER_NAME=flask.example"}, func(c flask.Config) any { return c.ServerName }, "flask.example"},
		{"a bind", []string{"FLASK_SQLALCHEMY_BINDS__users=sqlite:x"}, func(c flask.Config) any { return string(c.SQLAlchemyBinds["users"]) }, "sqlite:x"},
		{"a bind's URL", []string{"FLASK_SQLALCHEMY_BINDS__users__url=sqlite:x", "FLASK_SQLALCHEMY_BINDS__users__echo=true"}, func(c flask.Config) any { return string(c.SQLAlchemyBinds["users"]) }, "sqlite:x"},
		{"binds from two variables", []string{`FLASK_SQLALCHEMY_BINDS={"a":"x:y"}`, "FLASK_SQLALCHEMY_BINDS__b=x:z"}, func(c flask.Config) any { return len(c.SQLAlchemyBinds) }, 2},
		{"a table below a key without", []string{"FLASK_SESSION_REDIS__HOST=x"}, nil, "SESSION_REDIS__HOST (environment FLASK_SESSION_REDIS__HOST): takes one value, not a table"},
		{"two underscores for one", []string{"FLASK_SESSION_COOKIE__NAME=x"}, nil, "did you mean SESSION_COOKIE_NAME?"},
		{"two underscores for one below a key", []string{"FLASK_SESSION_FILE_MODE__X=1", "FLASK_SESSION_SQLALCHEMY__TABLE=x"}, nil, "did you mean SESSION_SQLALCHEMY_TABLE?"},
		{"an unknown key", []string{"SESSION_STORE=x"}, nil, "SESSION_STORE (environment SESSION_STORE): is no key"},
		{"an unknown key with prefix", []string{"FLASK_SESSION_MANGER=x"}, nil, "FLASK_SESSION_MANGER"},
		{"a near miss", []string{"FLASK_SECRET_KEYS=x"}, nil, "did you mean SECRET_KEY?"},
		{"bytes that are not UTF-8", []string{"FLASK_SESSION_KEY_PREFIX=caf\xe9"}, nil, "is not valid UTF-8"},
		{"half of a surrogate pair", []string{`FLASK_SESSION_KEY_PREFIX="\ud83dx"`}, nil, "is text with half of a surrogate pair"},
		{"a whole surrogate pair", []string{`FLASK_SECRET_KEY="\ud83d\udd11 6fd0a1c5b7e94823"`}, func(c flask.Config) any { return string(c.SecretKey) }, "🔑 6fd0a1c5b7e94823"},
		{"an escaped backslash before a u", []string{`FLASK_SECRET_KEY="\\ud83d6fd0a1c5b7e94823"`}, func(c flask.Config) any { return string(c.SecretKey) }, `\ud83d6fd0a1c5b7e94823`},
	} {
		c, err := flask.Load(flask.FromMap(map[string]any{"SECRET_KEY": goodSecret}), flask.FromEnv(test.environ))
		if test.got == nil {
			if want := test.want.(string); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", test.name, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if got := test.got(c); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	environ := []string{
		"SECRET_KEY=" + goodSecret,
		"SESSION_MANAGER=local/host:@/tmp/.ICE-unix/1,unix/host:/tmp/.ICE-unix/1",
		"SESSION_REDIS_SERVICE_HOST=10.0.0.1", "SESSION_REDIS_SERVICE_PORT=6379", "SESSION_REDIS_SERVICE_PORT_REDIS=6379",
		"SESSION_REDIS_PORT=tcp://10.0.0.1:6379", "SESSION_REDIS_PORT_6379_TCP=tcp://10.0.0.1:6379",
		"SESSION_REDIS_PORT_6379_TCP_ADDR=10.0.0.1", "FLASK_SESSION_SERVICE_HOST=10.0.0.1",
		"FLASK_APP=hello", "FLASK_DEBUG=1", "FLASK_=x", "FLASK___X=y", "session_id=5", "secret_key=x", "SECRET_KEY_BASE=x", "DESKTOP_SESSION=gnome",
	}
	c, err := flask.Load(flask.FromEnv(environ))
	if err != nil {
		t.Fatal(err)
	}
	if c.Redis != "" || len(c.Warnings) > 0 {
		t.Errorf("got %q, %q", c.Redis, c.Warnings)
	}
	if _, err := flask.Load(flask.FromEnv([]string{"SECRET_KEY=" + goodSecret, "SESSION_REDIS_PORT=6379"})); err == nil {
		t.Error("SESSION_REDIS_PORT passes though it is not Kubernetes'")
	}
}

func TestDomains(t *testing.T) {
	for _, test := range []struct {
		config         values
		domain, legacy string
	}{
		{values{}, "", ""},
		{values{"SESSION_COOKIE_DOMAIN": "example.com"}, "example.com", "example.com"},
		{values{"SESSION_COOKIE_DOMAIN": ".example.com"}, "example.com", ".example.com"},
		{values{"SESSION_COOKIE_DOMAIN": "EXAMPLE.com"}, "EXAMPLE.com", "EXAMPLE.com"},
		{values{"SESSION_COOKIE_DOMAIN": "example.com:5000"}, "example.com", "example.com"},
		{values{"SESSION_COOKIE_DOMAIN": "bücher.example"}, "xn--bcher-kva.example", "xn--bcher-kva.example"},
		{values{"SERVER_NAME": "localhost"}, "", ""},
		{values{"SERVER_NAME": "example.com"}, "", ".example.com"},
		{values{"SERVER_NAME": "example.com:5000"}, "", ".example.com"},
		{values{"SERVER_NAME": "example.com", "APPLICATION_ROOT": "/app"}, "", "example.com"},
		{values{"SERVER_NAME": "127.0.0.1:5000"}, "", "127.0.0.1"},
		{values{"SERVER_NAME": "[::1]:5000"}, "", ""},
		{values{"SERVER_NAME": "example.com", "SESSION_COOKIE_DOMAIN": false}, "", ""},
		{values{"SERVER_NAME": "example.com", "SESSION_COOKIE_DOMAIN": "x.example"}, "x.example", "x.example"},
	} {
		c, err := load(test.config)
		if err != nil {
			t.Errorf("%v: %v", test.config, err)
			continue
		}
		if got := c.Domain(); got != test.domain {
			t.Errorf("%v: Domain is %q, want %q", test.config, got, test.domain)
		}
		if got := c.LegacyDomain(); got != test.legacy {
			t.Errorf("%v: LegacyDomain is %q, want %q", test.config, got, test.legacy)
		}
	}
	for _, domain := range []string{"straße.example", "ﬁ.example", "e\u0301.example", "。example", strings.Repeat("a", 64) + ".example", "[::1]"} {
		if c, err := load(values{"SESSION_COOKIE_DOMAIN": domain}); err == nil {
			t.Errorf("%q passes as %q", domain, c.Domain())
		}
	}
}

func TestPaths(t *testing.T) {
	for _, test := range []struct {
		config values
		want   string
	}{
		{values{}, "/"},
		{values{"SESSION_COOKIE_PATH": "/app"}, "/app"},
		{values{"APPLICATION_ROOT": "/mounted"}, "/mounted"},
		{values{"APPLICATION_ROOT": "/mounted", "SESSION_COOKIE_PATH": "/"}, "/"},
		{values{"APPLICATION_ROOT": "/mounted", "SESSION_COOKIE_PATH": ""}, "/mounted"},
		{values{"SESSION_COOKIE_PATH": "/a b;cé"}, "/a%20b%3Bc%C3%A9"},
		{values{"SESSION_COOKIE_PATH": "/%41\r\n~"}, "/%41%0D%0A~"},
	} {
		c := mustLoad(t, test.config)
		if got := c.Path(); got != test.want {
			t.Errorf("%v: got %q, want %q", test.config, got, test.want)
		}
	}
}

func TestNamePrefixes(t *testing.T) {
	secure := values{"SESSION_COOKIE_SECURE": true}
	for _, test := range []struct {
		name   string
		cookie string
		more   values
		want   string
	}{
		{"host with Secure", "__Host-s", secure, ""},
		{"host, Partitioned and so Secure", "__Host-s", values{"SESSION_COOKIE_PARTITIONED": true}, ""},
		{"host, Partitioned but of Flask-Session", "__Host-s", values{"SESSION_COOKIE_PARTITIONED": true, "SESSION_TYPE": "null"}, "without SESSION_COOKIE_SECURE"},
		{"host with a domain", "__Host-s", values{"SESSION_COOKIE_SECURE": true, "SESSION_COOKIE_DOMAIN": "a.example"}, "with SESSION_COOKIE_DOMAIN"},
		{"host with a path", "__Host-s", values{"SESSION_COOKIE_SECURE": true, "APPLICATION_ROOT": "/a"}, "with a path other than /"},
		{"secure with a domain", "__Secure-s", values{"SESSION_COOKIE_SECURE": true, "SESSION_COOKIE_DOMAIN": "a.example"}, ""},
	} {
		test.more["SESSION_COOKIE_NAME"] = test.cookie
		_, err := load(test.more)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestEveryKeyIsNearToItself(t *testing.T) {
	for _, k := range flask.Keys() {
		if !strings.HasPrefix(k.Name, "SESSION_") {
			continue
		}
		slips := []string{strings.Replace(k.Name, "SESSION_", "SESSION__", 1), k.Name + "S", k.Name[:len(k.Name)-1], strings.ToLower(k.Name)}
		if slices.Contains([]string{"SESSION_SQLALCHEMY_TABL", "SESSION_MONGODB_D"}, k.Name[:len(k.Name)-1]) {
			slips = slips[:2]
		}
		for _, slip := range slips {
			_, err := load(values{slip: nil})
			if err == nil || !strings.HasSuffix(err.Error(), "did you mean "+k.Name+"?") {
				t.Errorf("%s: got %v, want %s", slip, err, k.Name)
			}
		}
	}
}
