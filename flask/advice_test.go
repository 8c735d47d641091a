package flask_test

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
)

// What the engine tells people to do names the keys that they have here.
func TestAdviceNamesConfigurationKeys(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]any
		text   string
		want   string
	}{
		"a Secure cookie over plain HTTP": {
			map[string]any{"SECRET_KEY": testSecret, "SESSION_COOKIE_SECURE": true}, "Ada", "SESSION_COOKIE_SECURE"},
		"a cookie that is too large": {
			map[string]any{"SECRET_KEY": testSecret}, incompressible(), "SESSION_TYPE"},
	} {
		var log bytes.Buffer
		m, err := flask.New(nil, configured(t, c.values), cloakroom.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		serve(m, "", func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Set("user", c.text) })
		if got := log.String(); !strings.Contains(got, c.want) || strings.Contains(got, "Options.Insecure") || strings.Contains(got, "cloakroom.New") {
			t.Errorf("%s: the log says %q, want %s in it", name, got, c.want)
		}
	}
}

// incompressible is more than a cookie holds, also when it is compressed.
func incompressible() string {
	var b strings.Builder
	for b.Len() < 8000 {
		b.WriteString(rand.Text())
	}
	return b.String()
}
