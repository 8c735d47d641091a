package storetest

import (
	"context"
	"hash/fnv"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// newest lets Save think that prev is whatever is there.
func newest(s *twist, key string, prev *store.Record) {
	if *prev = s.peek(key); !prev.Live(time.Now()) {
		*prev = store.Record{}
	}
}

// digest is a token that depends on the data alone.
func digest(r store.Record) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(r.Data)
	return h.Sum64()
}

func brokenSave() []broken {
	perKey := map[string]uint64{}
	return []broken{
		{"saves blindly", saves(func(s *twist, key string, prev, next *store.Record) { newest(s, key, prev) }),
			[]string{"Save/create conflicts with a live record", "Save/prev that was replaced conflicts",
				"Save/prev that was deleted conflicts", "Save/prev that has expired conflicts",
				"Save/prev of another record with that key conflicts", "Save/zero next with stale prev conflicts",
				"Save/expired next deletes", "Delete/beats every earlier prev", "Race/no increment is lost"}},
		{"creates blindly", saves(func(s *twist, key string, prev, next *store.Record) {
			if !prev.Exists() {
				newest(s, key, prev)
			}
		}), []string{"Save/create conflicts with a live record", "Save/zero prev and zero next", "Race/one creator wins"}},
		{"replaces only", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				if !prev.Exists() {
					return store.Record{}, store.ErrConflict
				}
				return s.plain.Save(ctx, key, prev, next)
			}
		}, []string{"Save/create"}},
		{"saves once", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				if s.peek(key).Exists() {
					return next, nil
				}
				return s.plain.Save(ctx, key, prev, next)
			}
		}, []string{"Save/replace", "Save/zero next deletes"}},
		{"keeps its token to itself", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				r, err := s.plain.Save(ctx, key, prev, next)
				r.Token = 0
				return r, err
			}
		}, []string{"Save/result is what Load returns", "Save/result serves as prev"}},
		{"revives deleted records", saves(func(s *twist, key string, prev, next *store.Record) {
			if !s.peek(key).Exists() {
				*prev = store.Record{}
			}
		}), []string{"Save/prev that was deleted conflicts", "Delete/beats every earlier prev", "Race/delete beats saves in flight"}},
		{"begins its versions at one again", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				r, err := s.plain.Save(ctx, key, prev, next)
				if err == nil && r.Exists() {
					if perKey[key]++; !prev.Exists() {
						perKey[key] = 1
					}
					r.Token = perKey[key]
					s.reach(key, func(store.Record) store.Record { return r })
				}
				return r, err
			}
		}, []string{"Save/prev of another record with that key conflicts", "Save/prev that was deleted and created alike conflicts"}},
		{"makes tokens of the data", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				r, err := s.plain.Save(ctx, key, prev, next)
				if err == nil && r.Exists() {
					r.Token = digest(r)
					s.reach(key, func(store.Record) store.Record { return r })
				}
				return r, err
			}
		}, []string{"Save/prev that was deleted and created alike conflicts", "Save/prev that was saved unchanged conflicts"}},
		{"stores the zero record", saves(func(_ *twist, _ string, prev, next *store.Record) {
			if !next.Exists() {
				next.Data = []byte{}
			}
		}), []string{"Save/zero next deletes", "Save/zero prev and zero next"}},
		{"deletes whatever is there", saves(func(s *twist, key string, prev, next *store.Record) {
			if !next.Exists() {
				newest(s, key, prev)
			}
		}), []string{"Save/zero next with stale prev conflicts", "Race/one conditional delete wins"}},
		{"takes an expiry in the past for never", saves(func(_ *twist, _ string, _, next *store.Record) {
			if next.Exists() && !next.Live(time.Now()) {
				next.Expires = time.Time{}
			}
		}), []string{"Save/expired next deletes", "Save/expired next creates nothing"}},
		{"says that it stored what had expired", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				r, err := s.plain.Save(ctx, key, prev, next)
				if err == nil && !r.Exists() {
					r = next
				}
				return r, err
			}
		}, []string{"Save/expired next deletes", "Save/expired next creates nothing"}},
	}
}
