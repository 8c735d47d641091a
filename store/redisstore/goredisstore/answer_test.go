package goredisstore_test

import (
	"context"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redistest"
)

func TestASaveIsNotSentTwice(t *testing.T) {
	thief := new(redistest.Thief)
	s := open(t, redis.NewClient(&redis.Options{
		Addr:       single.Get(t).Addr(),
		DB:         9,
		MaxRetries: 5,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return thief.Conn(conn), nil
		},
	}), goredisstore.Options{})
	redistest.NotSentTwice(t, s, thief)
}

func TestCallsEndWithTheirContext(t *testing.T) {
	p := testserver.Start(t, testserver.Redis())
	redistest.EndsWithItsContext(t, onServer(t, p, 0), p)
}
