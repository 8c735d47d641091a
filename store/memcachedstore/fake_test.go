package memcachedstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// fake is a server that answers each line with what answer returns, and
// closes the connection if that is empty.
func fake(t *testing.T, answer func(line string) string) (addr string) {
	t.Helper()
	return fakeConns(t, func(_ int32, line string) string { return answer(line) })
}

const silence = "no answer"

// fakeConns is fake where the answer may depend on the connection, counted
// from 1, and may be silence.
func fakeConns(t *testing.T, answer func(conn int32, line string) string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for n := int32(1); ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewScanner(conn); in.Scan(); {
					switch text := answer(n, in.Text()); text {
					case "":
						return
					case silence:
					default:
						fmt.Fprint(conn, text)
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// greeting answers the questions that a new connection begins with.
func greeting(line string) string {
	switch line {
	case "mn":
		return "MN\r\n"
	case "stats settings", "stats":
		return "END\r\n"
	}
	return ""
}

// The server may have obeyed before the connection broke. Sent again, the
// command would find its own doing and call it a conflict, and the engine
// would apply the change a second time.
func TestNoCommandIsSentTwice(t *testing.T) {
	var sets, gets atomic.Int32
	s := open(t, Options{}, fake(t, func(line string) string {
		switch {
		case strings.HasPrefix(line, "ms "):
			sets.Add(1)
			return "" // and the connection is closed
		case strings.HasPrefix(line, "mg "):
			gets.Add(1)
			return "EN\r\n"
		}
		return greeting(line)
	}))
	absent(t, s, "k") // now a connection is idle
	_, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("data")})
	if err == nil || errors.Is(err, store.ErrConflict) || sets.Load() != 1 {
		t.Errorf("Save = %v after %d commands, want an error after 1", err, sets.Load())
	}
	absent(t, s, "k")
}

// A machine that is replaced by another one with its address leaves
// connections that nobody will ever answer.
func TestSilentConnectionsCostOneTimeout(t *testing.T) {
	var silent, opened atomic.Int32 // connections up to these numbers
	s := open(t, Options{}, fakeConns(t, func(conn int32, line string) string {
		opened.Store(max(opened.Load(), conn))
		switch {
		case conn <= silent.Load():
			return silence
		case strings.HasPrefix(line, "mg "):
			return "EN\r\n"
		}
		return greeting(line)
	}))
	var busy []*conn
	for range 4 {
		c, err := s.servers[0].take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		busy = append(busy, c)
	}
	for _, c := range busy {
		s.servers[0].give(c)
	}
	silent.Store(opened.Load())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Load(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Load on a silent connection = %v, want %v", err, context.DeadlineExceeded)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := s.Load(ctx, "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("second Load = %v, want ErrNotFound", err)
	}
}

func TestStrangeAnswersAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"nonsense":          "hello\r\n",
		"empty line":        "\r\n",
		"endless line":      strings.Repeat("x", 100_000),
		"negative size":     "VA -1 c1\r\n\r\n",
		"huge size":         "VA 99999999999 c1\r\n\r\n",
		"no size":           "VA\r\n",
		"value too short":   "VA 5 c1 t9\r\nabc\r\nEN\r\n",
		"value too long":    "VA 1 c1 t9\r\nabc\r\n",
		"bad flags":         "VA 1 f99999999999 c1\r\na\r\n",
		"bad time":          "VA 1 c1 tx\r\na\r\n",
		"no number":         "VA 1 t9 f0\r\na\r\n",
		"answer to a write": "NS\r\n",
		"server error":      "SERVER_ERROR out of everything\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{}, fake(t, func(line string) string {
				if strings.HasPrefix(line, "mg ") {
					return text
				}
				return greeting(line)
			}))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			for range 2 {
				if r, err := s.Load(ctx, "k"); err == nil || errors.Is(err, store.ErrNotFound) || ctx.Err() != nil {
					t.Fatalf("Load = %.40q, %v, want an error at once", r.Data, err)
				}
			}
		})
	}
}
