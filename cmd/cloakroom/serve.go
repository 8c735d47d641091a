package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// shutdownTime is how long answers may take that are under way at Ctrl-C.
const shutdownTime = 5 * time.Second

// listen listens where --addr says. For localhost that is both of its addresses:
// which of them a browser takes is not known, and on the other one there may be
// another program.
func listen(ctx context.Context, addr string) ([]net.Listener, error) {
	first, err := listenOn(ctx, addr)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(addr)
	tcp, ok := first.Addr().(*net.TCPAddr)
	if host != "localhost" || !ok {
		return []net.Listener{first}, nil
	}
	other := "::1"
	if tcp.IP.To4() == nil {
		other = "127.0.0.1"
	}
	second, err := listenOn(ctx, net.JoinHostPort(other, strconv.Itoa(tcp.Port)))
	switch {
	case err == nil:
		return []net.Listener{first, second}, nil
	case isInUse(err):
		first.Close()
		return nil, err
	}
	return []net.Listener{first}, nil // there is no such address here
}

func listenOn(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	switch {
	case isInUse(err):
		return nil, hint(&inUse{addr, err}, "choose another port with --addr localhost:8080, or any free one with --addr localhost:0")
	case errors.Is(err, syscall.EACCES), errors.Is(err, wsaeAccess):
		return nil, hint(fmt.Errorf("no permission to listen on %s", addr), "choose a port above 1023 with --addr localhost:8080")
	case err != nil:
		return nil, usageError{hint(err, "--addr takes HOST:PORT, as in --addr localhost:8080")}
	}
	return l, nil
}

// Windows has numbers of its own for errors of sockets, which are not those that
// package syscall gives to the names of other systems.
const (
	wsaeAccess    = syscall.Errno(10013)
	wsaeAddrInUse = syscall.Errno(10048)
)

func isInUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaeAddrInUse)
}

// inUse says that another program listens on an address.
type inUse struct {
	addr string
	err  error
}

func (e *inUse) Error() string { return e.addr + " is in use by another program" }
func (e *inUse) Unwrap() error { return e.err }

// site is the demo's server and what it listens on.
type site struct {
	http.Server
	listeners []net.Listener
	silent    silent
}

func newSite(app http.Handler, logger *slog.Logger, listeners []net.Listener) *site {
	s := &site{listeners: listeners}
	s.Server = http.Server{
		Handler:           app,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		ConnState:         s.silent.note,
	}
	return s
}

// serve answers requests until ctx is done, which is no error, or a listener
// fails.
func (s *site) serve(ctx context.Context) error {
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { failed <- s.Serve(l) }()
	}
	select {
	case err := <-failed:
		s.Close()
		return err
	case <-ctx.Done():
		return nil
	}
}

// shutdown lets the answers under way finish.
func (s *site) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	s.silent.end()
	err := s.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.Close()
		return fmt.Errorf("shut down: cut off a request that was not done after %v", shutdownTime)
	}
	return err
}

// silent are the connections on which nothing has been asked yet. Browsers open
// such to be faster at the next click, and Shutdown would wait for them.
type silent struct {
	mu    sync.Mutex
	ended bool
	conns map[net.Conn]bool
}

// note is called by the server whenever a connection changes its state.
func (s *silent) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		delete(s.conns, c)
		return
	}
	if s.ended {
		c.Close()
		return
	}
	if s.conns == nil {
		s.conns = make(map[net.Conn]bool)
	}
	s.conns[c] = true
}

// end closes them, and those that come from now on.
func (s *silent) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for c := range s.conns {
		c.Close()
	}
}
