package redisstore_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// Sentinels and servers may have passwords of their own.
func TestPasswordsOfSentinels(t *testing.T) {
	s := testserver.StartRedisSentinel(t)
	// Those who are connected already may stay.
	s.Servers[0].Do(t, "CONFIG", "SET", "requirepass", "hunter2")
	for _, p := range s.Sentinels {
		p.Do(t, "ACL", "SETUSER", "default", "resetpass", ">hunter3")
	}
	where := s.Addrs() + "/mymaster"
	for _, c := range []struct{ name, url, text, advice string }{
		{"both", "redis+sentinel://:hunter2@" + where + "?sentinel_password=hunter3", "", ""},
		{"with users", "redis+sentinel://default:hunter2@" + where + "/1?sentinel_user=default&sentinel_password=hunter3", "", ""},
		{"that of the Sentinels is missing", "redis+sentinel://:hunter2@" + where, "NOAUTH", "password"},
		{"that of the Sentinels is wrong", "redis+sentinel://:hunter2@" + where + "?sentinel_password=hunter9", "WRONGPASS", "password"},
		{"that of the servers is missing", "redis+sentinel://" + where + "?sentinel_password=hunter3", "NOAUTH", "password"},
		{"that of the servers is wrong", "redis+sentinel://:hunter9@" + where + "?sentinel_password=hunter3", "WRONGPASS", "password"},
		{"unknown master", "redis+sentinel://:hunter2@" + s.Addrs() + "/other?sentinel_password=hunter3", "No such master", "sentinel monitor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := tryOpen(t, c.url)
			if c.text == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if _, err := s.Save(t.Context(), "k-"+c.name[:4], store.Record{}, store.Record{Data: []byte("v")}); err != nil {
					t.Error(err)
				}
				return
			}
			fails(t, "Open", err, c.text, c.advice)
			if err != nil && strings.Contains(err.Error(), "hunter") {
				t.Errorf("Open = %v, which shows a password", err)
			}
		})
	}
}
