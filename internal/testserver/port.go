package testserver

import (
	"net"
	"os"
	"strconv"
	"sync"
)

// Ports are given out in blocks, each to one process: packages are tested by
// processes at the same time. A process has a block for as long as it listens on
// the block's first port.
const (
	firstPort = 18000 // the blocks lie below what systems give to outgoing connections
	blockSize = 100
	blocks    = 140
)

var ports struct {
	mu    sync.Mutex
	held  []net.Listener // on the first port of each block
	block int            // the newest, from 0
	given int            // how many ports of it
}

// FreePort returns a TCP port of 127.0.0.1 on which nothing listens, another one
// at each call. No other process that asks FreePort gets it before this one has
// ended, and the system gives it to no outgoing connection, so that it is still
// free when a server comes back to it. It panics if there is none.
func FreePort() int {
	ports.mu.Lock()
	defer ports.mu.Unlock()
	for {
		if len(ports.held) == 0 || ports.given == blockSize-1 {
			takeBlock()
		}
		ports.given++
		port := firstPort + ports.block*blockSize + ports.given
		if l, err := listenLocal(port); err == nil {
			l.Close()
			return port
		}
	}
}

func takeBlock() {
	for i := range blocks {
		block := (os.Getpid() + i) % blocks
		if l, err := listenLocal(firstPort + block*blockSize); err == nil {
			ports.held = append(ports.held, l)
			ports.block, ports.given = block, 0
			return
		}
	}
	panic("testserver: no port is free, from " + strconv.Itoa(firstPort))
}

func listenLocal(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
