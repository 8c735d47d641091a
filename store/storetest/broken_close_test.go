package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func brokenPing() []broken {
	return []broken{
		{"cannot be reached", func(s *twist) {
			s.ping = func(context.Context) error { return errors.New("connection refused") }
		}, []string{"Ping/answers", "Ping/cancelled"}},
		{"pings whatever the context says", func(s *twist) {
			s.ping = func(context.Context) error { return nil }
		}, []string{"Ping/cancelled", "Close/later calls"}},
		{"pings by writing", func(s *twist) {
			n := 0
			s.ping = func(ctx context.Context) error {
				n++
				_, err := s.plain.Save(ctx, fmt.Sprint("ping", n), store.Record{}, record("ping", time.Time{}))
				return err
			}
		}, []string{"Ping/makes nothing"}},
		{"pings by one key", func(s *twist) {
			s.ping = func(ctx context.Context) error {
				_, err := s.plain.Save(ctx, "ping", store.Record{}, record("ping", time.Time{}))
				if err != nil {
					return err
				}
				time.Sleep(time.Millisecond) // as long as a server takes
				return s.plain.Delete(ctx, "ping")
			}
		}, []string{"Ping/answers"}},
		{"pings by removing everything", func(s *twist) {
			s.ping = func(ctx context.Context) error {
				s.mu.Lock()
				defer s.mu.Unlock()
				if err := s.open(ctx); err != nil {
					return err
				}
				clear(s.records)
				return nil
			}
		}, []string{"Ping/makes nothing"}},
	}
}

func brokenClose() []broken {
	return []broken{
		{"closes once", func(s *twist) {
			s.close = func() error {
				s.mu.Lock()
				defer s.mu.Unlock()
				if s.closed {
					return store.ErrClosed
				}
				s.closed = true
				return nil
			}
		}, []string{"Close/twice", "Close/later calls"}},
		{"does not close", func(s *twist) { s.close = func() error { return nil } },
			[]string{"Close/later calls", "Close/while calls run"}},
		{"knows nothing when closed", func(s *twist) {
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				r, err := s.plain.Load(ctx, key)
				if errors.Is(err, store.ErrClosed) {
					err = store.ErrNotFound
				}
				return r, err
			}
		}, []string{"Close/later calls"}},
		{"hides that it is closed", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				r, err := s.plain.Save(ctx, key, prev, next)
				if errors.Is(err, store.ErrClosed) {
					err = errors.New("use of closed network connection")
				}
				return r, err
			}
		}, []string{"Close/later calls", "Close/while calls run"}},
	}
}

// stalled is whether the server of the stores that are broken when it stalls
// answers. Only one such store is used at a time.
var stalled atomic.Bool

// stall is what these stores have as Options.Stall.
func stall() (resume func()) {
	stalled.Store(true)
	return func() { stalled.Store(false) }
}

// waits makes a store wait while its server is stalled, in its own way.
func waits(wait func(ctx context.Context) error) func(*twist) {
	return func(s *twist) {
		wait := func(ctx context.Context) error {
			if !stalled.Load() {
				return nil
			}
			return wait(ctx)
		}
		s.load = func(ctx context.Context, key string) (store.Record, error) {
			if err := wait(ctx); err != nil {
				return store.Record{}, err
			}
			return s.plain.Load(ctx, key)
		}
		s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
			if err := wait(ctx); err != nil {
				return store.Record{}, err
			}
			return s.plain.Save(ctx, key, prev, next)
		}
		s.touch = func(ctx context.Context, key string, prev store.Record, expires time.Time) error {
			if err := wait(ctx); err != nil {
				return err
			}
			return s.plain.Touch(ctx, key, prev, expires)
		}
		s.del = func(ctx context.Context, key string) error {
			if err := wait(ctx); err != nil {
				return err
			}
			return s.plain.Delete(ctx, key)
		}
		s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
			if err := wait(ctx); err != nil {
				return nil, err
			}
			return s.plain.SaveAll(ctx, changes)
		}
	}
}

// untilDone is how a store waits rightly.
func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func brokenStall() []broken {
	return []broken{
		{"takes its own time", waits(func(ctx context.Context) error {
			time.Sleep(stallTime + 2*stallGrace)
			return ctx.Err()
		}), []string{"Stall/calls return soon after their context ended"}},
		{"knows nothing when stalled", waits(func(ctx context.Context) error {
			_ = untilDone(ctx)
			return store.ErrNotFound
		}), []string{"Stall/calls return soon after their context ended"}},
		{"does not recover", func(s *twist) {
			waits(untilDone)(s)
			first := s.load
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				r, err := first(ctx, key)
				if err != nil {
					s.load = func(context.Context, string) (store.Record, error) {
						return store.Record{}, errors.New("broken pipe")
					}
				}
				return r, err
			}
		}, []string{"Stall/store works again"}},
	}
}
