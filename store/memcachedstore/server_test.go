package memcachedstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// raw sends one command, whose lines are separated by CR LF, and returns the
// answer as one line.
func raw(t testing.TB, addr, command string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "%s\r\nmn\r\n", command)
	var lines []string
	for in := bufio.NewScanner(conn); in.Scan() && in.Text() != "MN"; {
		lines = append(lines, in.Text())
	}
	return strings.Join(lines, " ")
}

func TestKilledServer(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Memcached())
	s := open(t, Options{}, p.Addr())
	// Load on several keys, so that connections are in use and idle.
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var gone atomic.Int32 // odd while the server is away
	var wrong atomic.Int32
	for i := range 16 {
		key := key(t, fmt.Sprint(i))
		wg.Go(func() {
			r := store.Record{}
			for ctx.Err() == nil {
				before := gone.Load()
				next, err := s.Save(ctx, key, r, store.Record{Data: []byte("data"), Expires: far()})
				answered := err == nil || errors.Is(err, store.ErrConflict)
				if before%2 == 1 && before == gone.Load() && answered {
					wrong.Add(1)
				}
				r = next // none, if the server has forgotten it
				if !answered {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	for range 3 {
		r := create(t, s, key(t, "forgotten"), "data")
		lost := key(t, "lost")
		create(t, s, lost, "data")
		p.Kill(t)
		gone.Add(1)
		_, err := s.Load(t.Context(), lost)
		if err == nil || errors.Is(err, store.ErrNotFound) || store.Advice(err) == "" || !strings.Contains(err.Error(), p.Addr()) {
			t.Errorf("Load from a killed server = %v with advice %q, want an error that names the server, with advice", err, store.Advice(err))
		}
		if _, err := s.Save(t.Context(), lost, r, r); err == nil || errors.Is(err, store.ErrConflict) {
			t.Errorf("Save on a killed server = %v, want an error that is no conflict", err)
		}
		if err := s.Ping(t.Context()); err == nil {
			t.Error("Ping of a killed server = nil")
		}
		gone.Add(1)
		p.Restart(t)
		eventually(t, "Load after the restart", func() error {
			if _, err := s.Load(t.Context(), lost); !errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("Load = %w, want ErrNotFound", err)
			}
			return nil
		})
		create(t, s, lost, "new")
		holds(t, s, lost, "new")
	}
	cancel()
	wg.Wait()
	if n := wrong.Load(); n > 0 {
		t.Errorf("%d answers while the server was away", n)
	}
}

func TestIdleConnectionsToAServerThatWasRestarted(t *testing.T) {
	p := testserver.Start(t, testserver.Memcached())
	s := open(t, Options{}, p.Addr())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				s.Ping(t.Context())
			}
		})
	}
	wg.Wait()
	p.Kill(t)
	p.Restart(t)
	for range 10 {
		absent(t, s, key(t, "k"))
	}
}

// Each life of a server counts its items from 1.
func TestTokensFromBeforeARestart(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Memcached())
	other := testserver.Start(t, testserver.Memcached())
	s := open(t, Options{}, p.Addr())
	key := key(t, "k")
	r := create(t, s, key, "before")
	for name, s := range map[string]*Store{"other server": open(t, Options{}, other.Addr()), "restart": s} {
		if name == "restart" {
			p.Kill(t)
			p.Restart(t)
		}
		again := create(t, s, key, "after")
		if again.Token<<epochBits != r.Token<<epochBits {
			t.Fatalf("%s: the items have the numbers %d and %d: this test tests nothing", name, r.Token<<epochBits>>epochBits, again.Token<<epochBits>>epochBits)
		}
		for what, next := range map[string]store.Record{"replace": {Data: []byte("back")}, "delete": {}} {
			if _, err := s.Save(t.Context(), key, r, next); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s: Save that would %s = %v, want ErrConflict", name, what, err)
			}
		}
		if err := s.Touch(t.Context(), key, r, far().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		holds(t, s, key, "after")
	}
}

func TestPausedServerHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Memcached())
	s := open(t, Options{MaxConns: 2}, p.Addr(), one.Get(t).Addr())
	var paused, well string
	for i := 0; paused == "" || well == ""; i++ {
		key := key(t, fmt.Sprint(i))
		if s.servers[s.locate(key)].addr == p.Addr() {
			paused = key
		} else {
			well = key
		}
	}
	create(t, s, paused, "data")
	create(t, s, well, "data")
	p.Pause(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("visitor left")
	var wg sync.WaitGroup
	for range 8 { // more than there are connections
		wg.Go(func() {
			if _, err := s.Load(ctx, paused); !errors.Is(err, context.Canceled) || !errors.Is(err, left) {
				t.Errorf("Load from a paused server = %v, want %v with its cause", err, context.Canceled)
			}
		})
	}
	holds(t, s, well, "data")
	cancel(left)
	wg.Wait()
	p.Resume(t)
	holds(t, s, paused, "data")
}

func TestMaxConns(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Memcached())
	s := open(t, Options{MaxConns: 3}, p.Addr())
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for range 10 {
				if err := s.Delete(t.Context(), fmt.Sprint(i)); err != nil {
					t.Errorf("Delete = %v, want nil", err)
				}
			}
		})
	}
	wg.Wait()
	// Ours, the asking one, and the one that testserver tried.
	stats := strings.Fields(raw(t, p.Addr(), "stats"))
	total := stats[slices.Index(stats, "total_connections")+1]
	if !slices.Contains([]string{"4", "5", "6", "7"}, total) {
		t.Errorf("%s connections in all, want 3 and those of the test", total)
	}
}

// stat returns one of the server's statistics.
func stat(t testing.TB, addr, name string) string {
	t.Helper()
	words := strings.Fields(raw(t, addr, "stats"))
	return words[slices.Index(words, name)+1]
}

func TestCloseLeavesNoConnection(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Memcached())
	before := stat(t, p.Addr(), "curr_connections")
	for range 5 {
		s := open(t, Options{}, p.Addr())
		key := key(t, "k")
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for {
					_, err := s.Load(t.Context(), key)
					if errors.Is(err, store.ErrClosed) {
						return
					}
					if !errors.Is(err, store.ErrNotFound) {
						t.Errorf("Load = %v, want ErrNotFound or ErrClosed", err)
						return
					}
				}
			})
		}
		create(t, s, key+"2", "data")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		for range s.List(t.Context(), "") {
			break
		}
	}
	eventually(t, "connections", func() error {
		if now := stat(t, p.Addr(), "curr_connections"); now != before {
			return fmt.Errorf("%s, before it were %s", now, before)
		}
		return nil
	})
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Memcached())
	s := open(t, Options{}, p.Addr())
	counts := func() (n int) {
		for _, name := range []string{"cmd_get", "cmd_set", "delete_hits"} {
			var i int
			fmt.Sscan(stat(t, p.Addr(), name), &i)
			n += i
		}
		return n
	}
	r := create(t, s, "k", "data")
	later := far()
	for _, c := range []struct {
		name string
		want int
		call func() error
	}{
		{"Load", 1, func() (err error) { r, err = s.Load(t.Context(), "k"); return err }},
		{"Save", 1, func() (err error) { r, err = s.Save(t.Context(), "k", r, r); return err }},
		{"Save again", 1, func() (err error) { r, err = s.Save(t.Context(), "k", r, r); return err }},
		{"Touch that is not needed", 1, func() error { return s.Touch(t.Context(), "k", r, time.Now()) }},
		{"Touch", 2, func() error { later = later.Add(time.Hour); return s.Touch(t.Context(), "k", r, later) }},
		{"Touch of another version", 3, func() error { later = later.Add(time.Hour); return s.Touch(t.Context(), "k", r, later) }},
		{"Save after a Touch", 3, func() (err error) { r, err = s.Save(t.Context(), "k", r, r); return err }},
		{"Delete", 1, func() error { return s.Delete(t.Context(), "k") }},
		{"Save that creates", 1, func() error { _, err := s.Save(t.Context(), "k", store.Record{}, r); return err }},
	} {
		before := counts()
		if err := c.call(); err != nil {
			t.Errorf("%s = %v, want nil", c.name, err)
		}
		if got := counts() - before; got != c.want {
			t.Errorf("%s takes %d commands, want %d", c.name, got, c.want)
		}
	}
}
