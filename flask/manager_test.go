package flask_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/itsdangerous"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

const testSecret = "a key for the tests, of 32 bytes"

// configured returns a configuration from values.
func configured(t *testing.T, values map[string]any) flask.Config {
	t.Helper()
	cfg, err := flask.Load(flask.FromMap(values))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

var inRedis = map[string]any{"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://127.0.0.1"}

// quiet returns Options that log nowhere.
func quiet() cloakroom.Options {
	return cloakroom.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// serve plays one request with a cookie to a handler within m.
func serve(m *cloakroom.Manager, cookie string, h http.HandlerFunc) *http.Response {
	r := httptest.NewRequest("GET", "/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", "session="+cookie)
	}
	w := httptest.NewRecorder()
	m.Handler(h).ServeHTTP(w, r)
	return w.Result()
}

func cookieOf(resp *http.Response) string {
	for _, c := range resp.Cookies() {
		return c.Value
	}
	return ""
}

func TestNewRefusesWhatTheConfigurationDecides(t *testing.T) {
	free := map[string]bool{"TouchInterval": true, "MaxSize": true, "StoreTimeout": true, "WatchInterval": true, "ErrorHandler": true, "Hooks": true, "Logger": true}
	cfg := configured(t, inRedis)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[cloakroom.Options]()) {
		if !f.IsExported() {
			continue // the rules that New hands in
		}
		opts := quiet()
		field := reflect.ValueOf(&opts).Elem().FieldByIndex(f.Index)
		switch field.Kind() {
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Int, reflect.Int64:
			field.SetInt(int64(time.Minute))
		case reflect.String:
			field.SetString("x")
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.Struct:
			if field.Type() == reflect.TypeFor[time.Time]() {
				field.Set(reflect.ValueOf(time.Now()))
			}
		case reflect.Func:
			field.Set(reflect.MakeFunc(field.Type(), nil))
		case reflect.Interface:
			if field.Type() == reflect.TypeFor[store.Store]() {
				field.Set(reflect.ValueOf(memstore.New(memstore.Options{})))
			} else {
				field.Set(reflect.ValueOf(codec.JSON))
			}
		}
		_, err := flask.New(memstore.New(memstore.Options{}), cfg, opts)
		switch {
		case free[f.Name] && err != nil && f.Name != "MaxSize": // a minute of nanoseconds is too large
			t.Errorf("%s is refused: %v", f.Name, err)
		case !free[f.Name] && (err == nil || !strings.Contains(err.Error(), f.Name)):
			t.Errorf("with Options.%s got %v, want an error that names it", f.Name, err)
		}
	}
}

func TestNewWantsAStoreWhereThereIsOne(t *testing.T) {
	if _, err := flask.New(nil, configured(t, inRedis), quiet()); err == nil || !strings.Contains(err.Error(), "OpenStore") {
		t.Errorf("without a store got %v, want an error that names OpenStore", err)
	}
	s := memstore.New(memstore.Options{})
	for _, values := range []map[string]any{{"SECRET_KEY": testSecret}, {"SESSION_TYPE": "null"}} {
		if _, err := flask.New(s, configured(t, values), quiet()); err == nil {
			t.Errorf("%v: a store is taken that nobody would use", values)
		}
	}
	if _, err := flask.New(s, flask.Config{}, quiet()); err == nil {
		t.Error("the zero Config is taken")
	}
}

