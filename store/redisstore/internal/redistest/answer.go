package redistest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
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
// when its context does, and does not take those of others with it.
func EndsWithItsContext(t *testing.T, s store.Store, p *testserver.Process) {
	t.Helper()
	// With a deadline, as the engine's calls have one: a client library may take
	// others in another way.
	long, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := s.Save(long, "k", store.Record{}, store.Record{Data: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	p.Pause(t)
	defer p.Resume(t)
	impatient, patient := make(chan error, 1), make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := s.Load(ctx, "k")
		impatient <- err
	}()
	time.AfterFunc(50*time.Millisecond, func() { // behind the other
		_, err := s.Save(long, "patient", store.Record{}, store.Record{Data: []byte("v")})
		patient <- err
	})
	if err := <-impatient; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Load = %v, want %v", err, context.DeadlineExceeded)
	}
	for _, c := range []struct {
		name string
		end  time.Duration // when the context is cancelled; zero for never
		dead time.Duration // when its deadline is; zero for none
		want error
	}{
		{"cancelled", 50 * time.Millisecond, 0, context.Canceled},
		{"cancelled before its deadline", 50 * time.Millisecond, time.Minute, context.Canceled},
		{"deadline", 0, 50 * time.Millisecond, context.DeadlineExceeded},
	} {
		for what, call := range map[string]func(context.Context) error{
			"Load":   func(ctx context.Context) error { _, err := s.Load(ctx, "k"); return err },
			"Delete": func(ctx context.Context) error { return s.Delete(ctx, "k") },
		} {
			ctx, cancel := context.WithCancel(t.Context())
			if c.dead > 0 {
				ctx, cancel = context.WithTimeout(t.Context(), c.dead)
			}
			if c.end > 0 {
				time.AfterFunc(c.end, cancel)
			}
			begin := time.Now()
			err := call(ctx)
			cancel()
			if !errors.Is(err, c.want) {
				t.Errorf("%s, %s = %v, want %v", what, c.name, err, c.want)
			}
			if advised := strings.Contains(store.Advice(err), "in time"); advised != (c.want == context.DeadlineExceeded) {
				t.Errorf("%s, %s = %v with advice %q", what, c.name, err, store.Advice(err))
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("%s, %s returned %v after it began, its context ended after 50ms", what, c.name, took)
			}
		}
	}
	p.Resume(t)
	if err := <-patient; err != nil {
		t.Errorf("Save beside calls whose time was over = %v, want nil", err)
	}
}
