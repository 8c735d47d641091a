package flask_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/flask"
)

func TestInsecureSecretsAllowsWhatFlaskDoes(t *testing.T) {
	c := flask.DefaultConfig()
	c.InsecureSecrets = true
	weak := flask.FromMap(map[string]any{"SECRET_KEY": "dev", "SECRET_KEY_FALLBACKS": []any{"x"}, "SESSION_ID_LENGTH": 1})
	if err := c.Load(weak); err != nil {
		t.Errorf("weak: %v", err)
	}
	if err := c.Load(flask.FromMap(map[string]any{"SECRET_KEY": ""})); err == nil {
		t.Error("an empty SECRET_KEY passes")
	}
}

func TestNothingPrintsSecrets(t *testing.T) {
	const password = "Pa55w0rdXYZ"
	c := mustLoad(t, values{
		"SECRET_KEY": password + goodSecret, "SECRET_KEY_FALLBACKS": []any{password + goodSecret},
		"SESSION_REDIS":           "redis://user:" + password + "@h:6379/0?password=" + password,
		"SESSION_MEMCACHED":       "memcached:user:" + password + "@h",
		"SESSION_MONGODB":         "mongodb://user:1?" + password + "@h",
		"SESSION_POSTGRESQL":      "postgresql://user:1/" + password + "@h",
		"SESSION_DYNAMODB":        "dynamodb://user:1#" + password + "@h",
		"SQLALCHEMY_DATABASE_URI": "bad://user:" + password + "/x@h",
		"SQLALCHEMY_BINDS":        map[string]any{"a": "x://:" + password + "@h"},
	})
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "secret", c.SecretKey, "url", c.Redis)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c, "secret", c.SecretKey, "url", c.Redis)
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v", c, c, c) + fmt.Sprintf("%s %q %x %d %s %x", c.SecretKey, c.SecretKey, c.SecretKey, c.SecretKey, c.Redis, c.Redis) + log.String() + string(asJSON) + strings.Join(c.Warnings, "")
	for _, form := range []string{password, fmt.Sprintf("%x", password), strings.Trim(fmt.Sprint([]byte(password)), "[]")} {
		if i := strings.Index(printed, form); i >= 0 {
			t.Errorf("%q is printed: …%s…", form, printed[max(i-200, 0):i+len(form)])
		}
	}
	if got, want := fmt.Sprint(c.Redis), "redis://…@h:6379/0?…"; got != want {
		t.Errorf("the URL prints as %q, want %q", got, want)
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	const secret = "pa55word"
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"broken.json": "{\n\"SECRET_KEY\": pa55word}", "list.json": `["pa55word"]`, "half.json": `{"SECRET_KEY": "pa55word\ud800"}`,
		"latin1.json": "{\"SECRET_KEY\": \"pa55word\xe9\"}", "app.toml": "",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	toml := func([]byte) (map[string]any, error) {
		return nil, errors.New(`toml: line 7 (last key "SECRET_KEY"): expected a value, not pa55word`)
	}
	_, err := flask.Load(
		flask.FromMap(map[string]any{
			"SECRET_KEY": secret, "SECRET_KEY_FALLBACKS": []any{secret}, "SESSION_SECRET": secret,
			"SESSION_REDIS": "redis://u:" + secret + "/@h", "SESSION_MONGODB": secret, "SESSION_MEMCACHED": "h:" + secret + "@x y",
			"SQLALCHEMY_BINDS": map[string]any{"a": []any{secret}}, "SESSION_TYPE": secret, "SESSION_ID_LENGTH": secret,
			"SESSION_COOKIE_DOMAIN": secret + ";", "SESSION_FILE_MODE": secret, "PERMANENT_SESSION_LIFETIME": secret,
			"SESSION_COOKIE_SAMESITE": secret, "SESSION_KEY_PREFIX": secret + " ", "SESSION_COOKIE_NAME": secret + "=",
		}),
		flask.FromFile("broken.json", nil), flask.FromFile("list.json", nil), flask.FromFile("half.json", nil),
		flask.FromFile("latin1.json", nil), flask.FromFile("app.toml", toml),
	)
	if err == nil {
		t.Fatal("no error")
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("a secret is shown:\n%v", err)
	}
	for _, want := range []string{
		"file broken.json: cannot be parsed: a mistake in line 2", "file list.json: cannot be parsed: it is a list, not a table",
		"file half.json: cannot be parsed: half of a surrogate pair", "file latin1.json: cannot be parsed: it is not UTF-8",
		"file app.toml: cannot be parsed: a mistake in line 7",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told in\n%v", want, err)
		}
	}
}

func TestWeakFallbacksThatVerifyNothingPass(t *testing.T) {
	mustLoad(t, values{"SESSION_TYPE": "filesystem", "SESSION_USE_SIGNER": true, "SECRET_KEY_FALLBACKS": []any{"x"}})
}
