package memcachedstore

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// What is logged when a connection fails says what to do about it.
func TestAdviceForBrokenConnections(t *testing.T) {
	t.Parallel()
	paused := testserver.Start(t, testserver.Memcached())
	create(t, open(t, Options{}, paused.Addr()), "k", "data")
	paused.Pause(t)
	busy := open(t, Options{MaxConns: 1}, paused.Addr())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go busy.Load(ctx, "k")
	eventually(t, "the connection is taken", func() error {
		if len(busy.servers[0].slots) == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	for name, c := range map[string]struct {
		s      *Store
		advice string
	}{
		"paused": {open(t, Options{}, paused.Addr()), "did not answer in time"},
		"busy":   {busy, "MaxConns"},
		"something else listens": {open(t, Options{}, fake(t, func(string) string { return "-ERR unknown command 'mn'\r\n" })),
			"Something else than memcached"},
		"closes the connection": {open(t, Options{}, fake(t, func(string) string { return "" })), "The connection broke"},
		"closes it later":       {open(t, Options{}, fake(t, func(line string) string { return greeting(line) })), "The connection broke"},
		"speaks no TLS":         {open(t, Options{TLS: &tls.Config{}}, one.Get(t).Addr()), "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			patience := time.Minute
			if name == "paused" || name == "busy" { // which it must run out of
				patience = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := c.s.Load(ctx, "k")
			if err == nil || errors.Is(err, store.ErrNotFound) || !strings.Contains(store.Advice(err), c.advice) {
				t.Errorf("Load = %v with advice %q, want an error with advice that has %q", err, store.Advice(err), c.advice)
			}
		})
	}
	// A visitor who leaves is nobody's fault.
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, Options{}, one.Get(t).Addr()).Load(ctx, "k"); store.Advice(err) != "" {
		t.Errorf("Load with a cancelled context = %v with advice %q, want none", err, store.Advice(err))
	}
}
