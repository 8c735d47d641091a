package engine_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
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
			records := memstore.New(memstore.Options{})
			defer records.Close()
			ticket := begin(t, manage(t, records, plainOptions(nil)), map[string]any{"name": "ada"})
			parent, hangUp := context.WithTimeout(context.WithValue(t.Context(), traceKey{}, "trace"), time.Second)
			defer hangUp()
			var all []context.Context
			m := manage(t, seeing{records, func(ctx context.Context, saves bool) {
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
			}}, plainOptions(nil))
			visitContext(parent, m, ticket, set("name", "eve"))
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

// A load that the visitor's leaving has interrupted fails the request, which
// nobody sees, and nobody is told.
func TestLoadForAVisitorWhoIsGone(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Browser(t)
	b.OK(sitetest.SetUser)
	s.Log.Events()
	ctx, hangUp := context.WithCancel(t.Context())
	b.Send(b.Request("/").WithContext(ctx), func(w http.ResponseWriter, r *http.Request) {
		hangUp()
		session := cloakroom.From(r)
		session.Set("after", true)
		if !errors.Is(session.Err(), context.Canceled) {
			t.Errorf("Err: %v", session.Err())
		}
	})
	sitetest.Equal(t, "events", s.Log.Events())
	sitetest.Equal(t, "log", s.Log.Lines())
}
