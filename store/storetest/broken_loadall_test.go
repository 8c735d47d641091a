package storetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// loadsAll changes what LoadAll returns where it fails not.
func loadsAll(change func(s *twist, keys []string, records []store.Record) ([]store.Record, error)) func(*twist) {
	return func(s *twist) {
		s.all = func(ctx context.Context, keys []string) ([]store.Record, error) {
			records, err := s.plain.LoadAll(ctx, keys)
			if err != nil {
				return nil, err
			}
			return change(s, keys, records)
		}
	}
}

// eachLoaded changes each record that LoadAll has found.
func eachLoaded(change func(r *store.Record)) func(*twist) {
	return loadsAll(func(_ *twist, _ []string, records []store.Record) ([]store.Record, error) {
		for i := range records {
			if records[i].Exists() {
				change(&records[i])
			}
		}
		return records, nil
	})
}

func brokenLoadAll() []broken {
	return slices.Concat(brokenLoadAllRecords(), brokenLoadAllKeys(), brokenLoadAllContext())
}

func brokenLoadAllRecords() []broken {
	return []broken{
		{"loads many without tokens", eachLoaded(func(r *store.Record) { r.Token = 0 }),
			[]string{"LoadAll/what Load returns", "LoadAll/a token for Save"}},
		{"loads many without expiries", eachLoaded(func(r *store.Record) { r.Expires = time.Time{} }),
			[]string{"LoadAll/what Load returns", "LoadAll/order of keys"}},
		{"loads many without what is empty", eachLoaded(func(r *store.Record) {
			if len(r.Data) == 0 {
				r.Data = nil
			}
		}), []string{"LoadAll/what Load returns"}},
		{"hides marks", eachLoaded(func(r *store.Record) {
			if _, mark := store.ParseMark(r.Data); mark {
				*r = store.Record{}
			}
		}), []string{"LoadAll/what Load returns"}},
		{"leaves out what is absent", loadsAll(func(_ *twist, _ []string, records []store.Record) ([]store.Record, error) {
			return slices.DeleteFunc(records, func(r store.Record) bool { return !r.Exists() }), nil
		}), []string{"LoadAll/absent records", "LoadAll/2,500 keys"}},
		{"fails where one is absent", loadsAll(func(_ *twist, _ []string, records []store.Record) ([]store.Record, error) {
			for _, r := range records {
				if !r.Exists() {
					return nil, store.ErrNotFound
				}
			}
			return records, nil
		}), []string{"LoadAll/absent records", "LoadAll/a key more than once"}},
		{"loads many that have expired", loadsAll(func(s *twist, keys []string, records []store.Record) ([]store.Record, error) {
			for i, key := range keys {
				records[i] = s.peek(key)
			}
			return records, nil
		}), []string{"LoadAll/expired records"}},
		{"stops at 4 MiB", loadsAll(func(_ *twist, _ []string, records []store.Record) ([]store.Record, error) {
			size := 0
			for i := range records {
				if size += len(records[i].Data); size > 4<<20 {
					records[i] = store.Record{}
				}
			}
			return records, nil
		}), []string{"LoadAll/large records"}},
		{"loads into one piece of memory", func(s *twist) {
			var page []byte
			loadsAll(func(_ *twist, _ []string, records []store.Record) ([]store.Record, error) {
				page = page[:0]
				for i := range records {
					begin := len(page)
					page = append(page, records[i].Data...)
					if records[i].Exists() {
						records[i].Data = page[begin:]
					}
				}
				return records, nil
			})(s)
		}, []string{"LoadAll/records do not disturb one another"}},
		{"keeps what it has loaded", func(s *twist) {
			var kept []store.Record
			loadsAll(func(_ *twist, keys []string, records []store.Record) ([]store.Record, error) {
				if len(kept) == len(keys) {
					return kept, nil
				}
				kept = records
				return records, nil
			})(s)
		}, []string{"LoadAll/a token for Save"}},
		{"is late", func(s *twist) {
			s.all = func(ctx context.Context, keys []string) ([]store.Record, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				records := make([]store.Record, len(keys))
				for i, key := range keys {
					if records[i] = s.live(key); records[i].Token > uint64(len(keys)) {
						records[i].Data = []byte("0")
					}
				}
				return records, nil
			}
		}, []string{"LoadAll/acknowledged is visible"}},
	}
}

