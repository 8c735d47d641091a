package engine

import (
	"context"
	"sync"
	"time"
)

// callContext is a context with a timeout for one call of a store. Unlike
// context.WithTimeout it starts no timer until somebody waits for Done, which
// a store in memory or in files never does; that saves four allocations a
// request.
type callContext struct {
	parent   context.Context
	deadline time.Time
	detached bool // goes on when parent is done: the visitor hung up

	mu     sync.Mutex
	inner  context.Context // nil until armed
	cancel context.CancelFunc
}

func newCallContext(parent context.Context, timeout time.Duration, detached bool) *callContext {
	return &callContext{parent: parent, deadline: time.Now().Add(timeout), detached: detached}
}

// armed returns the context that does the waiting, or nil.
func (c *callContext) armed() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inner
}

func (c *callContext) Deadline() (time.Time, bool) {
	if !c.detached {
		if d, ok := c.parent.Deadline(); ok && d.Before(c.deadline) {
			return d, true
		}
	}
	return c.deadline, true
}

func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		parent := c.parent
		if c.detached {
			parent = context.WithoutCancel(parent)
		}
		c.inner, c.cancel = context.WithDeadline(parent, c.deadline)
	}
	return c.inner.Done()
}

func (c *callContext) Err() error {
	if inner := c.armed(); inner != nil {
		return inner.Err()
	}
	if !c.detached {
		if err := c.parent.Err(); err != nil {
			return err
		}
	}
	if !time.Now().Before(c.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// Value asks the armed context first, so that a context derived from this one
// finds its parent without starting a goroutine.
func (c *callContext) Value(key any) any {
	if inner := c.armed(); inner != nil {
		return inner.Value(key)
	}
	if c.detached {
		return context.WithoutCancel(c.parent).Value(key)
	}
	return c.parent.Value(key)
}

// close frees the timer. The context must not be used for new calls after it.
func (c *callContext) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}
