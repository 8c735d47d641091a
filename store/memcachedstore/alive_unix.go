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
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
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
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		// Something to read is an answer that nobody has asked for, so that the
		// connection is out of step, or the goodbye of TLS.
		usable = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK || err == syscall.EINTR
		return true
	})
	return err == nil && usable
}
