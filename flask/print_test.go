package flask_test

import (
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/internal/printtest"
)

func TestConfigsAndManagersPrintNoSecrets(t *testing.T) {
	const secret, password = "k3J9v8Qx2Lz7Wm4Tn6Rb", "canary-of-a-password"
	url := flask.ClientURL("postgresql+psycopg2://user:" + password + "@host/db?sslpassword=" + password)
	cfg := flask.DefaultConfig()
	cfg.SecretKey, cfg.SecretKeyFallbacks = flask.Secret(secret), []flask.Secret{flask.Secret(secret + "Yd5Hc1Vf")}
	cfg.SQLAlchemyDatabaseURI, cfg.SQLAlchemyBinds = url, map[string]flask.ClientURL{"x": url}
	// A Config has a field called Format, so that it can have no such method, which
	// fmt would call for the other verbs, too.
	for _, v := range []any{cfg, &cfg, []flask.Config{cfg}, []*flask.Config{&cfg}, struct{ C *flask.Config }{&cfg}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, v); printtest.Shows(text, secret, password) != "" {
				t.Errorf("%T by %s: %s", v, verb, text)
			}
		}
	}
	printtest.SilentWhereReached(t, "Secret", cfg.SecretKey, secret)
	printtest.SilentWhereReached(t, "ClientURL", url, password)
	m, err := flask.New(nil, cfg, cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	printtest.Silent(t, "Manager", m, secret, password)
}
