package storetest

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// cleans replaces DeleteExpired by one that removes what remove chooses.
func cleans(remove func(s *twist, key string, r store.Record) bool) func(*twist) {
	return func(s *twist) {
		s.clean = func(ctx context.Context, limit int) (n int, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if err := s.open(ctx); err != nil {
				return 0, err
			}
			for key, r := range s.records {
				if n < limit && remove(s, key, r) {
					delete(s.records, key)
					n++
				}
			}
			return n, nil
		}
	}
}

func brokenClean() []broken {
	return []broken{
		{"cleans what never expires", cleans(func(_ *twist, _ string, r store.Record) bool {
			return r.Expires.Before(time.Now())
		}), []string{"Clean/nothing expired", "Clean/limit"}},
		{"cleans without a limit", func(s *twist) {
			s.clean = func(ctx context.Context, limit int) (int, error) { return s.plain.DeleteExpired(ctx, 1000) }
		}, []string{"Clean/limit"}},
		{"leaves the rest", func(s *twist) {
			s.clean = func(ctx context.Context, limit int) (int, error) { return s.plain.DeleteExpired(ctx, min(limit, 2)) }
		}, []string{"Clean/limit"}},
		{"cleans nothing", func(s *twist) {
			s.clean = func(ctx context.Context, limit int) (int, error) { return 0, s.Ping(ctx) }
		}, []string{"Clean/limit", "Clean/several at once", "Clean/cancelled", "Clean/recreated records stay"}},
		{"cleans by the first expiry", func(s *twist) {
			first := map[string]time.Time{}
			saves(func(_ *twist, key string, _, next *store.Record) {
				if _, ok := first[key]; !ok && next.Exists() {
					first[key] = next.Expires
				}
			})(s)
			cleans(func(s *twist, key string, r store.Record) bool {
				return !first[key].IsZero() && first[key].Before(time.Now().Add(1))
			})(s)
		}, []string{"Clean/touched records stay", "Clean/recreated records stay"}},
		{"counts what others cleaned", func(s *twist) {
			s.clean = func(ctx context.Context, limit int) (n int, err error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				var keys []string
				for key, r := range s.records {
					if len(keys) < limit && !r.Live(time.Now()) {
						keys = append(keys, key)
					}
				}
				s.mu.Unlock()
				pause()
				s.mu.Lock()
				for _, key := range keys {
					delete(s.records, key)
				}
				return len(keys), s.open(ctx)
			}
		}, []string{"Clean/several at once"}},
		{"cleans whatever the context says", func(s *twist) {
			s.clean = func(_ context.Context, limit int) (int, error) {
				return s.plain.DeleteExpired(context.Background(), limit)
			}
		}, []string{"Clean/cancelled"}},
	}
}
