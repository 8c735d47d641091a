package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// savesAll changes the changes that SaveAll is to make, if it can begin. They
// are a copy.
func savesAll(change func(s *twist, changes []store.Change) []store.Change) func(*twist) {
	return func(s *twist) {
		s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
			if store.CheckChanges(changes) == nil && ctx.Err() == nil {
				changes = change(s, slices.Clone(changes))
			}
			return s.plain.SaveAll(ctx, changes)
		}
	}
}

// savedAll changes what SaveAll returns where it fails not.
func savedAll(change func(s *twist, changes []store.Change, records []store.Record) []store.Record) func(*twist) {
	return func(s *twist) {
		s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
			records, err := s.plain.SaveAll(ctx, changes)
			if err != nil {
				return nil, err
			}
			return change(s, changes, records), nil
		}
	}
}

// eachChange changes each of the changes.
func eachChange(change func(s *twist, c *store.Change)) func(*twist) {
	return savesAll(func(s *twist, changes []store.Change) []store.Change {
		for i := range changes {
			change(s, &changes[i])
		}
		return changes
	})
}

// inTurn saves one after another, and stops at the first error.
func inTurn(s *plain, ctx context.Context, changes []store.Change) ([]store.Record, error) {
	records := make([]store.Record, len(changes))
	for i, c := range changes {
		var err error
		if records[i], err = s.Save(ctx, c.Key, c.Prev, c.Next); err != nil {
			return nil, err
		}
	}
	return records, nil
}

func brokenSaveAll() []broken {
	return slices.Concat(brokenSaveAllAtomic(), brokenSaveAllRecords(), brokenSaveAllKeys(), brokenSaveAllContext())
}

func brokenSaveAllAtomic() []broken {
	return []broken{
		{"saves one after another", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				if err := store.CheckChanges(changes); err != nil {
					return nil, err
				}
				return inTurn(s.plain, ctx, changes)
			}
		}, []string{"SaveAll/one conflict", "SaveAll/prev that has expired conflicts", "SaveAll/zero prev and zero next",
			"SaveAll/expired next deletes", "SaveAll/one too large", "SaveAll/transfers", "SaveAll/beside Save", "SaveAll/beside Delete"}},
		{"looks at all and then writes", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				changes = slices.Clone(changes)
				s.mu.Lock()
				for _, c := range changes {
					if err := s.check(c.Key, c.Prev, c.Next); err != nil {
						s.mu.Unlock()
						return nil, err
					}
				}
				s.mu.Unlock()
				pause()
				for i, c := range changes {
					newest(s, c.Key, &changes[i].Prev)
				}
				return s.plain.SaveAll(ctx, changes)
			}
		}, []string{"SaveAll/transfers", "SaveAll/beside Save", "SaveAll/beside Delete", "SaveAll/one creator wins"}},
		{"saves all but what conflicts", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				records := make([]store.Record, len(changes))
				for i, c := range changes {
					records[i], _ = s.plain.Save(ctx, c.Key, c.Prev, c.Next)
				}
				return records, nil
			}
		}, []string{"SaveAll/one conflict"}},
		{"saves all blindly", eachChange(func(s *twist, c *store.Change) { newest(s, c.Key, &c.Prev) }),
			[]string{"SaveAll/one conflict", "SaveAll/result serves as prev", "SaveAll/zero prev and zero next"}},
		{"revives many that have expired", eachChange(func(s *twist, c *store.Change) {
			if r := s.peek(c.Key); r.Exists() && !r.Live(time.Now()) && r.Token == c.Prev.Token {
				c.Prev = store.Record{}
			}
		}), []string{"SaveAll/prev that has expired conflicts"}},
		{"takes an expiry in the past of one of many for never", eachChange(func(_ *twist, c *store.Change) {
			if c.Next.Exists() && !c.Next.Live(time.Now()) {
				c.Next.Expires = time.Time{}
			}
		}), []string{"SaveAll/expired next deletes"}},
		{"leaves out what is from nothing to nothing", savesAll(func(_ *twist, changes []store.Change) []store.Change {
			return slices.DeleteFunc(changes, func(c store.Change) bool { return !c.Prev.Exists() && !c.Next.Exists() })
		}), []string{"SaveAll/zero prev and zero next"}},
		{"takes a touch of one of many for a change", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				for _, c := range changes {
					if !s.peek(c.Key).Expires.Equal(c.Prev.Expires) {
						return nil, store.ErrConflict
					}
				}
				return s.plain.SaveAll(ctx, changes)
			}
		}, []string{"SaveAll/touch is no change"}},
		{"saves the many that are small enough", savesAll(func(s *twist, changes []store.Change) []store.Change {
			return slices.DeleteFunc(changes, func(c store.Change) bool { return len(c.Next.Data) > s.limit })
		}), []string{"SaveAll/one too large"}},
		{"is late with many", func(s *twist) {
			var old atomic.Pointer[store.Change]
			var n atomic.Int64
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				records, err := s.plain.SaveAll(ctx, changes)
				if err == nil && len(changes) > 1 {
					old.Store(&changes[1])
				}
				return records, err
			}
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				if c := old.Load(); c != nil && c.Key == key && n.Add(1)%3 == 0 {
					return c.Prev, nil
				}
				return s.plain.Load(ctx, key)
			}
		}, []string{"SaveAll/acknowledged is visible"}},
	}
}

