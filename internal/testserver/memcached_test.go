//go:build unix

package testserver

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

func TestMemcached(t *testing.T) {
	p := Start(t, Memcached("-m", "8"))
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("version\r\n"))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "VERSION ") {
		t.Errorf("version = %q, %v, want VERSION", line, err)
	}
}
