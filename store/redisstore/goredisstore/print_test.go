package goredisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/internal/printtest"
	"github.com/cloakroom/cloakroom/store/redisstore/goredisstore"
)

func TestStoresPrintNoPassword(t *testing.T) {
	const secret = "canary-of-a-password"
	for name, client := range map[string]redis.UniversalClient{
		"client":  redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Password: secret}),
		"cluster": redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, Password: secret}),
		"ring":    redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}, Password: secret}),
	} {
		defer client.Close()
		s, err := goredisstore.New(client, goredisstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		printtest.Silent(t, name, s, secret)
	}
}