func brokenSaveAllRecords() []broken {
	return []broken{
		{"saves all but the last", savesAll(func(_ *twist, changes []store.Change) []store.Change {
			return changes[:max(len(changes)-1, 0)]
		}), []string{"SaveAll/create, replace and delete", "SaveAll/order of changes"}},
		{"never deletes among others", eachChange(func(_ *twist, c *store.Change) {
			if !c.Next.Exists() {
				c.Next = store.Record{Data: []byte{}}
			}
		}), []string{"SaveAll/create, replace and delete", "SaveAll/touch is no change"}},
		{"saves many and keeps the tokens to itself", savedAll(func(_ *twist, _ []store.Change, records []store.Record) []store.Record {
			for i := range records {
				records[i].Token = 0
			}
			return records
		}), []string{"SaveAll/result is what Load returns", "SaveAll/result serves as prev"}},
		{"returns changes by key", savedAll(func(_ *twist, changes []store.Change, records []store.Record) []store.Record {
			sorted := slices.Clone(changes)
			slices.SortFunc(sorted, byKey)
			out := make([]store.Record, len(records))
			for i, c := range changes {
				out[slices.IndexFunc(sorted, func(d store.Change) bool { return d.Key == c.Key })] = records[i]
			}
			return out
		}), []string{"SaveAll/order of changes", "SaveAll/create, replace and delete"}},
		{"sorts changes", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				slices.SortFunc(changes, byKey)
				return s.plain.SaveAll(ctx, changes)
			}
		}, []string{"SaveAll/changes are left alone"}},
		{"saves into one piece of memory", savedAll(func(s *twist, changes []store.Change, records []store.Record) []store.Record {
			page := make([]byte, 0, 1<<10)
			for i, c := range changes {
				begin := len(page)
				page = append(page, records[i].Data...)
				if records[i].Exists() {
					records[i].Data = page[begin:]
					s.reach(c.Key, func(store.Record) store.Record { return records[i] })
				}
			}
			return records
		}), []string{"SaveAll/records do not disturb one another"}},
		{"saves 2 MiB together", savesAll(func(_ *twist, changes []store.Change) []store.Change {
			size := 0
			for i := range changes {
				if size += len(changes[i].Next.Data); size > 2<<20 {
					changes[i].Next.Data = []byte("too much")
				}
			}
			return changes
		}), []string{"SaveAll/large records"}},
	}
}

func byKey(a, b store.Change) int { return cmp.Compare(a.Key, b.Key) }

func brokenSaveAllKeys() []broken {
	return []broken{
		{"needs a change", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				if len(changes) == 0 {
					return nil, store.ErrKey
				}
				return s.plain.SaveAll(ctx, changes)
			}
		}, []string{"SaveAll/no changes"}},
		{"saves the first 100", savedAll(func(s *twist, changes []store.Change, records []store.Record) []store.Record {
			for i, c := range changes {
				if i >= 100 {
					s.reach(c.Key, func(store.Record) store.Record { return c.Prev })
				}
			}
			return records
		}), []string{"SaveAll/250 changes"}},
		{"tells many keys apart without case", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				for i, c := range changes {
					if slices.ContainsFunc(changes[:i], func(d store.Change) bool { return strings.EqualFold(c.Key, d.Key) }) {
						return nil, store.ErrKey
					}
				}
				return s.plain.SaveAll(ctx, changes)
			}
		}, []string{"SaveAll/keys that look alike"}},
		{"takes the last of two changes", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				var last []store.Change
				for i, c := range changes {
					if !slices.ContainsFunc(changes[i+1:], func(d store.Change) bool { return c.Key == d.Key }) {
						last = append(last, c)
					}
				}
				return s.plain.SaveAll(ctx, last)
			}
		}, []string{"SaveAll/same key twice"}},
		{"saves by any key", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				records := make([]store.Record, len(changes))
				for i, c := range changes {
					records[i] = s.put(c.Key, c.Next)
				}
				return records, s.open(ctx)
			}
		}, []string{"SaveAll/a key that is refused"}},
	}
}

func brokenSaveAllContext() []broken {
	return []broken{
		{"saves many whatever the context says", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				return s.plain.SaveAll(context.WithoutCancel(ctx), changes)
			}
		}, []string{"SaveAll/cancelled", "SaveAll/too late", "SaveAll/cancelled for a reason"}},
		{"saves many and keeps the reason to itself", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				return s.plain.SaveAll(ctx, changes)
			}
		}, []string{"SaveAll/cancelled for a reason"}},
		{"saves many when closed", func(s *twist) {
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				if s.closed {
					return make([]store.Record, len(changes)), nil
				}
				return s.plain.SaveAll(ctx, changes)
			}
		}, []string{"Close/later calls"}},
		{"saves many in its own time when stalled", func(s *twist) {
			waits(untilDone)(s)
			s.saveAll = func(ctx context.Context, changes []store.Change) ([]store.Record, error) {
				if stalled.Load() {
					time.Sleep(stallTime + 2*stallGrace)
				}
				return s.plain.SaveAll(context.WithoutCancel(ctx), changes)
			}
		}, []string{"Stall/calls return soon after their context ended"}},
	}
}
