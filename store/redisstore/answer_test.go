package redisstore_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redistest"
)

func TestASaveIsNotSentTwice(t *testing.T) {
	thief := new(redistest.Thief)
	c := client(t, rueidis.ClientOption{
		InitAddress: []string{single.Get(t).Addr()},
		SelectDB:    9,
		DialCtxFn: func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := d.DialContext(ctx, "tcp", addr)
			if err != nil {
				return nil, err
			}
			return thief.Conn(conn), nil
		},
	})
	s, err := redisstore.New(c, redisstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	redistest.NotSentTwice(t, s, thief)
}

func TestCallsEndWithTheirContext(t *testing.T) {
	p := testserver.Start(t, testserver.Redis())
	// Opened as a program does in its main: without an end in sight.
	s, err := openContext(t, context.Background(), urlOf(p))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	redistest.EndsWithItsContext(t, s, p)
}
