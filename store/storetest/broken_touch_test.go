package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// moves replaces Touch by one that changes the record as it likes.
func moves(change func(s *twist, r, prev store.Record, expires time.Time) store.Record) func(*twist) {
	return func(s *twist) {
		s.touch = func(ctx context.Context, key string, prev store.Record, expires time.Time) error {
			if err := s.plain.Touch(ctx, key, prev, time.Now()); err != nil {
				return err
			}
			s.reach(key, func(r store.Record) store.Record { return change(s, r, prev, expires) })
			return nil
		}
	}
}

// later is what Touch does when it is right.
func later(r store.Record, expires time.Time) store.Record {
	r.Expires = store.Later(r.Expires, expires)
	return r
}

func brokenTouch() []broken {
	return []broken{
		{"touches nothing", moves(func(_ *twist, r, _ store.Record, _ time.Time) store.Record { return r }),
			[]string{"Touch/extends", "Touch/to never", "Touch/newer data stays", "Touch/empty data",
				"Touch/leaves other records alone", "Race/touch and touch", "Clean/touched records stay"}},
		{"shortens", moves(func(_ *twist, r, _ store.Record, expires time.Time) store.Record {
			r.Expires = expires
			return r
		}), []string{"Touch/never shortens", "Touch/never is not shortened", "Race/touch and touch"}},
		{"does not know never", moves(func(_ *twist, r, _ store.Record, expires time.Time) store.Record {
			if expires.After(r.Expires) {
				r.Expires = expires
			}
			return r
		}), []string{"Touch/to never", "Touch/never is not shortened"}},
		{"revives what has expired", func(s *twist) {
			s.touch = func(ctx context.Context, key string, prev store.Record, expires time.Time) error {
				if store.CheckKey(key) == nil && s.peek(key).Exists() {
					s.reach(key, func(r store.Record) store.Record { return later(r, expires) })
					return nil
				}
				return s.plain.Touch(ctx, key, prev, expires)
			}
		}, []string{"Touch/never revives an expired record", "Expiry/expired record does not exist"}},
		{"writes prev again", func(s *twist) {
			s.touch = func(ctx context.Context, key string, prev store.Record, expires time.Time) error {
				if prev.Exists() && store.CheckKey(key) == nil && ctx.Err() == nil {
					s.reach(key, func(store.Record) store.Record { return later(prev, expires) })
					return nil
				}
				return s.plain.Touch(ctx, key, prev, expires)
			}
		}, []string{"Touch/never revives a deleted record", "Touch/never creates", "Touch/newer data stays",
			"Touch/is no change for Save", "Race/touch and save", "Race/touch and delete"}},
		{"moves only what it knows", moves(func(_ *twist, r, prev store.Record, expires time.Time) store.Record {
			if r.Token != prev.Token {
				return r
			}
			return later(r, expires)
		}), []string{"Touch/newer data stays", "Touch/prev need not be known"}},
		{"gives a touched record a new token", moves(func(s *twist, r, _ store.Record, expires time.Time) store.Record {
			s.token++
			r.Token = s.token
			return later(r, expires)
		}), []string{"Touch/is no change for Save", "Race/touch and save"}},
		{"takes empty data for absent", func(s *twist) {
			s.touch = func(ctx context.Context, key string, prev store.Record, expires time.Time) error {
				if len(s.peek(key).Data) == 0 && store.CheckKey(key) == nil && ctx.Err() == nil {
					return store.ErrNotFound
				}
				return s.plain.Touch(ctx, key, prev, expires)
			}
		}, []string{"Touch/empty data"}},
		{"touches by prefix", func(s *twist) {
			s.touch = func(ctx context.Context, key string, prev store.Record, expires time.Time) error {
				for k := range s.plain.List(ctx, key) {
					_ = s.plain.Touch(ctx, k.Key, prev, expires)
				}
				return s.plain.Touch(ctx, key, prev, expires)
			}
		}, []string{"Touch/leaves other records alone"}},
	}
}

func brokenDelete() []broken {
	return []broken{
		{"misses what is absent", func(s *twist) {
			s.del = func(ctx context.Context, key string) error {
				if _, err := s.plain.Load(ctx, key); err != nil {
					return err
				}
				return s.plain.Delete(ctx, key)
			}
		}, []string{"Delete/absent"}},
		{"deletes nothing", func(s *twist) {
			s.del = func(ctx context.Context, key string) error {
				_, err := s.plain.Load(ctx, key)
				if errors.Is(err, store.ErrNotFound) {
					return nil
				}
				return err
			}
		}, []string{"Delete/present", "Delete/absent", "Delete/whatever it holds", "Delete/beats every earlier prev",
			"Save/prev that was deleted conflicts", "Race/delete beats saves in flight", "Race/touch and delete"}},
		{"deletes only what was never replaced", func(s *twist) {
			replaced := map[string]bool{}
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				replaced[key] = prev.Exists()
				return s.plain.Save(ctx, key, prev, next)
			}
			s.del = func(ctx context.Context, key string) error {
				if replaced[key] {
					return nil
				}
				return s.plain.Delete(ctx, key)
			}
		}, []string{"Delete/whatever it holds", "Delete/beats every earlier prev"}},
		{"deletes by prefix", func(s *twist) {
			s.del = func(ctx context.Context, key string) error {
				for k := range s.plain.List(ctx, key) {
					_ = s.plain.Delete(ctx, k.Key)
				}
				return s.plain.Delete(ctx, key)
			}
		}, []string{"Delete/leaves other records alone", "Key/one is the beginning of another"}},
	}
}
