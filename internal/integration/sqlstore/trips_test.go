package sqlstore_test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// A counter stands before a server and counts how often a client asks it
// something: once however many packets the question has.
type counter struct {
	net.Listener
	asked atomic.Int64
}

func countTrips(t *testing.T, server string) *counter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := &counter{Listener: l}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(client, server)
		}
	}()
	return c
}

func (c *counter) serve(client net.Conn, addr string) {
	defer client.Close()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer server.Close()
	var answered atomic.Bool
	answered.Store(true)
	go func() {
		defer server.Close()
		_, _ = io.Copy(server, reads{client, func() {
			if answered.Swap(false) {
				c.asked.Add(1)
			}
		}})
	}()
	_, _ = io.Copy(client, reads{server, func() { answered.Store(true) }})
}

// reads calls did after each read.
type reads struct {
	io.Reader
	did func()
}

func (r reads) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.did()
	}
	return n, err
}

func TestOneRoundTripEach(t *testing.T) {
	for _, c := range []struct {
		name   string
		place  place
		params []string
	}{
		{"PostgreSQL", inPostgres, nil},
		{"PostgreSQL, exec", inPostgres, []string{"default_query_exec_mode=exec"}},
		{"MariaDB", inMariaDB, nil},
		{"MariaDB, interpolated", inMariaDB, []string{"unprepared=true", "interpolateParams=true"}},
		{"MariaDB, Flask's", inMariaDB, []string{"layout=flask-sqlalchemy"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := c.place.fresh(t, append(c.params, "max_open_conns=1")...)
			trips := countTrips(t, u.Host)
			proxied := *u
			proxied.Host = trips.Addr().String()
			s := open(t, &proxied)
			all(t, s, "warm", func(string) {}) // connections, and statements to prepare
			least := map[string]int64{}
			for _, key := range []string{"k1", "k2", "k3"} { // pgx asks first on a connection that was idle for a second
				last := trips.asked.Load()
				all(t, s, key, func(op string) {
					now := trips.asked.Load()
					if n, ok := least[op]; !ok || now-last < n {
						least[op] = now - last
					}
					last = now
				})
			}
			for op, n := range least {
				want := int64(1)
				if op == "SaveAll" && c.place.name != inPostgres.name {
					want = 5 // begin, three statements, commit
				}
				if n != want {
					t.Errorf("%s takes %d round trips, want %d", op, n, want)
				}
			}
		})
	}
}

// all calls each method of a store, and then for each done.
func all(t *testing.T, s store.Store, key string, done func(op string)) {
	t.Helper()
	r := put(t, s, key, "data")
	done("Save that creates")
	holds(t, s, key, "data")
	done("Load")
	gone(t, s, key+"absent")
	done("Load of nothing")
	for n, keys := range map[int][]string{1: {key}, 20: append(slices.Repeat([]string{"absent"}, 19), key)} {
		records, err := store.LoadAll(t.Context(), s, keys)
		if err != nil || string(records[n-1].Data) != "data" {
			t.Fatalf("LoadAll of %d keys = %v, %v", n, records, err)
		}
		done(fmt.Sprintf("LoadAll of %d keys", n))
	}
	r, err := s.Save(t.Context(), key, r, rec("more"))
	if err != nil {
		t.Fatal(err)
	}
	done("Save")
	if err := s.Touch(t.Context(), key, r, time.Now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	done("Touch")
	changes := []store.Change{{Key: key, Prev: r, Next: rec("even more")}, {Key: key + "b", Next: rec("b")}, {Key: key + "a", Next: rec("a")}}
	records, err := s.(store.BatchSaver).SaveAll(t.Context(), changes)
	if err != nil {
		t.Fatal(err)
	}
	done("SaveAll")
	r = records[0]
	if _, err := s.Save(t.Context(), key, r, store.Record{}); err != nil {
		t.Fatal(err)
	}
	done("Save that deletes")
	if err := s.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	done("Delete")
}
