package testserver

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// A RedisMonitor sees the commands that clients send to a Redis server, but
// for those that connect and greet.
type RedisMonitor struct {
	p      *Process
	conn   net.Conn
	reader *bufio.Reader
}

// MonitorRedis begins to watch a server.
func MonitorRedis(t testing.TB, p *Process) *RedisMonitor {
	t.Helper()
	conn, err := net.Dial("unix", RedisSocket(p))
	if err != nil {
		t.Fatal(err)
	}
	m := &RedisMonitor{p, conn, bufio.NewReader(conn)}
	conn.SetDeadline(time.Now().Add(startTimeout))
	_, err = io.WriteString(conn, "MONITOR\r\n")
	if err == nil {
		_, err = redisReply(m.reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Stop returns the names of the commands that were sent since the beginning.
func (m *RedisMonitor) Stop(t testing.TB) []string {
	t.Helper()
	defer m.conn.Close()
	const last = "the monitor has seen all"
	m.p.Do(t, "ECHO", last)
	var names []string
	for {
		// 1700000000.000000 [0 127.0.0.1:40000] "GET" "key", or [0 lua] in a script
		line, err := redisReply(m.reader)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, last) {
			return names
		}
		_, command, _ := strings.Cut(line, "] ")
		name, _, _ := strings.Cut(strings.Trim(command, `"`), `"`)
		switch name {
		case "HELLO", "CLIENT", "SELECT", "AUTH":
			continue
		}
		if !strings.Contains(line, " lua] ") {
			names = append(names, strings.ToUpper(name))
		}
	}
}
