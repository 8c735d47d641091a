//go:build unix

package memcachedstore

import (
	"crypto/tls"
	"net"
	"syscall"
)

// alive reports whether a connection that nobody uses can be used. The server
// closes it when it is stopped or killed, and tells it after a restart of the
// machine; without a look, the next command on it would be an error.
func alive(nc net.Conn) bool {
	secret := false
	if t, ok := nc.(*tls.Conn); ok {
		nc, secret = t.NetConn(), true
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	usable := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		// An answer that nobody has asked for means that the connection is out
		// of step; TLS may have something to say at any time.
		usable = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK || err == syscall.EINTR || secret && n > 0
		return true
	})
	return err == nil && usable
}
