package memcachedstore

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// canned is a connection to a server that says the same whatever it is asked.
type canned struct {
	net.Conn
	io.Reader
}

func (c canned) Read(b []byte) (int, error)  { return c.Reader.Read(b) }
func (c canned) Write(b []byte) (int, error) { return len(b), nil }

// FuzzAnswer: whatever a server says is an answer or an error, and does not
// make us take more memory than it has sent, give or take a buffer.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"EN\r\n", "HD f0 c5 t90\r\n", "VA 3 f1 c7 t-1\r\nabc\r\n", "NS c0\r\n", "EX\r\n", "NF\r\n", "MN\r\n",
		"VA 9 f2147483648 c7 t-1\r\na\x00\x00\x00\x00\x00\x00\x00\x01\r\n", "VA 1073741824 c1\r\nabc",
		"SERVER_ERROR out of memory storing object\r\n", "CLIENT_ERROR bad\r\n", "ERROR\r\n",
		"STAT item_size_max 5\r\nSTAT cas_enabled yes\r\nEND\r\n", "MN\r\nSTAT a b\r\nEND\r\nSTAT pid 1\r\nEND\r\n",
		"key=a%20b exp=-1\nkey=c exp=5\nEND\r\n", "BUSY x\r\nEND\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dial := func() *conn {
			c := &conn{Conn: canned{Reader: bytes.NewReader(data)}, maxItem: mostMaxItem}
			c.r, c.w = bufio.NewReaderSize(c.Conn, 64), bufio.NewWriter(c.Conn)
			return c
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if it, err := dial().get("k", true, time.Now); err == nil && (it.data == nil && !bytes.HasPrefix(data, []byte("HD")) || len(it.data) > len(data)) {
			t.Errorf("get = %d bytes of %d", len(it.data), len(data))
		}
		if a, err := dial().set("k", write{data: []byte("x")}); err == nil && a.status > present {
			t.Errorf("set = %v", a)
		}
		dial().remove("k", 5)
		dial().greet(&Options{Username: "u", Password: "p"}, "a", time.Now)
		for c, more := dial(), true; more; {
			keys, m, err := c.keys("")
			if more = m && err == nil; len(keys) > batchSize {
				t.Errorf("%d keys", len(keys))
			}
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20+uint64(100*len(data)) {
			t.Errorf("%d bytes made us allocate %d", len(data), took)
		}
	})
}
