package memstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// asked is a context that calls a function when it is asked whether it is done.
type asked struct {
	context.Context
	f func()
}

func (c asked) Err() error {
	c.f()
	return c.Context.Err()
}

// Sessions that a shutdown has removed have not ended.
func TestLoadAllWhileTheStoreIsClosed(t *testing.T) {
	s := memstore.New(memstore.Options{})
	create(t, s, "k", "data", time.Time{})
	ctx := asked{t.Context(), func() { s.Close() }} // after LoadAll has seen it open
	if records, err := s.LoadAll(ctx, []string{"k"}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("LoadAll = %v, %v, want ErrClosed", records, err)
	}
}
