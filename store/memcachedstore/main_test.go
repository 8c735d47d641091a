package memcachedstore

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// Three servers that all tests share which do not stop or pause them.
var (
	one   = testserver.Shared{Server: testserver.Memcached()}
	two   = testserver.Shared{Server: testserver.Memcached()}
	three = testserver.Shared{Server: testserver.Memcached()}
)

// Other processes are this test binary again, told by its environment which
// part to play, on which servers and which key.
const (
	childPart    = "MEMCACHEDSTORE_TEST_PART"
	childServers = "MEMCACHEDSTORE_TEST_SERVERS"
	childKey     = "MEMCACHEDSTORE_TEST_KEY"
)

func TestMain(m *testing.M) {
	if part := os.Getenv(childPart); part != "" {
		if err := play(part); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// The tests wait for records to expire more than they compute.
	flag.Parse()
	flag.Set("test.parallel", "64")
	testserver.Main(m, &one, &two, &three)
}

func play(part string) error {
	s, err := New(strings.Split(os.Getenv(childServers), ","), Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	switch part {
	case "count":
		return count(ctx, s, os.Getenv(childKey))
	case "save":
		return saveUntilGone(ctx, s, os.Getenv(childKey))
	}
	return errors.New("no such part")
}

// spawn starts a child.
func spawn(t *testing.T, part, key string, servers ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), childPart+"="+part, childKey+"="+key, childServers+"="+strings.Join(servers, ","))
	c.Stderr = &strings.Builder{}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// end waits for a child to succeed.
func end(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if err := c.Wait(); err != nil {
		t.Fatalf("the child failed: %v\n%s", err, c.Stderr)
	}
}

// open returns a store, which is closed when the test is over.
func open(t testing.TB, o Options, servers ...string) *Store {
	t.Helper()
	s, err := New(servers, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// key returns a key that no other test uses.
func key(t testing.TB, name string) string {
	return fmt.Sprintf("%s:%s:%d", strings.ReplaceAll(t.Name(), " ", "_"), name, time.Now().UnixNano())
}

// far is an expiry that no test reaches.
func far() time.Time { return time.Now().Add(time.Hour) }

func create(t testing.TB, s store.Store, key, data string) store.Record {
	t.Helper()
	r, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte(data), Expires: far()})
	if err != nil {
		t.Fatalf("Save = %v, want nil", err)
	}
	return r
}

// holds checks what is stored under a key.
func holds(t testing.TB, s store.Store, key, data string) store.Record {
	t.Helper()
	r, err := s.Load(t.Context(), key)
	if err != nil || string(r.Data) != data {
		t.Fatalf("Load = %.40q, %v, want %.40q", r.Data, err, data)
	}
	return r
}

// absent checks that nothing is stored under a key.
func absent(t testing.TB, s store.Store, key string) {
	t.Helper()
	if r, err := s.Load(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Load = %.40q, %v, want ErrNotFound", r.Data, err)
	}
}

// eventually calls f until it returns nil.
func eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("%s: still %v", what, err)
}

const each = 20 // increments of one goroutine

// count increments a counter from many goroutines.
func count(ctx context.Context, s store.Store, key string) error {
	errs := make(chan error)
	for range 32 {
		go func() {
			var err error
			for i := 0; i < each && err == nil; i++ {
				err = increment(ctx, s, key)
			}
			errs <- err
		}()
	}
	var err error
	for range 32 {
		err = errors.Join(err, <-errs)
	}
	return err
}

// increment adds one to a record, as often as it takes.
func increment(ctx context.Context, s store.Store, key string) error {
	for {
		r, err := s.Load(ctx, key)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			return err
		}
		_, err = s.Save(ctx, key, r, store.Record{Data: []byte(strconv.Itoa(n + 1)), Expires: far()})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// saveUntilGone saves from many goroutines, each with the newest prev, until
// there is none.
func saveUntilGone(ctx context.Context, s store.Store, key string) error {
	errs := make(chan error)
	for g := range 32 {
		go func() {
			r, err := s.Load(ctx, key)
			for i := 0; err == nil; i++ {
				r, err = s.Save(ctx, key, r, store.Record{Data: fmt.Appendf(nil, "%d by %d", i, g), Expires: far()})
				if errors.Is(err, store.ErrConflict) {
					r, err = s.Load(ctx, key)
				}
			}
			if errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			errs <- err
		}()
	}
	var err error
	for range 32 {
		err = errors.Join(err, <-errs)
	}
	return err
}
