package mongostore

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// checkDiscreet checks that an error gives no secret away.
func checkDiscreet(t *testing.T, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		return
	}
	for _, s := range secrets {
		if strings.Contains(err.Error()+store.Advice(err), s) {
			t.Errorf("the error contains a secret: %v", err)
		}
	}
}

// What a MongoDB says when it denies something: it quotes the command.
func TestServerErrors(t *testing.T) {
	const denied = `not authorized on app to execute command { update: "sessions", updates: [ { q: { _id: "SECRETKEY" } } ] }`
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		err    error
		text   string
		is     error
		advice string
	}{
		"command denied": {t.Context(), mongo.CommandError{Code: 13, Name: "Unauthorized", Message: denied},
			"mongostore: save: server error 13, Unauthorized", nil, advice[13]},
		"write denied": {t.Context(), mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 13, Message: denied}}},
			"mongostore: save: server error 13", nil, advice[13]},
		"duplicate key in a command": {t.Context(), mongo.CommandError{Code: 11000, Name: "DuplicateKey", Message: denied},
			"mongostore: save: server error 11000, DuplicateKey", nil, ""},
		"write concern": {t.Context(), mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 100, Name: "UnsatisfiableWriteConcern", Message: denied}},
			"mongostore: save: server error 100, UnsatisfiableWriteConcern", nil, advice[100]},
		"without a code": {t.Context(), mongo.CommandError{Message: denied},
			"mongostore: save: server error", nil, ""},
		"too large":  {t.Context(), mongo.CommandError{Code: 17419, Message: denied}, "(server error 17419)", store.ErrTooLarge, store.AdviseTooLarge},
		"disk full":  {t.Context(), mongo.CommandError{Code: 14031, Name: "OutOfDiskSpace"}, "server error 14031, OutOfDiskSpace", nil, advice[14031]},
		"no retries": {t.Context(), mongo.CommandError{Code: 20, Name: "IllegalOperation"}, "server error 20", nil, advice[20]},
		"cancelled":  {ended, mongo.CommandError{Code: 13, Message: denied}, "mongostore: save: context canceled (server error 13)", context.Canceled, advice[13]},
		"another call's connection broke": {t.Context(), errors.New("connection pool for db:27017 was cleared because another operation failed with: EOF"),
			"mongostore: save: connection pool", nil, adviseUnreachable},
		"disconnected": {t.Context(), mongo.ErrClientDisconnected, "mongostore: save: store is closed", store.ErrClosed, ""},
	} {
		err := new(Store).fail(c.ctx, "save", c.err)
		if !strings.Contains(err.Error(), c.text) || c.is != nil && !errors.Is(err, c.is) || store.Advice(err) != c.advice {
			t.Errorf("%s: %v with advice %q, want %q with %q", name, err, store.Advice(err), c.text, c.advice)
		}
		checkDiscreet(t, err, "SECRETKEY", "q:")
	}
}

func TestURLs(t *testing.T) {
	for rawURL, want := range map[string]struct{ database, collection, hosts string }{
		"mongodb://h":               {"cloakroom", "sessions", "h"},
		"mongodb://h/":              {"cloakroom", "sessions", "h"},
		"mongodb://h/app":           {"app", "sessions", "h"},
		"mongodb://h/?layout=flask": {"flask_session", "sessions", "h"},
		"mongodb://h/admin?database=app&collection=s":       {"app", "s", "h"},
		"mongodb://a:1,b:2/app?replicaSet=rs0&w=majority":   {"app", "sessions", "a:1,b:2"},
		"mongodb://u:p%40%2F@h:1/app?authSource=admin":      {"app", "sessions", "h:1"},
		"mongodb://h/app?readPreference=primary&tls=true":   {"app", "sessions", "h"},
		"mongodb://h/app?layout=native&ensure_indexes=true": {"app", "sessions", "h"},
	} {
		c, err := parseURL(parse(t, rawURL))
		if err != nil {
			t.Errorf("%s: %v", rawURL, err)
			continue
		}
		if hosts := strings.Join(c.client.Hosts, ","); c.database != want.database || c.collection != want.collection || hosts != want.hosts {
			t.Errorf("%s: %s %s %s, want %v", rawURL, c.database, c.collection, hosts, want)
		}
	}
	c, err := parseURL(parse(t, "mongodb://h/app?journal=true&layout=flask"))
	if err != nil || c.options.WriteConcern.W != writeconcern.WCMajority || !*c.options.WriteConcern.Journal || !c.options.Flask {
		t.Errorf("journal alone: %+v, %v", c.options, err)
	}
}

