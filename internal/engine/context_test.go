package engine_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// seeing is a store that shows the contexts of its calls.
type seeing struct {
	store.Store
	see func(ctx context.Context, saves bool)
}

func (s seeing) Load(ctx context.Context, key string) (store.Record, error) {
	s.see(ctx, false)
	return s.Store.Load(ctx, key)
}

func (s seeing) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	s.see(ctx, true)
	return s.Store.Save(ctx, key, prev, next)
}

// What the context of a store's call says is what a context with a timeout
// would say, whether the store waits for it or not.
func TestContextOfStoreCalls(t *testing.T) {
	type traceKey struct{}
	for _, waits := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			records := sitetest.Memory(t)
			ticket := sitetest.NewOn(t, records, cloakroom.Options{}).Known(t).Ticket()
			parent, hangUp := context.WithTimeout(context.WithValue(t.Context(), traceKey{}, "trace"), time.Second)
			defer hangUp()
			var all []context.Context
			s := sitetest.NewOn(t, seeing{records, func(ctx context.Context, saves bool) {
				all = append(all, ctx)
				left := time.Second // the request's deadline is the earlier one
				if saves {
					left = cloakroom.DefaultStoreTimeout
				}
				if waits {
					ctx.Done()
				}
				if d, ok := ctx.Deadline(); !ok || time.Until(d) != left {
					t.Errorf("saves %t, waits %t: %v left, want %v", saves, waits, time.Until(d), left)
				}
				if ctx.Value(traceKey{}) != "trace" || ctx.Err() != nil {
					t.Errorf("saves %t, waits %t: the value is %v, Err %v", saves, waits, ctx.Value(traceKey{}), ctx.Err())
				}
			}}, cloakroom.Options{})
			b := s.Holder(t, ticket)
			b.Send(b.Request("/").WithContext(parent), sitetest.Using(sitetest.Set("name", "eve")))
			if len(all) != 2 {
				t.Errorf("%d calls, want 2", len(all))
			}
			for i, ctx := range all {
				// Nothing waits for the timeout any more.
				if waits && ctx.Err() == nil {
					t.Errorf("call %d: the context is still at work after the request", i)
				}
			}
		})
	}
}

// A load ends with the request: the visitor gets a 503 where there was a
// deadline, and nobody is told that a visitor hung up.
func TestLoadEndsWithTheRequest(t *testing.T) {
	hangUp := func(_ context.Context, cancel func()) { cancel() }
	wait := func(ctx context.Context, _ func()) { <-ctx.Done() }
	for _, c := range []struct {
		name   string
		before func(ctx context.Context, cancel func()) // the load
		during func(ctx context.Context, cancel func())
		err    error
		told   bool
	}{
		{"the visitor hangs up before", hangUp, wait, context.Canceled, false},
		{"the visitor hangs up during it", func(context.Context, func()) {}, hangUp, context.Canceled, false},
		{"a deadline", func(context.Context, func()) {}, wait, context.DeadlineExceeded, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sitetest.New(t, cloakroom.Options{})
				b := s.Known(t)
				s.Log.Events()
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Before: func() { c.during(ctx, cancel) }, Hang: true})
				a, err := b.Send(b.Request("/").WithContext(ctx), sitetest.Using(func(session *cloakroom.Session) {
					c.before(ctx, cancel)
					session.Set("after", true)
					if !errors.Is(session.Err(), c.err) {
						t.Errorf("Err: %v", session.Err())
					}
				}))
				if err != nil || a.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("got %v, %v, want 503", a, err)
				}
				if events, lines := s.Log.Events(), s.Log.Lines(); len(events) > 0 != c.told || len(lines) > 0 != c.told {
					t.Errorf("events %q, logged %q, want that it is told: %t", events, lines, c.told)
				}
			})
		})
	}
}
