package memcachedstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/internal/probe"
	"github.com/cloakroom/cloakroom/store"
)

// DefaultMaxConns is how many connections a store opens to each server at
// most, unless the options say otherwise.
const DefaultMaxConns = 32

// Options are the settings of a [Store]. The zero value suits servers without
// a password, used by this library alone.
type Options struct {
	// Distribution says which of several servers has which key. It matters
	// where another program shares the records on more than one server: with
	// one server, all distributions are the same. Zero means [Ketama].
	Distribution Distribution

	// Flags are the flags of the items that the store writes. Zero suits
	// Flask-Session, with every Python client. 1 says that the value is a
	// pickle, to python-memcached and pylibmc, and so to cachelib's
	// MemcachedCache; the codec must then write pickles. The highest bit is
	// the store's own.
	Flags uint32

	// MaxConns is how many connections are opened to each server at most; a
	// call that finds all of them busy waits. Zero means [DefaultMaxConns].
	MaxConns int

	// Username and Password are sent to a server that asks for them (its
	// option -Y). Both may be empty.
	Username, Password string

	// TLS, if not nil, makes the connections use TLS with this configuration.
	// If it names no server, the host's name is checked.
	TLS *tls.Config
}

// Store is a store on Memcached servers. Make one with [New]. Its methods may
// be called concurrently.
type Store struct {
	servers []*server
	locate  func(key string) int
	flags   uint32
	now     func() time.Time

	closing sync.Once
	done    chan struct{} // closed by Close
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.BatchLoader = (*Store)(nil)
	_ store.Lister      = (*Store)(nil)
	_ store.Pinger      = (*Store)(nil)
	_ io.Closer         = (*Store)(nil)
)

// New returns a store on the servers at the given addresses: "host:port",
// "host" with Memcached's usual port 11211, or the path of a unix socket, which
// begins with a slash. It does not connect yet; [Store.Ping] tells whether all
// servers answer. Close the store when it is no longer needed.
func New(servers []string, o Options) (*Store, error) {
	s, err := build(servers, o)
	if err != nil {
		return nil, fmt.Errorf("memcachedstore: new: %w", err)
	}
	return s, nil
}

func build(servers []string, o Options) (*Store, error) {
	if len(servers) == 0 {
		return nil, errors.New("no server given")
	}
	if o.Flags&flagFar != 0 {
		return nil, errors.New("the highest bit of Flags is the store's own")
	}
	if o.MaxConns < 0 {
		return nil, errors.New("MaxConns is negative")
	}
	if o.MaxConns == 0 {
		o.MaxConns = DefaultMaxConns
	}
	if strings.ContainsAny(o.Username+o.Password, "\r\n\x00") || strings.Contains(o.Username, " ") {
		return nil, errors.New("user name or password has a character that Memcached does not take")
	}
	s := &Store{flags: o.Flags, now: time.Now, done: make(chan struct{})}
	var names []string
	for i, addr := range servers {
		srv, err := newServer(addr, &o, s.done)
		if err != nil {
			// Not quoted: there may be a password in it.
			return nil, fmt.Errorf("server number %d: %w", i+1, err)
		}
		for _, name := range names {
			if name == srv.addr {
				return nil, fmt.Errorf("server %s is given twice", name)
			}
		}
		s.servers, names = append(s.servers, srv), append(names, srv.addr)
	}
	var err error
	s.locate, err = o.Distribution.over(names)
	return s, err
}

// begin is what each method with a key begins with: it checks the key, the
// context and the store, and finds the key's server.
func (s *Store) begin(ctx context.Context, op, key string) (*server, error) {
	if err := store.CheckKey(key); err != nil {
		return nil, fmt.Errorf("memcachedstore: %s: %w", op, err)
	}
	if err := s.ready(ctx); err != nil {
		return nil, fmt.Errorf("memcachedstore: %s: %w", op, err)
	}
	return s.servers[s.locate(key)], nil
}

// ready returns an error if the store is closed or ctx is done.
func (s *Store) ready(ctx context.Context) error {
	select {
	case <-s.done:
		return store.ErrClosed
	default:
	}
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	return nil
}

// Ping implements [store.Pinger]. It saves, loads, touches and deletes an item
// of its own on every server, in six round trips, all servers at once. So it
// tells whether each is new enough, has what the store needs, and still takes
// items. One that it could not delete expires after five minutes.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.ready(ctx); err != nil {
		return fmt.Errorf("memcachedstore: ping: %w", err)
	}
	errs := make([]error, len(s.servers))
	var wg sync.WaitGroup
	for i := range s.servers {
		wg.Go(func() { errs[i] = probe.Ping(ctx, "memcachedstore", s, s.keyOn(i), s.now()) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// keyOn returns a key for a Ping that lies on the server of that number.
func (s *Store) keyOn(server int) string {
	for {
		if key := probe.Key(); s.locate(key) == server {
			return key
		}
	}
}

// Close closes all connections, those in use when their call is over. Every
// later call answers [store.ErrClosed]. Closing again does nothing.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.done)
		for _, srv := range s.servers {
			srv.drop()
		}
	})
	return nil
}
