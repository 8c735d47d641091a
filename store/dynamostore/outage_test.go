package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// A counter is a record that one goroutine increments while the server comes
// and goes.
type counter struct {
	key              string
	acked, attempted int
	failures         int
	unknown          bool // the last save may have taken effect, or still may
}

// step increments the record once. An outage is no error; a wrong answer is.
func (c *counter) step(ctx context.Context, s *Store) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := s.Load(ctx, c.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		c.failures++
		return nil
	}
	n, _ := strconv.Atoi(string(r.Data))
	if n < c.acked || n > c.attempted {
		return fmt.Errorf("a counter is %d, with %d acknowledged and %d attempted (%v)", n, c.acked, c.attempted, err)
	}
	c.attempted = n + 1
	_, err = s.Save(ctx, c.key, r, record(strconv.Itoa(n+1), time.Now().Add(time.Hour)))
	switch {
	case err == nil:
		c.acked, c.unknown = n+1, false
	case errors.Is(err, store.ErrConflict) && c.unknown:
		c.unknown = false // it did, a moment ago
	case errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrClosed):
		return fmt.Errorf("save during an outage: %w", err)
	default:
		c.failures++
		c.unknown = true
	}
	return nil
}

// run increments until stop is closed.
func (c *counter) run(ctx context.Context, s *Store, total *atomic.Int64, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		before := c.acked
		if err := c.step(ctx, s); err != nil {
			return err
		}
		total.Add(int64(c.acked - before))
	}
}

// eventually waits until total has grown by n.
func eventually(t *testing.T, total *atomic.Int64, n int64) {
	t.Helper()
	want := total.Load() + n
	for end := time.Now().Add(30 * time.Second); total.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d saves, want %d more: the store does not recover", total.Load(), want-total.Load())
		}
	}
}

func TestKillAndRestartUnderLoad(t *testing.T) {
	p := testserver.Start(t, testserver.Dynalite())
	s := open(t, fresh(p.Addr(), "native"))
	counters := make([]counter, 8)
	var total atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range counters {
		counters[i].key = fmt.Sprint("counter", i)
		wg.Go(func() {
			if err := counters[i].run(t.Context(), s, &total, stop); err != nil {
				t.Error(err)
			}
		})
	}
	for range 2 {
		eventually(t, &total, 50)
		p.Kill(t)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := s.Load(ctx, counters[0].key)
		if err == nil || errors.Is(err, store.ErrNotFound) || store.Advice(err) != adviseUnreachable {
			t.Errorf("Load without a server = %v with advice %q", err, store.Advice(err))
		}
		cancel()
		p.Restart(t)
	}
	eventually(t, &total, 50)
	close(stop)
	wg.Wait()
	failures := 0
	for _, c := range counters {
		failures += c.failures
		r, err := s.Load(t.Context(), c.key)
		if n, _ := strconv.Atoi(string(r.Data)); err != nil || n < c.acked || n > c.attempted {
			t.Errorf("a counter is %d (%v), with %d acknowledged and %d attempted", n, err, c.acked, c.attempted)
		}
	}
	if failures == 0 {
		t.Error("nobody noticed that the server was gone")
	}
}
