package testserver

import (
	"context"
	"net"
	"testing"
)

func TestFerretDB(t *testing.T) {
	p := Start(t, FerretDB())
	gate, err := NewGate(p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for name, addr := range map[string]string{"direct": p.Addr(), "through a gate": gate.Addr()} {
		if err := mongoPing(t.Context(), addr); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.Kill(t)
	if err := mongoPing(t.Context(), gate.Addr()); err == nil {
		t.Error("the gate answers for a server that is gone")
	}
	p.Restart(t)
	if err := mongoPing(t.Context(), gate.Addr()); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := gate.Close(); err != nil {
		t.Error(err)
	}
	if err := mongoPing(t.Context(), gate.Addr()); err == nil {
		t.Error("the gate answers after Close")
	}
}

// A command waits for the answer of the one before, on whatever connection.
func TestGateLetsOneInAtATime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	arrived, answer := make(chan struct{}, 20), make(chan struct{})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				b, err := readMongo(conn, nil)
				if err != nil {
					return
				}
				arrived <- struct{}{}
				<-answer
				conn.Write(b)
			}()
		}
	}()
	gate, err := NewGate(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	done := make(chan error)
	for range 20 {
		go func() { done <- mongoPing(context.Background(), gate.Addr()) }()
	}
	for range 20 {
		<-arrived
		select {
		case <-arrived:
			t.Fatal("two commands were let in")
		default:
		}
		answer <- struct{}{}
		if err := <-done; err != nil {
			t.Errorf("ping = %v", err)
		}
	}
}
