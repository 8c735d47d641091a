package memcachedstore

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

func TestItemLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		max  int
	}{
		{"default", nil, 1 << 20},
		{"larger", []string{"-I", "3m"}, 3 << 20},
		{"smaller", []string{"-I", "128k", "-o", "slab_chunk_max=65536"}, 128 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testserver.Start(t, testserver.Memcached(c.args...))
			s := open(t, Options{}, p.Addr())
			longest := strings.Repeat("k", store.MaxKey)
			r := create(t, s, longest, strings.Repeat("x", c.max-overhead-store.MaxKey))
			holds(t, s, longest, string(r.Data))
			_, err := s.Save(t.Context(), longest, r, store.Record{Data: make([]byte, c.max-overhead-store.MaxKey+1)})
			if !errors.Is(err, store.ErrTooLarge) || !strings.Contains(store.Advice(err), "-I") {
				t.Errorf("Save = %v with advice %q, want ErrTooLarge with advice", err, store.Advice(err))
			}
			holds(t, s, longest, string(r.Data))
			// With an expiry in its value it is a little larger.
			_, err = s.Save(t.Context(), longest, r, store.Record{Data: r.Data, Expires: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)})
			if !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("Save with a far expiry = %v, want ErrTooLarge", err)
			}
		})
	}
}

func TestFullMemory(t *testing.T) {
	t.Parallel()
	fill := func(t *testing.T, s *Store) (first string, r store.Record, err error) {
		for i := 0; i < 100 && err == nil; i++ {
			name := key(t, fmt.Sprint(i))
			var saved store.Record
			saved, err = s.Save(t.Context(), name, store.Record{}, store.Record{Data: make([]byte, 200_000), Expires: far()})
			if i == 0 {
				first, r = name, saved
			}
		}
		return first, r, err
	}
	t.Run("evicts", func(t *testing.T) {
		p := testserver.Start(t, testserver.Memcached("-m", "4"))
		s := open(t, Options{}, p.Addr())
		first, r, err := fill(t, s)
		if err != nil {
			t.Fatalf("Save = %v, want nil", err)
		}
		absent(t, s, first)
		if _, err := s.Save(t.Context(), first, r, r); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save of an evicted record = %v, want ErrConflict", err)
		}
		absent(t, s, first)
	})
	t.Run("does not evict", func(t *testing.T) {
		p := testserver.Start(t, testserver.Memcached("-m", "4", "-M"))
		s := open(t, Options{}, p.Addr())
		first, r, err := fill(t, s)
		if err == nil || errors.Is(err, store.ErrTooLarge) || errors.Is(err, store.ErrConflict) || !strings.Contains(store.Advice(err), "memory") {
			t.Errorf("Save = %v with advice %q, want an error with advice", err, store.Advice(err))
		}
		holds(t, s, first, string(r.Data))
	})
}

func TestServersThatAreRefused(t *testing.T) {
	t.Parallel()
	t.Run("without CAS", func(t *testing.T) {
		p := testserver.Start(t, testserver.Memcached("-C"))
		s := open(t, Options{}, p.Addr())
		if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnsupported) || !strings.Contains(store.Advice(err), "-C") {
			t.Errorf("Ping = %v with advice %q, want ErrUnsupported with advice", err, store.Advice(err))
		}
	})
	t.Run("older than 1.6", func(t *testing.T) {
		s := open(t, Options{}, fake(t, func(line string) string { return "ERROR\r\n" }))
		if _, err := s.Load(t.Context(), "k"); !errors.Is(err, store.ErrUnsupported) || !strings.Contains(store.Advice(err), "1.6") {
			t.Errorf("Load = %v with advice %q, want ErrUnsupported with advice", err, store.Advice(err))
		}
	})
	t.Run("without a list of keys", func(t *testing.T) {
		p := testserver.Start(t, testserver.Memcached("-X"))
		s := open(t, Options{}, p.Addr())
		create(t, s, "k", "data")
		var last error
		for _, err := range s.List(t.Context(), "") {
			last = err
		}
		if !errors.Is(last, store.ErrUnsupported) || !strings.Contains(store.Advice(last), "-X") {
			t.Errorf("List = %v with advice %q, want ErrUnsupported with advice", last, store.Advice(last))
		}
	})
}

func TestPassword(t *testing.T) {
	t.Parallel()
	server := testserver.Memcached()
	args := server.Args
	server.Prepare = func(p *testserver.Process) error {
		return os.WriteFile(p.Path("users"), []byte("ada:hunter2\n"), 0o644)
	}
	server.Args = func(p *testserver.Process) []string { return append(args(p), "-Y", p.Path("users")) }
	p := testserver.Start(t, server)
	good := open(t, Options{Username: "ada", Password: "hunter2"}, p.Addr())
	create(t, good, "k", "data")
	holds(t, good, "k", "data")
	for name, o := range map[string]Options{"none": {}, "wrong": {Username: "ada", Password: "hunter3"}} {
		err := open(t, o, p.Addr()).Ping(t.Context())
		if err == nil || store.Advice(err) == "" || strings.Contains(err.Error(), "hunter") {
			t.Errorf("Ping with password %s = %v with advice %q, want an error with advice, without the password", name, err, store.Advice(err))
		}
	}
	// A server that does not ask must not be told: it would store it.
	open := open(t, Options{Username: "ada", Password: "hunter2"}, one.Get(t).Addr())
	if err := open.Ping(t.Context()); err != nil {
		t.Errorf("Ping of a server that asks for no password = %v, want nil", err)
	}
	if got := raw(t, one.Get(t).Addr(), "get auth"); got != "END" {
		t.Errorf("the server has stored %q", got)
	}
}
