package memcachedstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
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
	var away atomic.Bool
	var wrong atomic.Int32
	for i := range 16 {
		key := key(t, fmt.Sprint(i))
		wg.Go(func() {
			r := store.Record{}
			for ctx.Err() == nil {
				before := away.Load()
				next, err := s.Save(ctx, key, r, store.Record{Data: []byte("data"), Expires: far()})
				answered := err == nil || errors.Is(err, store.ErrConflict)
				if before && away.Load() && answered {
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
		away.Store(true)
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
		away.Store(false)
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
	if testing.Short() {
		t.Skip("starts a server")
	}
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

// fake is a server that answers each line with what answer returns, and
// closes the connection if that is empty.
func fake(t *testing.T, answer func(line string) string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewScanner(conn); in.Scan(); {
					text := answer(in.Text())
					if text == "" {
						return
					}
					fmt.Fprint(conn, text)
				}
			}()
		}
	}()
	return l.Addr().String()
}

// greeting answers the questions that a new connection begins with.
func greeting(line string) string {
	switch line {
	case "mn":
		return "MN\r\n"
	case "stats settings", "stats":
		return "END\r\n"
	}
	return ""
}

// The server may have obeyed before the connection broke. Sent again, the
// command would find its own doing and call it a conflict, and the engine
// would apply the change a second time.
func TestNoCommandIsSentTwice(t *testing.T) {
	var sets, gets atomic.Int32
	s := open(t, Options{}, fake(t, func(line string) string {
		switch {
		case strings.HasPrefix(line, "ms "):
			sets.Add(1)
			return "" // and the connection is closed
		case strings.HasPrefix(line, "mg "):
			gets.Add(1)
			return "EN\r\n"
		}
		return greeting(line)
	}))
	absent(t, s, "k") // now a connection is idle
	_, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("data")})
	if err == nil || errors.Is(err, store.ErrConflict) || sets.Load() != 1 {
		t.Errorf("Save = %v after %d commands, want an error after 1", err, sets.Load())
	}
	absent(t, s, "k")
}

func TestStrangeAnswersAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"nonsense":          "hello\r\n",
		"empty line":        "\r\n",
		"endless line":      strings.Repeat("x", 100_000),
		"negative size":     "VA -1 c1\r\n\r\n",
		"huge size":         "VA 99999999999 c1\r\n\r\n",
		"no size":           "VA\r\n",
		"value too short":   "VA 5 c1 t9\r\nabc\r\nEN\r\n",
		"value too long":    "VA 1 c1 t9\r\nabc\r\n",
		"bad flags":         "VA 1 f99999999999 c1\r\na\r\n",
		"bad time":          "VA 1 c1 tx\r\na\r\n",
		"no number":         "VA 1 t9 f0\r\na\r\n",
		"answer to a write": "NS\r\n",
		"server error":      "SERVER_ERROR out of everything\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{}, fake(t, func(line string) string {
				if strings.HasPrefix(line, "mg ") {
					return text
				}
				return greeting(line)
			}))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			for range 2 {
				if r, err := s.Load(ctx, "k"); err == nil || errors.Is(err, store.ErrNotFound) || ctx.Err() != nil {
					t.Fatalf("Load = %.40q, %v, want an error at once", r.Data, err)
				}
			}
		})
	}
}
