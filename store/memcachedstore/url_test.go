package memcachedstore

import (
	"net/url"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

var openers = Openers()

func TestOpen(t *testing.T) {
	t.Parallel()
	a, b, c := one.Get(t).Addr(), two.Get(t).Addr(), three.Get(t).Addr()
	for _, u := range []struct {
		url     string
		servers []string
	}{
		{"memcached://" + a, []string{a}},
		{"memcached://" + a + "/", []string{a}},
		{"memcached://" + a + "," + b + "," + c, []string{a, b, c}},
		{"memcached://" + a + "/?addr=" + b + "&addr=" + c + "&max_conns=3&tls=false", []string{a, b, c}},
		{"memcached://user:secret@" + a + "," + b + "?distribution=pymemcache&flags=0x1", []string{a, b}},
	} {
		s, err := openers.Open(t.Context(), u.url)
		if err != nil {
			t.Errorf("Open(%q) = %v, want a store", u.url, err)
			continue
		}
		defer store.Close(s)
		var got []string
		for _, srv := range s.(*Store).servers {
			got = append(got, srv.addr)
		}
		if strings.Join(got, " ") != strings.Join(u.servers, " ") {
			t.Errorf("Open(%q) has the servers %v, want %v", u.url, got, u.servers)
		}
		create(t, s, key(t, "k"), "data")
	}
}

func TestOpenSetsTheOptions(t *testing.T) {
	u, err := url.Parse("memcached://user:se%20cret@h/?distribution=pylibmc&flags=17&max_conns=5&tls=true")
	if err != nil {
		t.Fatal(err)
	}
	o, _, err := urlOptions(u)
	if err != nil {
		t.Fatal(err)
	}
	if o.Username != "user" || o.Password != "se cret" || o.Distribution != Pylibmc || o.Flags != 17 || o.MaxConns != 5 || o.TLS == nil {
		t.Errorf("the options are %+v", o)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ name, url, want string }{
		{"no host", "memcached:///", "names no server"},
		{"opaque", "memcached:localhost", "names no server"},
		{"path", "memcached://localhost/0", "no databases"},
		{"fragment", "memcached://localhost/#x", "fragment"},
		{"a slash in the password", "memcached://ada:12/hunter2@localhost/", ""},
		{"a question mark in the password", "memcached://ada:12?hunter2@localhost/", ""},
		{"a hash in the password", "memcached://ada:12#hunter2@localhost/", ""},
		{"empty host in a list", "memcached://localhost,,b:1", "server number 2"},
		{"bad port", "memcached://a:x,b:1", "server number 1"},
		{"server twice", "memcached://localhost,localhost:11211", "twice"},
		{"password in an address", "memcached://localhost/?addr=user:hunter2@host:1", "server number 2"},
		{"unknown parameter", "memcached://localhost/?timeout=5", `"timeout"`},
		{"parameter twice", "memcached://localhost/?flags=1&flags=2", "2 times"},
		{"broken query", "memcached://localhost/?flags=%zz", "query"},
		{"unknown distribution", "memcached://localhost/?distribution=random", "known are ketama"},
		{"flags beyond 32 bits", "memcached://localhost/?flags=4294967296", "flags must be"},
		{"the store's own flag", "memcached://localhost/?flags=0x80000000", "highest bit"},
		{"no connections", "memcached://localhost/?max_conns=0", "max_conns must be"},
		{"tls", "memcached://localhost/?tls=maybe", "tls must be"},
		{"user with a space", "memcached://a%20b:c@localhost/", "user name or password"},
		{"socket with a host", "memcached+unix://run/memcached.sock", "memcached+unix:/path"},
		{"socket without a path", "memcached+unix:memcached.sock", "memcached+unix:/path"},
		{"nobody there", "memcached://127.0.0.1:1/", "127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := openers.Open(t.Context(), c.url)
			if err == nil || s != nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Open = %v, %v, want an error with %q", s, err, c.want)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for addr, want := range map[string]string{
		"localhost":       "localhost:11211",
		"localhost:1":     "localhost:1",
		"10.0.0.1":        "10.0.0.1:11211",
		"::1":             "[::1]:11211",
		"[::1]":           "[::1]:11211",
		"[::1]:5":         "[::1]:5",
		"/run/x.sock":     "/run/x.sock",
		"":                "",
		"host:":           "",
		":5":              "",
		"host:65536":      "",
		"a:b:5":           "",
		"a,b":             "",
		"tcp://localhost": "",
	} {
		s, err := New([]string{addr}, Options{})
		switch {
		case want == "" && err == nil:
			t.Errorf("New(%q) = nil, want an error", addr)
		case want != "" && err != nil:
			t.Errorf("New(%q) = %v, want nil", addr, err)
		case want != "" && s.servers[0].addr != want:
			t.Errorf("New(%q) has the server %q, want %q", addr, s.servers[0].addr, want)
		}
	}
	if _, err := New(nil, Options{}); err == nil {
		t.Error("New without servers = nil, want an error")
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	server := testserver.Memcached()
	server.Args = func(p *testserver.Process) []string { return []string{"-s", p.Path("sock"), "-a", "777"} }
	server.Ready = ping("/", Options{})
	p := testserver.Start(t, server)
	s, err := openers.Open(t.Context(), "memcached+unix:"+p.Path("sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(s)
	create(t, s, "k", "data")
	holds(t, s, "k", "data")
}