func brokenLoadAllKeys() []broken {
	return []broken{
		{"sorts records by key", func(s *twist) {
			s.all = func(ctx context.Context, keys []string) ([]store.Record, error) {
				return s.plain.LoadAll(ctx, slices.Sorted(slices.Values(keys)))
			}
		}, []string{"LoadAll/order of keys"}},
		{"sorts keys", func(s *twist) {
			s.all = func(ctx context.Context, keys []string) ([]store.Record, error) {
				slices.Sort(keys)
				return s.plain.LoadAll(ctx, keys)
			}
		}, []string{"LoadAll/keys are left alone"}},
		{"loads each key once", loadsAll(func(_ *twist, keys []string, records []store.Record) ([]store.Record, error) {
			for i, key := range keys {
				if slices.Contains(keys[:i], key) {
					records[i] = store.Record{}
				}
			}
			return records, nil
		}), []string{"LoadAll/a key more than once"}},
		{"finds records by any case", loadsAll(func(s *twist, keys []string, records []store.Record) ([]store.Record, error) {
			for i, key := range keys {
				for _, other := range keys {
					if !records[i].Exists() && strings.EqualFold(key, other) {
						records[i] = s.peek(other)
					}
				}
			}
			return records, nil
		}), []string{"LoadAll/keys that look alike"}},
		{"loads by any key", func(s *twist) {
			s.all = func(ctx context.Context, keys []string) ([]store.Record, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				records := make([]store.Record, len(keys))
				for i, key := range keys {
					records[i] = s.live(key)
				}
				return records, s.open(ctx)
			}
		}, []string{"LoadAll/a key that is refused"}},
		{"loads the first 1,000", loadsAll(func(_ *twist, keys []string, records []store.Record) ([]store.Record, error) {
			for i := 1000; i < len(keys); i++ {
				records[i] = store.Record{}
			}
			return records, nil
		}), []string{"LoadAll/2,500 keys"}},
		{"needs a key", loadsAll(func(_ *twist, keys []string, records []store.Record) ([]store.Record, error) {
			if len(keys) == 0 {
				return nil, store.ErrKey
			}
			return records, nil
		}), []string{"LoadAll/no keys"}},
	}
}

func brokenLoadAllContext() []broken {
	return []broken{
		{"loads many whatever the context says", func(s *twist) {
			s.all = func(ctx context.Context, keys []string) ([]store.Record, error) {
				return s.plain.LoadAll(context.WithoutCancel(ctx), keys)
			}
		}, []string{"LoadAll/cancelled", "LoadAll/too late", "LoadAll/cancelled for a reason"}},
		{"loads many and keeps the reason to itself", func(s *twist) {
			s.all = func(ctx context.Context, keys []string) ([]store.Record, error) {
				records, err := s.plain.LoadAll(context.WithoutCancel(ctx), keys)
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				return records, err
			}
		}, []string{"LoadAll/cancelled for a reason"}},
		{"knows of no record when closed", func(s *twist) {
			s.all = func(ctx context.Context, keys []string) ([]store.Record, error) {
				records, err := s.plain.LoadAll(ctx, keys)
				if s.closed {
					return make([]store.Record, len(keys)), nil
				}
				return records, err
			}
		}, []string{"Close/later calls"}},
		{"loads many in its own time when stalled", func(s *twist) {
			waits(untilDone)(s)
			s.all = func(ctx context.Context, keys []string) ([]store.Record, error) {
				if stalled.Load() {
					time.Sleep(stallTime + 2*stallGrace)
				}
				return s.plain.LoadAll(context.WithoutCancel(ctx), keys)
			}
		}, []string{"Stall/calls return soon after their context ended"}},
	}
}
