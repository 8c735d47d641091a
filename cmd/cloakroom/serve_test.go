package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are made in memory, by synctest's clock.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.conns <- there
	return here
}

// ended serves slowly, lets before do something, and then shuts down. It tells how
// long that took.
func ended(t *testing.T, before func(*pipes)) (time.Duration, error) {
	t.Helper()
	listener := newPipes()
	slowly := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		io.Copy(io.Discard, r.Body)
	})
	s := newSite(slowly, slog.New(slog.DiscardHandler), []net.Listener{listener})
	go s.Serve(listener)
	before(listener)
	synctest.Wait()
	begin := time.Now()
	err := s.shutdown()
	return time.Since(begin), err
}

// A browser opens connections in advance, on which nothing may ever come.
func TestShutdownDoesNotWaitForSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, err := ended(t, func(p *pipes) { p.dial(); p.dial() })
		if took >= time.Second || err != nil { // Shutdown looks again after milliseconds of synctest's clock
			t.Errorf("it took %v, error %v; want hardly any time, and none", took, err)
		}
	})
}

func TestShutdownWaitsForAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan string, 1)
		_, err := ended(t, func(p *pipes) {
			c := p.dial()
			go func() {
				io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				text, _ := io.ReadAll(c)
				answer <- string(text)
			}()
		})
		if got := <-answer; err != nil || !strings.HasPrefix(got, "HTTP/1.1 200 OK") {
			t.Errorf("error %v, answer %q", err, got)
		}
	})
}

func TestShutdownSaysWhatItCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, err := ended(t, func(p *pipes) {
			c := p.dial()
			go io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
		})
		if took != shutdownTime || err == nil || !strings.Contains(err.Error(), "cut off a request") {
			t.Errorf("it took %v, error %v", took, err)
		}
	})
}

func TestInUseOnEverySystem(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EADDRINUSE, wsaeAddrInUse} {
		err := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", errno)}
		if !isInUse(err) {
			t.Errorf("%v is not taken for an address in use", err)
		}
	}
	if isInUse(&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}) {
		t.Error("no permission is taken for an address in use")
	}
}

func TestLocalhostIsBothAddresses(t *testing.T) {
	v6, err := net.Listen("tcp", "[::1]:0")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("no IPv6 here, and CI must have it: %v", err)
	}
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	addr := net.JoinHostPort("localhost", strings.TrimPrefix(v6.Addr().String(), "[::1]:"))
	if _, err := listen(t.Context(), addr); err == nil || !strings.Contains(err.Error(), "in use by another program") {
		t.Errorf("beside a program on ::1: error %v, want that the port is in use", err)
	}
	v6.Close()
	listeners, err := listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	if len(listeners) != 2 {
		t.Errorf("%d listeners, want two", len(listeners))
	}
	for _, l := range listeners {
		l.Close()
	}
}