// What cannot be an ID of Flask-Session's does not reach the store: there it
// may be a path, or a line of a protocol.
func TestOddIDsNeverReachTheStore(t *testing.T) {
	signed := func(id string) string {
		s, err := itsdangerous.NewSigner(itsdangerous.Secret(testSecret),
			itsdangerous.Options{Salt: "flask-session", KeyDerivation: itsdangerous.DeriveHMAC})
		if err != nil {
			t.Fatal(err)
		}
		return s.Sign(id)
	}
	for _, signing := range []bool{false, true} {
		asked := 0
		s := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
		s.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Before: func() { asked++ }})
		cfg := configured(t, map[string]any{"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://127.0.0.1",
			"SECRET_KEY": testSecret, "SESSION_USE_SIGNER": signing})
		m, err := flask.New(s, cfg, quiet())
		if err != nil {
			t.Fatal(err)
		}
		ask := func(id string) int {
			asked = 0
			ticket := id
			if signing {
				ticket = signed(id)
			}
			if _, err := m.Open(t.Context(), cloakroom.Ticket(ticket)); err != nil {
				t.Errorf("%q: %v", id, err)
			}
			return asked
		}
		for _, id := range []string{"", ".", "a.b", "../x", "a b", "a\nb", "a\x00b", "a/b", "é", "a%2e", "a:b", strings.Repeat("a", 243)} {
			if ask(id) > 0 {
				t.Errorf("signing %t: the store was asked for %q", signing, id)
			}
		}
		for _, id := range []string{"known", "0b7e19f4-5c3f-4a57-8a52-5f4e8d3c2b1a", strings.Repeat("_", 242)} {
			if ask(id) == 0 {
				t.Errorf("signing %t: the store was not asked for %q", signing, id)
			}
		}
	}
}

func TestNullSession(t *testing.T) {
	m, err := flask.New(nil, configured(t, map[string]any{"SESSION_TYPE": "null"}), quiet())
	if err != nil {
		t.Fatal(err)
	}
	resp := serve(m, "whatever", func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		fmt.Fprint(w, s.Len(), s.Get("x"), s.Permanent(), len(s.Flashes()), s.Err())
	})
	if body, _ := io.ReadAll(resp.Body); string(body) != "0 <nil> false 0 <nil>" || resp.Header.Get("Vary") != "" || len(resp.Cookies()) > 0 {
		t.Errorf("reading gives %q with the header %v", body, resp.Header)
	}
	for name, change := range map[string]func(*cloakroom.Session){
		"set":       func(s *cloakroom.Session) { s.Set("x", 1) },
		"pop":       func(s *cloakroom.Session) { s.Delete("x") },
		"flash":     func(s *cloakroom.Session) { s.Flash("message", "hi") },
		"permanent": func(s *cloakroom.Session) { s.SetPermanent(true) },
		"clear":     func(s *cloakroom.Session) { s.Clear() },
		"update":    func(s *cloakroom.Session) { cloakroom.Key[int]("x").Update(s, func(n int) int { return n + 1 }) },
	} {
		var failed error
		resp := serve(m, "", func(w http.ResponseWriter, r *http.Request) {
			s := cloakroom.From(r)
			change(s)
			failed = s.Err()
			io.WriteString(w, "all is well")
		})
		if failed == nil || !strings.Contains(failed.Error(), "SECRET_KEY") || resp.StatusCode != 500 {
			t.Errorf("%s: status %d, %v; want 500 and an error that says to set SECRET_KEY", name, resp.StatusCode, failed)
		}
	}
}

// Guarantee 2 in Flask mode: after a logout a request that was in flight
// brings neither the record nor the cookie back, though every answer to a
// permanent session sends its cookie.
func TestNoReturnFromTheDeadWithFlask(t *testing.T) {
	s := memstore.New(memstore.Options{})
	opts := quiet()
	opts.TouchInterval = 1
	m, err := flask.New(s, configured(t, inRedis), opts)
	if err != nil {
		t.Fatal(err)
	}
	ticket := cookieOf(serve(m, "", func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Set("user", "ada") }))
	for name, late := range map[string]func(*cloakroom.Session){
		"reads": func(s *cloakroom.Session) {}, "writes": func(s *cloakroom.Session) { s.Set("n", 1) },
	} {
		resp := serve(m, ticket, func(_ http.ResponseWriter, r *http.Request) {
			session := cloakroom.From(r)
			session.Get("user")
			serve(m, ticket, func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Clear() }) // logs out meanwhile
			late(session)
		})
		if got := cookieOf(resp); got != "" {
			t.Errorf("who %s gets the cookie %q after the logout", name, got)
		}
		if _, err := s.Load(t.Context(), "session:"+ticket); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("who %s: the record is back: %v", name, err)
		}
		ticket = cookieOf(serve(m, "", func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Set("user", "ada") }))
	}
}

