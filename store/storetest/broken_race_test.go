package storetest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func brokenRaces() []broken {
	return []broken{
		{"looks and then writes", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				if err := s.enter(ctx, key); err != nil {
					return store.Record{}, err
				}
				now := s.peek(key)
				if now.Exists() != prev.Exists() || now.Token != prev.Token {
					return store.Record{}, store.ErrConflict
				}
				pause()
				newest(s, key, &prev)
				return s.plain.Save(ctx, key, prev, next)
			}
		}, []string{"Race/no increment is lost", "Race/one creator wins", "Race/one saver wins",
			"Race/one conditional delete wins", "Race/delete beats saves in flight"}},
		{"touches by rewriting", func(s *twist) {
			s.touch = func(ctx context.Context, key string, prev store.Record, expires time.Time) error {
				r, err := s.plain.Load(ctx, key)
				if err != nil {
					return err
				}
				pause()
				s.reach(key, func(store.Record) store.Record { return later(r, expires) })
				return nil
			}
		}, []string{"Race/touch and save", "Race/touch and touch", "Race/touch and delete"}},
		{"answers from a cache", func(s *twist) {
			var seen atomic.Pointer[store.Record]
			var n atomic.Int64
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				if r := seen.Load(); r != nil && n.Add(1)%10 != 0 {
					return *r, nil
				}
				r, err := s.plain.Load(ctx, key)
				if err == nil {
					seen.Store(&r)
				}
				pause()
				return r, err
			}
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				pause()
				return s.plain.Save(ctx, key, prev, next)
			}
		}, []string{"Race/acknowledged is visible"}},
		{"writes in two halves", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				if len(next.Data) > 1 && prev.Exists() {
					s.reach(key, func(r store.Record) store.Record {
						r.Data = slices.Concat(next.Data[:1], r.Data[1:])
						return r
					})
					pause()
				}
				return s.plain.Save(ctx, key, prev, next)
			}
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				pause()
				return s.plain.Load(ctx, key)
			}
		}, []string{"Race/no torn data"}},
		{"writes all records at once", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				s.mu.Lock()
				all := map[string]store.Record{}
				for k, r := range s.records {
					all[k] = r
				}
				s.mu.Unlock()
				r, err := s.plain.Save(ctx, key, prev, next)
				pause()
				if err == nil {
					all[key] = r
					s.mu.Lock()
					s.records = all
					s.mu.Unlock()
				}
				return r, err
			}
		}, []string{"Race/distinct keys"}},
	}
}
