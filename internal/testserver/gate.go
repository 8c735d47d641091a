package testserver

import (
	"net"
	"sync"
)

// A Gate stands in front of a server that speaks MongoDB's protocol and lets
// one command in at a time, from whatever connection. So it gives a server the
// atomic commands that it lacks, and changes nothing else.
type Gate struct {
	listener net.Listener
	server   string

	busy sync.Mutex // held from a command to its answer

	mu    sync.Mutex // guards conns
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

// NewGate opens a gate to the server at addr.
func NewGate(addr string) (*Gate, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &Gate{listener: l, server: addr, conns: map[net.Conn]bool{}}
	g.wg.Go(g.accept)
	return g, nil
}

// Addr returns the address for clients.
func (g *Gate) Addr() string { return g.listener.Addr().String() }

// Close ends all connections.
func (g *Gate) Close() error {
	err := g.listener.Close()
	g.mu.Lock()
	for conn := range g.conns {
		conn.Close()
	}
	g.conns = nil
	g.mu.Unlock()
	g.wg.Wait()
	return err
}

func (g *Gate) accept() {
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.wg.Go(func() { g.serve(conn) })
	}
}

// keep notes a connection for Close, and reports whether it may go on.
func (g *Gate) keep(conn net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns != nil {
		g.conns[conn] = true
	}
	return g.conns != nil
}

func (g *Gate) drop(conn net.Conn) {
	conn.Close()
	g.mu.Lock()
	delete(g.conns, conn)
	g.mu.Unlock()
}

// serve passes commands on for as long as both sides go along. If either goes
// away, so does the other.
func (g *Gate) serve(client net.Conn) {
	defer g.drop(client)
	if !g.keep(client) {
		return
	}
	server, err := net.Dial("tcp", g.server)
	if err != nil {
		return
	}
	defer g.drop(server)
	if !g.keep(server) {
		return
	}
	var b []byte
	for {
		if b, err = readMongo(client, b); err != nil {
			return
		}
		if b, err = g.pass(server, b); err != nil {
			return
		}
		if _, err = client.Write(b); err != nil {
			return
		}
	}
}

// pass sends a command and returns its answer. A client that goes away
// meanwhile does not end the turn: the server is still at it.
func (g *Gate) pass(server net.Conn, b []byte) ([]byte, error) {
	g.busy.Lock()
	defer g.busy.Unlock()
	if _, err := server.Write(b); err != nil {
		return nil, err
	}
	return readMongo(server, b)
}
