package memcachedstore

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

const (
	defaultPort = "11211"
	dialTimeout = 5 * time.Second // where the context allows more
	idleTimeout = 5 * time.Minute
)

var errBusy = errors.New("all connections are busy")

// server is one Memcached server and the connections to it.
type server struct {
	network, addr string
	o             *Options
	now           func() time.Time
	done          <-chan struct{} // closed when the store is
	slots         chan struct{}   // one element for each connection in use

	mu   sync.Mutex
	idle []*conn // the last one was used last
}

func newServer(addr string, o *Options, done <-chan struct{}) (*server, error) {
	srv := &server{network: "tcp", addr: addr, o: o, now: time.Now, done: done, slots: make(chan struct{}, o.MaxConns)}
	if strings.HasPrefix(addr, "/") {
		srv.network = "unix"
		return srv, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = strings.Trim(addr, "[]"), defaultPort
	}
	_, err = strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || strings.ContainsAny(host, " /,[]") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return nil, storeurl.Mistake("the address is neither host:port nor the path of a socket")
	}
	srv.addr = net.JoinHostPort(host, port)
	return srv, nil
}

// fail says which operation failed, and where unless that is the contract's
// own answer.
func (srv *server) fail(op string, err error) error {
	switch err {
	case store.ErrNotFound, store.ErrConflict, store.ErrClosed:
		return fmt.Errorf("memcachedstore: %s: %w", op, err)
	}
	failed := fmt.Errorf("memcachedstore: %s: server %s: %w", op, srv.addr, err)
	if advice := networkAdvice(err); store.Advice(err) == "" && advice != "" {
		return store.WithAdvice(failed, advice)
	}
	return failed
}

// networkAdvice tells the operator what to do about a connection that failed.
func networkAdvice(err error) string {
	_, byServer := errors.AsType[serverError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, store.ErrClosed), byServer:
		return ""
	case untrusted:
		return "The server's certificate is not trusted, or not valid for the name it was reached by: use the name in the certificate, and set RootCAs in Options.TLS, or SSL_CERT_FILE in the environment."
	case errors.Is(err, errBusy):
		return "The server answers slowly, or there are too few connections to it: raise MaxConns (max_conns in the URL)."
	case errors.Is(err, context.DeadlineExceeded):
		return "The server did not answer in time: it is overloaded, paused, or cut off, or it wants TLS or not at this port (tls=true in the URL)."
	case errors.Is(err, errProtocol):
		return "Something else than memcached listens at this address, or it wants TLS or not (tls=true in the URL): correct host and port."
	}
	return "The connection broke: the server was stopped or restarted, or wants TLS or not at this port (tls=true in the URL)."
}

// do runs f with a connection. A command is never sent twice: if the
// connection breaks, nobody knows whether the server has obeyed.
func (srv *server) do(ctx context.Context, f func(*conn) error) error {
	select {
	case srv.slots <- struct{}{}:
	default:
		select {
		case srv.slots <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errBusy, contextError(ctx))
		case <-srv.done:
			return store.ErrClosed
		}
	}
	defer func() { <-srv.slots }()
	c, err := srv.take(ctx)
	if err != nil {
		return err
	}
	err = c.under(ctx, f)
	if _, answered := errors.AsType[serverError](err); c.broken && err != nil && !answered && ctx.Err() != context.Canceled {
		// The machine may have gone without a word: then the others are of no
		// use either, and each would cost somebody a timeout.
		srv.drop()
	}
	srv.give(c)
	return err
}

// take returns an idle connection that is not known to be broken, or dials.
func (srv *server) take(ctx context.Context) (*conn, error) {
	for {
		select {
		case <-srv.done:
			return nil, store.ErrClosed
		default:
		}
		c := srv.pop()
		if c == nil {
			return srv.dial(ctx)
		}
		if alive(c.Conn) {
			return c, nil
		}
		c.Close()
	}
}

func (srv *server) pop() *conn {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	n := len(srv.idle)
	if n == 0 {
		return nil
	}
	c := srv.idle[n-1]
	srv.idle[n-1] = nil
	srv.idle = srv.idle[:n-1]
	return c
}

// give makes a connection idle, and closes those that have been for long.
func (srv *server) give(c *conn) {
	if c.broken {
		c.Close()
		return
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	select {
	case <-srv.done: // drop has been here, or waits for the lock
		c.Close()
		return
	default:
	}
	c.since = time.Now()
	srv.idle = append(srv.idle, c)
	for c.since.Sub(srv.idle[0].since) > idleTimeout {
		srv.idle[0].Close()
		srv.idle = append(srv.idle[:0], srv.idle[1:]...)
	}
}

// drop closes the idle connections.
func (srv *server) drop() {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for _, c := range srv.idle {
		c.Close()
	}
	srv.idle = nil
}

// dial opens a connection and learns about the server.
func (srv *server) dial(ctx context.Context) (*conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	nc, err := d.DialContext(ctx, srv.network, srv.addr)
	if err != nil {
		if ctx.Err() != nil {
			return nil, contextError(ctx)
		}
		return nil, store.WithAdvice(err, "Check that memcached runs at this address and can be reached from here.")
	}
	c := &conn{Conn: nc}
	if srv.o.TLS != nil {
		c.Conn = tls.Client(nc, srv.tls())
	}
	c.r, c.w = bufio.NewReader(c.Conn), bufio.NewWriter(c.Conn)
	err = c.under(ctx, func(c *conn) error { return c.greet(srv.o, srv.addr, srv.now) })
	if err == nil && c.broken {
		err = contextError(ctx) // ended just now
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return c, nil
}

// tls returns the configuration for connections to this server.
func (srv *server) tls() *tls.Config {
	cfg := srv.o.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(srv.addr)
	}
	return cfg
}
