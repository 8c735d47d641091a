package redisstore_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore"
)

// Nothing of these reaches a server.
func TestOpenRefusesBadURLs(t *testing.T) {
	for _, c := range []struct{ name, url, want string }{
		{"unknown parameter", "redis://127.0.0.1:1/?idle_timeout=3s", `unknown parameter "idle_timeout"`},
		{"several unknown", "redis://127.0.0.1:1/?zebra=1&ape=2", `unknown parameter "ape"`},
		{"parameter of another scheme", "redis://127.0.0.1:1/?sentinel_password=hunter2", `unknown parameter "sentinel_password"`},
		{"TLS file without TLS", "redis://127.0.0.1:1/?ca=/etc/ca.pem", `unknown parameter "ca"`},
		{"twice", "redis://127.0.0.1:1/?db=1&db=2", `parameter "db" is given 2 times`},
		{"no duration", "redis://127.0.0.1:1/?timeout=soon", `parameter "timeout" must be a duration`},
		{"negative duration", "redis://127.0.0.1:1/?stale_for=-1s", `parameter "stale_for" must be a duration`},
		{"no number", "redis://127.0.0.1:1/?max_record=big", `parameter "max_record" must be a number`},
		{"no boolean", "redis://127.0.0.1:1/?cachelib=perhaps", `parameter "cachelib" must be true or false`},
		{"database with a name", "redis://127.0.0.1:1/sessions", `must be the number of a database`},
		{"negative database", "redis://127.0.0.1:1/-1", `the number of a database`},
		{"no host", "redis:///0", "names no host"},
		{"no host but a port", "redis://:6379/0", "names no host"},
		{"two hosts", "redis://127.0.0.1:1,127.0.0.1:2/0", "takes one host"},
		{"a hole in the hosts", "redis+cluster://,127.0.0.1:1", "names no host"},
		{"no socket", "redis+unix://", "names no socket"},
		{"socket with a host", "redis+unix://run/redis.sock", "names no socket"},
		{"no master", "redis+sentinel://127.0.0.1:1/", "names no master"},
		{"opaque", "redis:127.0.0.1", "not of the form"},
		{"fragment", "redis://127.0.0.1:1/0#word", "write %23"},
		{"unknown scheme", "redis+http://127.0.0.1", `unknown scheme "redis+http"`},
		{"a slash in the password", "redis://ada:12/hunter2@127.0.0.1:1/0", "write %2F for a /"},
		{"a question mark in the password", "redis://ada:12?hunter2@127.0.0.1:1/0", "%3F for a ?"},
		{"a hash in the password", "redis://ada:12#hunter2@127.0.0.1:1/0", "%23 for a #"},
		{"malformed query", "redis://127.0.0.1:1/?password=%zz", "query is malformed"},
		{"missing authority", "rediss://127.0.0.1:1/?ca=/no/such/file", "parameter ca"},
		{"certificate without key", "rediss://127.0.0.1:1/?cert=/no/such/file", "belong together"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := tryOpen(t, c.url)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, want an error with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Open = %v, which shows a password", err)
			}
		})
	}
}

func TestOpenersHaveEveryScheme(t *testing.T) {
	_, err := redisstore.Open(t.Context(), &url.URL{Scheme: "x", Host: "127.0.0.1:1"})
	_, known, _ := strings.Cut(err.Error(), "known are ")
	for _, scheme := range strings.Split(known, ", ") {
		if redisstore.Openers()[scheme] == nil {
			t.Errorf("Open knows %q, and Openers does not", scheme)
		}
	}
	for scheme := range redisstore.Openers() {
		if _, err := redisstore.Openers().Open(t.Context(), scheme+"://127.0.0.1:1/?wrong=1"); err == nil || strings.Contains(err.Error(), "unknown scheme") {
			t.Errorf("Openers has %q, of which Open says %v", scheme, err)
		}
	}
}

func TestOpenUsesWhatTheURLSays(t *testing.T) {
	p := testserver.Start(t, testserver.Redis("requirepass s/e@cret"))
	admin := client(t, rueidis.ClientOption{InitAddress: []string{p.Addr()}, Password: "s/e@cret", ForceSingleClient: true})
	for _, rawURL := range []string{
		"redis://:s%2Fe%40cret@" + p.Addr() + "/2?prefix=app:&client_name=shop&dial_timeout=1s&timeout=1s",
		"redis://default:s%2Fe%40cret@" + p.Addr() + "/?db=2&prefix=app:&client_name=shop",
		"redis://" + p.Addr() + "/2?user=default&password=s%2Fe%40cret&prefix=app:&client_name=shop",
		"redis+unix://default:s%2Fe%40cret@" + testserver.RedisSocket(p) + "?db=2&prefix=app:&client_name=shop",
	} {
		s := open(t, rawURL)
		if _, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("v")}); err != nil {
			t.Fatal(err)
		}
		got, err := admin.Do(t.Context(), admin.B().ClientList().Build()).ToString()
		if err != nil || !strings.Contains(got, "name=shop") || !strings.Contains(got, "db=2") {
			t.Errorf("the server's clients are %s, %v, want shop in database 2", got, err)
		}
		for e, err := range s.List(t.Context(), "") {
			if err != nil || e.Key != "k" {
				t.Errorf("List yields %q, %v, want k without the prefix", e.Key, err)
			}
		}
		if err := s.Delete(t.Context(), "k"); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

func TestOpenHonoursItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // which never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err = openContext(t, ctx, "redis://"+l.Addr().String())
	if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took > time.Second {
		t.Errorf("Open = %v after %v, want %v soon", err, took, context.DeadlineExceeded)
	}
}
