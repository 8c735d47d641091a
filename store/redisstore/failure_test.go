package redisstore_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore"
)

// fails checks an error that the operator can do something about.
func fails(t *testing.T, what string, err error, text, advice string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(store.Advice(err), advice) {
		t.Errorf("%s = %v\nadvice: %s\nwant an error with %q and advice with %q", what, err, store.Advice(err), text, advice)
	}
	if err != nil && !strings.HasPrefix(err.Error(), "redisstore: ") {
		t.Errorf("%s = %v, want the package in front", what, err)
	}
	for _, e := range []error{store.ErrNotFound, store.ErrConflict, store.ErrClosed, fs.ErrNotExist, fs.ErrClosed} {
		if errors.Is(err, e) {
			t.Errorf("%s = %v, which matches %v", what, err, e)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	locked := testserver.Start(t, testserver.Redis("requirepass secret", "user narrow on >secret ~nothing:* +@all"))
	master := testserver.Start(t, testserver.Redis())
	replica := testserver.Start(t, testserver.Redis("replicaof 127.0.0.1 "+strings.TrimPrefix(master.Addr(), "127.0.0.1:")))
	node := testserver.Start(t, testserver.Redis("cluster-enabled yes"))
	for _, c := range []struct{ name, url, text, advice string }{
		{"nothing listens", "redis://127.0.0.1:1", "connection refused", "start the server"},
		{"no such host", "redis://no-such-host.invalid", "no-such-host.invalid", ""},
		{"no such socket", "redis+unix:///no/such/redis.sock", "no such file", "unixsocket"},
		{"no password", urlOf(locked), "NOAUTH", "put it into the URL"},
		{"wrong password", "redis://:wrong@" + locked.Addr(), "WRONGPASS", "Correct user name and password"},
		{"wrong user", "redis://nobody:secret@" + locked.Addr(), "WRONGPASS", "Correct user name and password"},
		{"wrong database", urlOf(master) + "99", "DB index is out of range", "databases in redis.conf"},
		{"replica", urlOf(replica), "READONLY", "connect to the master"},
		{"node of a cluster", urlOf(node), "CLUSTERDOWN", "CLUSTER INFO"},
		{"database of a cluster", urlOf(node) + "1", "SELECT is not allowed", "database 0 only"},
		{"no Sentinel", "redis+sentinel://" + master.Addr() + "/mymaster", "SENTINEL", "want the addresses of Sentinels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := tryOpen(t, c.url)
			if s != nil {
				s.Close()
			}
			fails(t, "Open", err, c.text, c.advice)
			if err != nil && strings.Contains(err.Error(), "wrong") {
				t.Errorf("Open = %v, which shows the password", err)
			}
		})
	}
	t.Run("user who may only touch the sessions", func(t *testing.T) {
		s, err := tryOpen(t, "redis://narrow:secret@"+locked.Addr())
		if err != nil {
			t.Fatalf("Open = %v, want nil: the user may do all that is needed to its keys", err)
		}
		defer s.Close()
		_, err = s.Load(t.Context(), "elsewhere:key")
		fails(t, "Load of another's key", err, "NOPERM", "ACL SETUSER")
		if _, err := s.Load(t.Context(), "nothing:key"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Load = %v, want ErrNotFound", err)
		}
	})
}

// state is a store on a server of its own, with one record.
func state(t *testing.T, settings ...string) (*testserver.Process, *redisstore.Store, store.Record) {
	t.Helper()
	p := testserver.Start(t, testserver.Redis(settings...))
	s := open(t, urlOf(p))
	r, err := s.Save(t.Context(), "old", store.Record{}, store.Record{Data: []byte("data"), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return p, s, r
}

// changesFail checks that every change fails alike, while reads go on.
func changesFail(t *testing.T, s *redisstore.Store, r store.Record, text, advice string) {
	t.Helper()
	next := store.Record{Data: make([]byte, 1000), Expires: r.Expires}
	_, err := s.Save(t.Context(), "new", store.Record{}, next)
	fails(t, "Save that creates", err, text, advice)
	_, err = s.Save(t.Context(), "old", r, next)
	fails(t, "Save", err, text, advice)
	fails(t, "Ping", s.Ping(t.Context()), text, advice)
	if got, err := s.Load(t.Context(), "old"); err != nil || string(got.Data) != "data" {
		t.Errorf("Load = %q, %v, want the record", got.Data, err)
	}
}

func TestFullMemory(t *testing.T) {
	p, s, r := state(t)
	p.Do(t, "CONFIG", "SET", "maxmemory", "1")
	changesFail(t, s, r, "OOM", "raise maxmemory")
	// A logout must go through all the same.
	if err := s.Touch(t.Context(), "old", r, r.Expires.Add(time.Hour)); err != nil {
		t.Errorf("Touch = %v, want nil", err)
	}
	if err := s.Delete(t.Context(), "old"); err != nil {
		t.Errorf("Delete = %v, want nil", err)
	}
	p.Do(t, "CONFIG", "SET", "maxmemory", "0")
	if _, err := s.Save(t.Context(), "new", store.Record{}, r); err != nil {
		t.Errorf("Save with memory = %v, want nil", err)
	}
}

func TestMasterBecomesReplica(t *testing.T) {
	p, s, r := state(t)
	master := testserver.Start(t, testserver.Redis("repl-diskless-sync-delay 60"))
	p.Do(t, "REPLICAOF", "127.0.0.1", strings.TrimPrefix(master.Addr(), "127.0.0.1:"))
	changesFail(t, s, r, "READONLY", "connect to the master")
	fails(t, "Delete", s.Delete(t.Context(), "old"), "READONLY", "connect to the master")
	fails(t, "Touch", s.Touch(t.Context(), "old", r, time.Time{}), "READONLY", "connect to the master")
}

func TestTooFewReplicas(t *testing.T) {
	p, s, r := state(t)
	p.Do(t, "CONFIG", "SET", "min-replicas-to-write", "1")
	changesFail(t, s, r, "NOREPLICAS", "min-replicas-to-write")
}

func TestTooLarge(t *testing.T) {
	_, s, r := state(t, "proto-max-bulk-len 1mb")
	next := store.Record{Data: make([]byte, redisstore.DefaultMaxRecord+1)}
	_, err := s.Save(t.Context(), "old", r, next)
	if !errors.Is(err, store.ErrTooLarge) || !strings.Contains(store.Advice(err), "MaxRecord") {
		t.Errorf("Save beyond MaxRecord = %v (%s), want ErrTooLarge and advice", err, store.Advice(err))
	}
	// The server then closes the connection, and says why on it.
	next.Data = next.Data[:1<<20+1]
	_, err = s.Save(t.Context(), "old", r, next)
	if err == nil || store.Advice(err) == "" {
		t.Errorf("Save beyond the server's limit = %v (%s), want an error with advice", err, store.Advice(err))
	}
	if got, err := s.Load(t.Context(), "old"); err != nil || string(got.Data) != "data" {
		t.Errorf("Load = %q, %v, want the record", got.Data, err)
	}
}

func TestForeignValues(t *testing.T) {
	p, s, r := state(t)
	p.Do(t, "HSET", "hash", "field", "value")
	p.Do(t, "SET", "key with spaces", "value")
	_, err := s.Load(t.Context(), "hash")
	fails(t, "Load", err, "WRONGTYPE", "its own prefix")
	_, err = s.Save(t.Context(), "hash", r, r)
	fails(t, "Save", err, "WRONGTYPE", "its own prefix")
	for e, err := range s.List(t.Context(), "") {
		if err != nil || e.Key != "old" {
			t.Errorf("List yields %q, %v, want the session alone", e.Key, err)
		}
	}
	if err := s.Delete(t.Context(), "hash"); err != nil {
		t.Errorf("Delete = %v, want nil", err)
	}
}

// Errors are logged, and the server quotes what it does not understand.
func TestErrorsDoNotQuoteTheKey(t *testing.T) {
	p := testserver.Start(t, testserver.Redis("rename-command EVALSHA nothing", "rename-command SET nothing2"))
	s, err := redisstore.New(client(t, rueidis.ClientOption{InitAddress: []string{p.Addr()}, ForceSingleClient: true}), redisstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const key = "session:the-secret-key"
	_, loadErr := s.Load(t.Context(), key)
	_, saveErr := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte("the-secret-data")})
	for what, err := range map[string]error{"Load": loadErr, "Save": saveErr} {
		fails(t, what, err, "unknown command", "renamed")
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), "the-secret") {
				t.Errorf("%s = %v, which shows a secret", what, e)
			}
		}
	}
}

func TestCachelibSeesOnlyItsOwn(t *testing.T) {
	p := testserver.Start(t, testserver.Redis())
	s := open(t, urlOf(p)+"?cachelib=true&prefix=c:")
	if _, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("pickle")}); err != nil {
		t.Fatal(err)
	}
	if got := p.Do(t, "GET", "c:k"); got != "!pickle" {
		t.Errorf("the server holds %q, want !pickle", got)
	}
	p.Do(t, "SET", "c:number", "42")
	_, err := s.Load(t.Context(), "number")
	fails(t, "Load", err, "not a session", "its own prefix")
}
