package redistest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// A Thief steals the answer to one command on its way to the client, and ends
// the connection.
type Thief struct {
	armed atomic.Bool
	stole atomic.Int32
}

// Conn returns conn under the eyes of the thief.
func (th *Thief) Conn(conn net.Conn) net.Conn { return &watched{Conn: conn, thief: th} }

type watched struct {
	net.Conn
	thief *Thief
	next  atomic.Bool // the next answer is stolen
}

func (w *watched) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("the new data")) && w.thief.armed.CompareAndSwap(true, false) {
		w.next.Store(true)
	}
	return w.Conn.Write(b)
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err == nil && w.next.Load() {
		w.thief.stole.Add(1)
		w.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

// NotSentTwice checks that a Save whose answer gets lost is not sent again: it
// would find its own change and say that there is a conflict, whereupon a
// caller that counts would count twice. The store's client must connect under
// the eyes of the thief.
func NotSentTwice(t *testing.T, s store.Store, th *Thief) {
	t.Helper()
	const key = "stolen"
	prev, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte("old")})
	if err != nil {
		t.Fatal(err)
	}
	// The first replacement finds out what the server can.
	if prev, err = s.Save(t.Context(), key, prev, store.Record{Data: []byte("older")}); err != nil {
		t.Fatal(err)
	}
	th.armed.Store(true)
	_, err = s.Save(t.Context(), key, prev, store.Record{Data: []byte("the new data")})
	if err == nil || errors.Is(err, store.ErrConflict) || store.Advice(err) == "" {
		t.Errorf("Save without an answer = %v (%s), want an error with advice that is no conflict", err, store.Advice(err))
	}
	if n := th.stole.Load(); n != 1 {
		t.Errorf("%d answers were stolen, want 1", n)
	}
	if r, err := s.Load(t.Context(), key); err != nil || string(r.Data) != "the new data" {
		t.Errorf("Load = %q, %v, want what the server has carried out", r.Data, err)
	}
}

// EndsWithItsContext checks that a call to a server that does not answer ends
// when its context is cancelled, which has no deadline.
func EndsWithItsContext(t *testing.T, s store.Store, p *testserver.Process) {
	t.Helper()
	if _, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	p.Pause(t)
	defer p.Resume(t)
	for what, call := range map[string]func(context.Context) error{
		"Load":   func(ctx context.Context) error { _, err := s.Load(ctx, "k"); return err },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, "k") },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		begin := time.Now()
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want %v", what, err, context.Canceled)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("%s returned %v after it began, its context ended after 50ms", what, took)
		}
	}
}