// A session that two requests empty and fill at once keeps what was filled in.
func TestEmptyingLosesNoWrite(t *testing.T) {
	s := memstore.New(memstore.Options{})
	m, err := flask.New(s, configured(t, inRedis), quiet())
	if err != nil {
		t.Fatal(err)
	}
	ticket := cookieOf(serve(m, "", func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Set("a", 1) }))
	resp := serve(m, ticket, func(_ http.ResponseWriter, r *http.Request) {
		cloakroom.From(r).Delete("a")
		serve(m, ticket, func(_ http.ResponseWriter, r *http.Request) { cloakroom.From(r).Set("b", 2) })
	})
	if got := cookieOf(resp); got != ticket {
		t.Errorf("the cookie is %q, want that of the session", got)
	}
	session, err := m.Open(context.Background(), cloakroom.Ticket(ticket))
	if err != nil || session.Get("b") != int64(2) || session.Has("a") {
		t.Errorf("the session has %v (%v), want b alone", session.Keys(), err)
	}
}

// An untouched request of a visitor without a cookie is free also in Flask
// mode; with REFRESH_EACH_REQUEST off every untouched request is.
func TestUntouchedWithFlask(t *testing.T) {
	asked := 0
	s := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	s.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Before: func() { asked++ }})
	for refresh, want := range map[bool]int{true: 1, false: 0} {
		values := map[string]any{"SESSION_REFRESH_EACH_REQUEST": refresh}
		for k, v := range inRedis {
			values[k] = v
		}
		m, err := flask.New(s, configured(t, values), quiet())
		if err != nil {
			t.Fatal(err)
		}
		untouched := func(http.ResponseWriter, *http.Request) {}
		asked = 0
		if resp := serve(m, "", untouched); asked != 0 || len(resp.Header) > 0 {
			t.Errorf("refresh %t, no cookie: %d loads, header %v; want none", refresh, asked, resp.Header)
		}
		if resp := serve(m, "unknown", untouched); asked != want || len(resp.Header) > 0 {
			t.Errorf("refresh %t, dead cookie: %d loads, header %v; want %d and none", refresh, asked, resp.Header, want)
		}
	}
}

// That the store is away fails no page that does without the session.
func TestRefreshFailsNoPage(t *testing.T) {
	s := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	m, err := flask.New(s, configured(t, inRedis), quiet())
	if err != nil {
		t.Fatal(err)
	}
	s.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Err: errors.New("gone")})
	resp := serve(m, "known", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(body) != "hello" {
		t.Errorf("got %d %q, want the page", resp.StatusCode, body)
	}
}

// Flask mode has no keys for records. A record that a native program has sealed
// under the same prefix is that program's session all the same: it is closed.
func TestSealedRecordIsClosed(t *testing.T) {
	records := memstore.New(memstore.Options{})
	defer records.Close()
	opts := quiet()
	opts.PlainIDs, opts.RecordKeys = true, [][]byte{[]byte(testSecret)}
	native, err := cloakroom.New(records, opts)
	if err != nil {
		t.Fatal(err)
	}
	session, err := native.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	session.Set("user", "ada")
	ticket, err := native.Commit(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	m, err := flask.New(records, configured(t, inRedis), quiet())
	if err != nil {
		t.Fatal(err)
	}
	resp := serve(m, string(ticket), func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		s.Set("x", 1)
		if advice := store.Advice(s.Err()); !errors.Is(s.Err(), cloakroom.ErrUnavailable) || !strings.Contains(advice, "SESSION_KEY_PREFIX") {
			t.Errorf("Err: %v, advice %q", s.Err(), advice)
		}
	})
	if resp.StatusCode != http.StatusServiceUnavailable || cookieOf(resp) != "" {
		t.Errorf("status %d, a cookie: %v", resp.StatusCode, cookieOf(resp) != "")
	}
	if session, err = native.Open(t.Context(), ticket); err != nil || session.Get("user") != "ada" {
		t.Errorf("the session is not as it was: %v", err)
	}
}
