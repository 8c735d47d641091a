package redisproto

import "context"

// Await runs f for a driver, and returns when ctx has ended even if f goes on:
// no client library ends all of its calls then. One that makes a connection, or
// waits for another call to make it, ends when it has one or has given up.
func Await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	if ctx.Done() == nil {
		return f()
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}
