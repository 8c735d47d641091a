package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// sent returns which commands reach the server from clients while f runs, by
// the server's own monitor.
func sent(t *testing.T, p *testserver.Process, f func()) []string {
	t.Helper()
	m := testserver.MonitorRedis(t, p)
	f()
	return m.Stop(t)
}

func TestOneRoundTripEach(t *testing.T) {
	far := time.Now().Add(time.Hour)
	for _, server := range []struct {
		name    string
		start   func(t *testing.T) *testserver.Process
		replace string
	}{
		{"Redis 7", func(t *testing.T) *testserver.Process { return testserver.Start(t, testserver.Redis()) }, "EVALSHA"},
		{"Valkey", func(t *testing.T) *testserver.Process { return testserver.Start(t, testserver.Valkey()) }, "SET"},
	} {
		t.Run(server.name, func(t *testing.T) {
			p := server.start(t)
			s := open(t, urlOf(p))
			ctx := t.Context()
			prev := store.Record{Data: []byte("0"), Expires: far}
			save := func(key string, from, to store.Record) func() {
				return func() {
					t.Helper()
					if _, err := s.Save(ctx, key, from, to); err != nil {
						t.Error(err)
					}
				}
			}
			load := func(key string, want error) func() {
				return func() {
					t.Helper()
					if _, err := s.Load(ctx, key); !errors.Is(err, want) {
						t.Errorf("Load = %v, want %v", err, want)
					}
				}
			}
			touch := func() {
				if err := s.Touch(ctx, "k", prev, far.Add(time.Hour)); err != nil {
					t.Error(err)
				}
			}
			remove := func() {
				if err := s.Delete(ctx, "k"); err != nil {
					t.Error(err)
				}
			}
			next := store.Record{Data: []byte("1"), Expires: far}
			// The first of each kind finds out what the server knows.
			save("warm", store.Record{}, prev)()
			save("warm", prev, next)()
			load("warm", nil)()
			if err := s.Touch(ctx, "warm", prev, far); err != nil {
				t.Fatal(err)
			}
			save("warm", next, store.Record{})()

			for _, step := range []struct {
				name string
				call func()
				want string
			}{
				{"create", save("k", store.Record{}, prev), "SET"},
				{"replace", save("k", prev, next), server.replace},
				{"load", load("k", nil), "EVALSHA"},
				{"touch", touch, "EVALSHA"},
				{"save nothing over nothing", save("absent", store.Record{}, store.Record{}), "EXISTS"},
				{"delete what is known", save("k", next, store.Record{}), "EVALSHA"},
				{"load what is absent", load("k", store.ErrNotFound), "EVALSHA"},
				{"delete", remove, "DEL"},
			} {
				got := sent(t, p, step.call)
				if len(got) != 1 || got[0] != step.want {
					t.Errorf("%s sends %q, want one %s", step.name, got, step.want)
				}
			}
		})
	}
}

func TestScriptsComeBackAfterARestart(t *testing.T) {
	p := testserver.Start(t, testserver.Redis())
	s := open(t, urlOf(p))
	r, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("0")})
	for range 2 {
		if err == nil {
			r, err = s.Save(t.Context(), "k", r, store.Record{Data: append(r.Data, '1')})
		}
		if err == nil {
			_, err = s.Load(t.Context(), "k")
		}
		if err == nil {
			err = s.Touch(t.Context(), "k", r, time.Time{})
		}
		if err != nil {
			t.Fatal(err)
		}
		p.Do(t, "SCRIPT", "FLUSH")
	}
	if got := p.Do(t, "GET", "k"); got != "011" {
		t.Errorf("the server holds %q, want 011", got)
	}
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Errorf("List without the script: %v", err)
		}
	}
}
