package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

// chains is how many records are saved over and over while a server dies.
const chains = 8

// A chain is one record whose data counts its saves.
type chain struct {
	key          string
	acknowledged int
}

// save saves next numbers until stop says so or a save fails.
func (c *chain) save(ctx context.Context, s store.Store, acknowledge func(n int), stop func() bool) error {
	r, err := s.Load(ctx, c.key)
	if errors.Is(err, store.ErrNotFound) {
		r, err = store.Record{}, nil
	}
	if err != nil {
		return err
	}
	for n := c.acknowledged + 1; !stop(); n++ {
		r, err = s.Save(ctx, c.key, r, store.Record{Data: []byte(strconv.Itoa(n)), Expires: time.Now().Add(time.Hour)})
		if err != nil {
			return err
		}
		c.acknowledged = n
		acknowledge(n)
	}
	return nil
}

// check checks that the record holds the last save that was acknowledged, or
// the one after it, about which nobody heard.
func (c *chain) check(t *testing.T, s store.Store) {
	t.Helper()
	r, err := s.Load(t.Context(), c.key)
	if err != nil {
		t.Errorf("Load = %v, want the record that was acknowledged %d times", err, c.acknowledged)
		return
	}
	n, err := strconv.Atoi(string(r.Data))
	if err != nil || n != c.acknowledged && n != c.acknowledged+1 {
		t.Errorf("record %s after the crash, %d was acknowledged", r.Data, c.acknowledged)
	}
	c.acknowledged = n
}

// The server dies under load, and comes back. What was acknowledged is there,
// and the same store goes on.
func TestKillOfTheServer(t *testing.T) {
	for _, c := range []struct {
		name   string
		server testserver.Server
		url    func(p *testserver.Process) *url.URL
	}{
		{"PostgreSQL", testserver.Postgres(), func(p *testserver.Process) *url.URL { return testserver.PostgresURL(p, "postgres") }},
		{"MariaDB", testserver.MariaDB(), func(p *testserver.Process) *url.URL { return testserver.MariaDBURL(p, "cloakroom") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := testserver.Start(t, c.server)
			s := open(t, with(c.url(p), "create_table=true"))
			var all [chains]chain
			for i := range all {
				all[i].key = fmt.Sprintf("chain-%d", i)
			}
			for range 2 {
				crash(t, p, s, all[:])
			}
		})
	}
}

func crash(t *testing.T, p *testserver.Process, s *sqlstore.Store, all []chain) {
	var saved [chains]atomic.Int64
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			err := all[i].save(t.Context(), s, func(int) { saved[i].Add(1) }, func() bool { return false })
			if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
				t.Errorf("Save while the server dies = %v, which says that the record is gone", err)
			}
			if store.Advice(err) == "" {
				t.Errorf("Save while the server dies = %v, without advice", err)
			}
		})
	}
	for i := range saved {
		until(t, func() bool { return saved[i].Load() > 20 || t.Failed() })
	}
	p.Kill(t)
	wg.Wait()
	if _, err := s.Load(t.Context(), all[0].key); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load without a server = %v, want an error that says so", err)
	}
	p.Restart(t)
	var err error
	until(t, func() bool {
		_, err = s.Load(t.Context(), all[0].key)
		return err == nil
	})
	for i := range all {
		all[i].check(t, s)
	}
}

// until waits for cond to hold.
func until(t *testing.T, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}

// childChain saves one record over and over, and prints each number once it
// is acknowledged.
func childChain(ctx context.Context, s store.Store, key string) error {
	c := chain{key: key}
	return c.save(ctx, s, func(n int) { fmt.Println(n) }, func() bool { return false })
}

// SQLite has no server: the process that saves dies.
func TestKillOfAProcessWithSQLite(t *testing.T) {
	t.Parallel()
	u := inSQLite.fresh(t)
	s := open(t, u)
	for i := range 3 {
		c := chain{key: fmt.Sprintf("k%d", i)}
		dies := spawn(t, "chain", u, c.key)
		for c.acknowledged < 30+10*i && dies.out.Scan() {
			c.acknowledged, _ = strconv.Atoi(dies.out.Text())
		}
		if err := dies.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for dies.out.Scan() { // what it said before it died
			c.acknowledged, _ = strconv.Atoi(dies.out.Text())
		}
		_ = dies.Wait()
		if c.acknowledged == 0 {
			t.Fatalf("the process saved nothing: %s", dies.stderr.String())
		}
		c.check(t, s)
		put(t, s, "after"+c.key, "works")
	}
}
