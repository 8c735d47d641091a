package redisstore_test

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store/redisstore"
)

// held is a connection whose answers wait while the gate is locked.
type held struct {
	net.Conn
	gate *sync.RWMutex
}

func (h held) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	h.gate.RLock()
	defer h.gate.RUnlock()
	return n, err
}

// The answer to an earlier reader may have been on its way for longer than the
// bound when a later one, who joins in the wait, gets it.
func TestNearCacheHasABoundForLateAnswers(t *testing.T) {
	const bound = 200 * time.Millisecond
	p := testserver.Start(t, testserver.Redis())
	var gate sync.RWMutex
	s, err := redisstore.New(client(t, rueidis.ClientOption{
		InitAddress: []string{p.Addr()},
		DialCtxFn: func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := d.DialContext(ctx, "tcp", addr)
			return held{conn, &gate}, err
		},
	}), redisstore.Options{StaleFor: bound})
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, urlOf(p))
	put(t, other, "k", "old", time.Time{})
	put(t, other, "warm", "data", time.Time{})
	holds(t, s, "warm") // the first brings the script

	stats := func() string { return p.Do(t, "INFO", "commandstats") }
	before := stats()
	count := func(stats string) string {
		_, rest, _ := strings.Cut(stats, "cmdstat_evalsha_ro:")
		calls, _, _ := strings.Cut(rest, ",")
		return calls
	}
	gate.Lock()
	first := make(chan error, 1)
	go func() { _, err := s.Load(t.Context(), "k"); first <- err }()
	for end := time.Now().Add(10 * time.Second); count(stats()) == count(before); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			gate.Unlock()
			t.Fatal("the first reader's command does not reach the server")
		}
	}
	put(t, other, "k", "new", time.Time{})
	<-time.After(bound + 20*time.Millisecond)
	time.AfterFunc(50*time.Millisecond, gate.Unlock)
	if got := holds(t, s, "k"); got != "new" {
		t.Errorf("the store holds %q, which is older than %v", got, bound)
	}
	if err := <-first; err != nil {
		t.Errorf("the first Load = %v, want nil", err)
	}
}