func TestBadURLs(t *testing.T) {
	for rawURL, want := range map[string]string{
		"mongodb://h/?colection=x":                         `"colection"`,
		"mongodb://h/?replicaset=r&conectTimeoutMS=5&foo=": `"conecttimeoutms" "foo"`,
		"mongodb://h/?layout=django":                       `layout: "django" is neither native nor flask`,
		"mongodb://h/?collection=":                         "collection: it is empty",
		"mongodb://h/?database=":                           "database: it is empty",
		"mongodb://h/?ensure_indexes=perhaps":              "ensure_indexes: ",
		"mongodb://h/?collection=%zz":                      "collection: its value is not well escaped",
		"mongodb://h/?w=0":                                 "waits for nothing",
		"mongodb://h/?readPreference=secondaryPreferred":   "readPreference: secondaryPreferred may return a session that has ended",
		"mongodb://h/?connectTimeoutMS=soon":               `"connectTimeoutMS": "soon"`,
		"mongodb://h/?srvMaxHosts=2":                       "srvMaxHosts",
		"mongodb:///app":                                   "at least 1 host",
		"mongodb://u:secret@h/?authMechanism=none":         "invalid auth mechanism",
		"mongodb://u:secret@h/?connectTimeoutMS=secret":    "the reason is not shown",
		"mongo://u:secret@h/":                              "scheme must be",
	} {
		_, err := Open(t.Context(), parse(t, rawURL))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", rawURL, err, want)
		}
		checkDiscreet(t, err, "secret")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, parse(t, "mongodb://h/")); !errors.Is(err, context.Canceled) {
		t.Errorf("Open with a context that is done = %v", err)
	}
}

func parse(t *testing.T, rawURL string) *url.URL {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestNew(t *testing.T) {
	if _, err := New(nil, Options{}); err == nil {
		t.Error("New takes a nil collection")
	}
	c := client(t, server(t))
	coll := c.Database("test").Collection("new")
	if _, err := New(coll, Options{WriteConcern: writeconcern.Unacknowledged()}); err == nil {
		t.Error("New takes a write concern that waits for nothing")
	}
	s, err := New(coll, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if _, err := s.Load(ctx, "key"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load = %v, want ErrNotFound", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if _, err := s.Load(ctx, "key"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Load after Close = %v, want ErrClosed", err)
	}
	if err := c.Ping(ctx, nil); err != nil {
		t.Errorf("Close has disconnected the caller's client: %v", err)
	}
	open, err := New(coll, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Disconnect(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Load(ctx, "key"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Load with a disconnected client = %v, want ErrClosed", err)
	}
}

// A secondary may not know yet that a session has ended. This replica set has
// none, so that whoever asks for one waits in vain.
func TestReadsFromThePrimary(t *testing.T) {
	set := testserver.FerretDB()
	args := set.Args
	set.Args = func(p *testserver.Process) []string { return append(args(p), "--repl-set-name=rs0") }
	p := testserver.Start(t, set)
	c := client(t, p.Addr()+"/?replicaSet=rs0&readPreference=secondary")
	s, err := New(c.Database("test").Collection("sessions"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := s.Save(ctx, "key", store.Record{}, record("data", inAnHour())); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Load(ctx, "key"); err != nil || string(r.Data) != "data" {
		t.Errorf("Load = %q, %v", r.Data, err)
	}
	for e, err := range s.List(ctx, "") {
		if err != nil || e.Key != "key" {
			t.Errorf("List yields %q, %v", e.Key, err)
		}
	}
}

func TestFlaskRecordsTooLargeForOneCommand(t *testing.T) {
	s := &Store{layout: layoutOf(true)}
	foreign := store.Record{Data: make([]byte, MaxSize-100)}
	if err := s.fits(foreign, store.Record{Data: make([]byte, 100)}); err != nil {
		t.Errorf("a small record over a large one: %v", err)
	}
	if err := s.fits(foreign, store.Record{Data: make([]byte, 101)}); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("more than a command holds: %v, want ErrTooLarge", err)
	}
}
