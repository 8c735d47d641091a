package redisstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore"
)

func put(t *testing.T, s *redisstore.Store, key, data string, expires time.Time) {
	t.Helper()
	prev, err := s.Load(t.Context(), key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), key, prev, store.Record{Data: []byte(data), Expires: expires}); err != nil {
		t.Fatal(err)
	}
}

// holds reports what a store holds, "" for nothing.
func holds(t *testing.T, s *redisstore.Store, key string) string {
	t.Helper()
	r, err := s.Load(t.Context(), key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return string(r.Data)
}

func TestNearCacheNeedsNoRoundTrip(t *testing.T) {
	p := testserver.Start(t, testserver.Redis())
	other, s := open(t, urlOf(p)), open(t, urlOf(p)+"?stale_for=1m")
	far := time.Now().Add(time.Hour)
	put(t, other, "k", "v", far)
	holds(t, s, "k") // the first brings the script
	holds(t, s, "k")
	got := sent(t, p, func() {
		for range 10 {
			r, err := s.Load(t.Context(), "k")
			if err != nil || string(r.Data) != "v" {
				t.Errorf("Load = %q, %v, want v", r.Data, err)
			}
			if d := r.Expires.Sub(far).Abs(); d > time.Second {
				t.Errorf("Load: expiry is %v, want %v", r.Expires, far)
			}
			if _, err := s.Load(t.Context(), "absent"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Load = %v, want ErrNotFound", err)
			}
		}
	})
	if len(got) != 1 { // for the absent one
		t.Errorf("20 reads send %q, want one command", got)
	}
}

func TestNearCacheSeesOtherNodes(t *testing.T) {
	p := single.Get(t)
	other, s := open(t, urlOf(p)+"6"), open(t, urlOf(p)+"6?stale_for=1m")
	for n := range 50 {
		data := strconv.Itoa(n)
		put(t, other, "k", data, time.Time{})
		for end := time.Now().Add(10 * time.Second); holds(t, s, "k") != data; {
			if time.Now().After(end) {
				t.Fatalf("the store still holds %q, want %s: the server's word does not arrive", holds(t, s, "k"), data)
			}
		}
	}
	if err := other.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); holds(t, s, "k") != ""; {
		if time.Now().After(end) {
			t.Fatal("the store still holds a deleted record")
		}
	}
}

// Without a guard of its own a store would read what the client has cached,
// because the server's word about a change comes on another connection.
func TestNearCacheSeesItsOwnChangesAtOnce(t *testing.T) {
	p := single.Get(t)
	// Short, so that keys come and go from the guard all the time.
	s := open(t, urlOf(p)+"7?stale_for=20ms")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { // readers keep the cache full
			for {
				select {
				case <-stop:
					return
				default:
					s.Load(t.Context(), "k")
				}
			}
		})
	}
	defer wg.Wait()
	defer close(stop)
	far := time.Now().Add(time.Hour)
	var prev store.Record
	for n := range 1500 {
		next, err := s.Save(t.Context(), "k", prev, store.Record{Data: []byte(strconv.Itoa(n)), Expires: far})
		if err != nil {
			t.Fatal(err)
		}
		if got := holds(t, s, "k"); got != strconv.Itoa(n) {
			t.Fatalf("after the change to %d the store holds %q", n, got)
		}
		if n%10 == 0 {
			if err := s.Touch(t.Context(), "k", next, far.Add(time.Duration(n)*time.Minute)); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Load(t.Context(), "k"); err != nil || r.Expires.Before(far.Add(time.Duration(n)*time.Minute)) {
				t.Fatalf("after a touch the expiry is %v, %v, want %v or later", r.Expires, err, far.Add(time.Duration(n)*time.Minute))
			}
		}
		if prev = next; n%7 == 0 {
			if err := s.Delete(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			if got := holds(t, s, "k"); got != "" {
				t.Fatalf("after its deletion the store holds %q", got)
			}
			prev = store.Record{}
		}
		if n%50 == 0 {
			time.Sleep(25 * time.Millisecond) // lets the guard forget
		}
	}
}

// deaf is a connection on which the server's words about changes get lost.
type deaf struct{ net.Conn }

func (d deaf) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	heard := []byte("invalidate\r\n*1\r\n$1\r\nk")
	if i := bytes.Index(b[:n], heard); i >= 0 {
		b[i+len(heard)-1] = 'x' // another key
	}
	return n, err
}

// openDeaf opens a store that does not hear of changes of the record "k".
func openDeaf(t *testing.T, p *testserver.Process, bound time.Duration) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(client(t, rueidis.ClientOption{
		InitAddress: []string{p.Addr()},
		DialCtxFn: func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := d.DialContext(ctx, "tcp", addr)
			return deaf{conn}, err
		},
	}), redisstore.Options{StaleFor: bound})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNearCacheForgetsExpiredRecords(t *testing.T) {
	p := testserver.Start(t, testserver.Redis())
	other, s := open(t, urlOf(p)), openDeaf(t, p, time.Minute)
	expires := time.Now().Add(time.Second)
	put(t, other, "k", "v", expires)
	for {
		late := time.Since(expires)
		r, err := s.Load(t.Context(), "k")
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if d := r.Expires.Sub(expires).Abs(); d > 400*time.Millisecond {
			t.Fatalf("the expiry is %v, want %v", r.Expires, expires)
		}
		if late > 400*time.Millisecond {
			t.Fatalf("the store still holds a record %v after its end", late)
		}
	}
	if early := time.Until(expires); early > 200*time.Millisecond {
		t.Errorf("the record was gone %v before its end", early)
	}
}

func TestNearCacheHasABound(t *testing.T) {
	const bound = 500 * time.Millisecond
	p := testserver.Start(t, testserver.Redis())
	other, s := open(t, urlOf(p)), openDeaf(t, p, bound)
	put(t, other, "k", "old", time.Time{})
	holds(t, s, "k") // the first brings the script
	read := time.Now()
	holds(t, s, "k")
	put(t, other, "k", "new", time.Time{})
	if got := holds(t, s, "k"); got != "old" && time.Since(read) < bound {
		t.Fatalf("the store holds %q, want the old record: this test does not test what it should", got)
	}
	for end := time.Now().Add(10 * time.Second); ; {
		age := time.Since(read)
		if holds(t, s, "k") != "old" {
			break
		}
		if age > bound+50*time.Millisecond || time.Now().After(end) {
			t.Fatalf("the store still holds what it read %v before, the bound is %v", age, bound)
		}
	}
}
