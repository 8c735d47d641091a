package testserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Redis is a Redis server on its TCP port and on the socket [RedisSocket]. It
// keeps nothing on disk unless settings say so. Each is a line of its
// configuration, as "appendonly yes".
func Redis(settings ...string) Server {
	return redis("redis-server", "apt-get install redis-server", settings)
}

// Valkey is Redis with the server of the Valkey project.
func Valkey(settings ...string) Server {
	return redis(built("valkey/valkey-server"), "scripts/setup, or install valkey-server", settings)
}

func redis(program, install string, settings []string) Server {
	return Server{
		Program: program,
		Install: install,
		Args: func(p *Process) []string {
			args := []string{"--port", strconv.Itoa(p.Port), "--bind", "127.0.0.1", "--dir", p.Dir,
				"--unixsocket", RedisSocket(p), "--save", "", "--repl-diskless-sync-delay", "0",
				// Of a node of a cluster; the default may be the port of an outgoing connection.
				"--cluster-port", strconv.Itoa(FreePort())}
			for _, s := range settings {
				name, value, _ := strings.Cut(s, " ")
				args = append(args, "--"+name)
				args = append(args, strings.Fields(value)...)
			}
			return args
		},
		Ready: func(ctx context.Context, p *Process) error {
			_, err := RedisDo(ctx, "unix", RedisSocket(p), "PING")
			if err != nil && strings.HasPrefix(err.Error(), "NOAUTH") {
				return nil
			}
			return err
		},
	}
}

// RedisSocket is the path of the unix socket of a server made by [Redis].
func RedisSocket(p *Process) string { return p.Path("redis.sock") }

// RedisDo sends one command to a server and returns its answer as text: an
// array as a line for each element.
func RedisDo(ctx context.Context, network, addr string, args ...string) (string, error) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return "", err
	}
	return redisReply(bufio.NewReader(conn))
}

func redisReply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, line := line[0], strings.TrimSpace(line[1:])
	if kind == '-' {
		return "", errors.New(line)
	}
	if kind == '+' || kind == ':' {
		return line, nil
	}
	n, err := strconv.Atoi(line)
	if n < 0 || err != nil {
		return "", err
	}
	switch kind {
	case '$':
		data := make([]byte, n+2)
		_, err := io.ReadFull(r, data)
		return string(data[:n]), err
	case '*':
		var items []string
		for range n {
			item, err := redisReply(r)
			if err != nil {
				return "", err
			}
			items = append(items, item)
		}
		return strings.Join(items, "\n"), nil
	}
	return "", fmt.Errorf("an answer of the kind %q", kind)
}

// Do sends one command to the Redis server and returns its answer as text.
func (p *Process) Do(t testing.TB, args ...string) string {
	t.Helper()
	answer, err := RedisDo(t.Context(), "tcp", p.Addr(), args...)
	if err != nil {
		t.Fatalf("%s %s: %v", p.Addr(), args[0], err)
	}
	return answer
}

// eventually waits until f returns nil.
func eventually(t testing.TB, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(poll) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("not after %v: %v", startTimeout, err)
}

// Await waits until a command's answer has text in it.
func (p *Process) Await(t testing.TB, text string, args ...string) {
	t.Helper()
	eventually(t, func() error {
		answer, err := RedisDo(context.Background(), "tcp", p.Addr(), args...)
		if err == nil && !strings.Contains(answer, text) {
			err = fmt.Errorf("%v lacks %s: %.500s", args, text, answer)
		}
		return err
	})
}
