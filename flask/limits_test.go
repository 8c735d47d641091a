package flask_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Sessions that are shared with Flask have no limits of their own: Flask knows of
// none.
func TestNoLimitsOfItsOwn(t *testing.T) {
	for mode, values := range map[string]map[string]any{"cookie": {"SECRET_KEY": testSecret}, "redis": inRedis} {
		for name, use := range map[string]func(*cloakroom.Session){
			"timeout":  func(s *cloakroom.Session) { s.SetIdleTimeout(time.Hour) },
			"lifetime": func(s *cloakroom.Session) { s.SetLifetime(time.Hour) },
		} {
			t.Run(mode+", "+name, func(t *testing.T) {
				var records store.Store
				if mode == "redis" {
					records = memstore.New(memstore.Options{})
				}
				journal := sitetest.NewJournal(t)
				m, err := flask.New(records, configured(t, values), cloakroom.Options{Logger: journal.Logger()})
				if err != nil {
					t.Fatal(err)
				}
				resp := serve(m, "", func(_ http.ResponseWriter, r *http.Request) {
					s := cloakroom.From(r)
					s.Set("x", 1)
					use(s)
					if !errors.Is(s.Err(), cloakroom.ErrUnsupported) {
						t.Errorf("Err is %v", s.Err())
					}
				})
				lines := journal.Lines()
				if resp.StatusCode != http.StatusInternalServerError || cookieOf(resp) != "" || len(lines) != 1 ||
					!strings.Contains(lines[0], "PERMANENT_SESSION_LIFETIME") {
					t.Errorf("answered %d, logged %q", resp.StatusCode, lines)
				}
			})
		}
	}
}

// Hooks.Creating is asked in Flask mode too.
func TestCreatingInFlaskMode(t *testing.T) {
	refused := errors.New("not today")
	for mode, values := range map[string]map[string]any{"cookie": {"SECRET_KEY": testSecret}, "redis": inRedis} {
		var records store.Store
		if mode == "redis" {
			records = memstore.New(memstore.Options{})
		}
		opts := quiet()
		asked := 0
		opts.Hooks.Creating = func(*http.Request) error {
			if asked++; asked > 1 {
				return refused
			}
			return nil
		}
		m, err := flask.New(records, configured(t, values), opts)
		if err != nil {
			t.Fatal(err)
		}
		set := func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Set("x", asked) }
		ticket := cookieOf(serve(m, "", set))
		if resp := serve(m, ticket, set); ticket == "" || resp.StatusCode != http.StatusOK || asked != 1 {
			t.Errorf("%s: with a session: %d, asked %d times", mode, resp.StatusCode, asked)
		}
		if resp := serve(m, "", set); resp.StatusCode != http.StatusTooManyRequests || cookieOf(resp) != "" {
			t.Errorf("%s: without: %d, a cookie %t", mode, resp.StatusCode, cookieOf(resp) != "")
		}
	}
}
