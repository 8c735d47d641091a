package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func brokenData() []broken {
	var reused []byte
	return []broken{
		{"invents absent records", loads(func(r store.Record, err error) (store.Record, error) {
			if errors.Is(err, store.ErrNotFound) {
				return store.Record{Data: []byte{}}, nil
			}
			return r, err
		}), []string{"Data/absent", "Delete/present", "Delete/absent"}},
		{"answers without data", loads(func(r store.Record, err error) (store.Record, error) {
			r.Data = nil
			return r, err
		}), []string{"Data/round trip", "Data/empty data is a record"}},
		{"takes empty data for none", saves(func(_ *twist, _ string, prev, next *store.Record) {
			if len(next.Data) == 0 {
				next.Data = nil
			}
		}), []string{"Data/empty data is a record", "Touch/empty data"}},
		{"trims data", loads(func(r store.Record, err error) (store.Record, error) {
			r.Data = bytes.TrimSpace(r.Data)
			return r, err
		}), []string{"Data/every byte"}},
		{"ends data at NUL", loads(func(r store.Record, err error) (store.Record, error) {
			if i := bytes.IndexByte(r.Data, 0); i >= 0 {
				r.Data = r.Data[:i]
			}
			return r, err
		}), []string{"Data/every byte", "Data/large"}},
		{"cuts off what is too large", saves(func(_ *twist, _ string, _, next *store.Record) {
			if len(next.Data) > 65535 {
				next.Data = next.Data[:65535]
			}
		}), []string{"Data/large", "Data/too large"}},
		{"loses the old record when the new one is too large", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				r, err := s.plain.Save(ctx, key, prev, next)
				if errors.Is(err, store.ErrTooLarge) {
					_ = s.plain.Delete(ctx, key)
				}
				return r, err
			}
		}, []string{"Data/too large"}},
		{"says nothing more than that it is too large", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				r, err := s.plain.Save(ctx, key, prev, next)
				if errors.Is(err, store.ErrTooLarge) {
					err = store.ErrTooLarge
				}
				return r, err
			}
		}, []string{"Data/too large"}},
		{"reuses one buffer", loads(func(r store.Record, err error) (store.Record, error) {
			if r.Exists() {
				reused = append(reused[:0], r.Data...)
				r.Data = reused
			}
			return r, err
		}), []string{"Data/loads do not disturb one another"}},
		{"wipes prev", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				r, err := s.plain.Save(ctx, key, prev, next)
				clear(prev.Data)
				return r, err
			}
		}, []string{"Data/Save leaves its arguments alone", "Data/loads do not disturb one another"}},
		{"encrypts next in place", saves(func(_ *twist, _ string, _, next *store.Record) {
			for i := range next.Data {
				next.Data[i] ^= 1
			}
		}), []string{"Data/Save leaves its arguments alone", "Data/round trip"}},
		{"quotes the key", func(s *twist) {
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				r, err := s.plain.Load(ctx, key)
				if err != nil {
					err = fmt.Errorf("load %s: %w", key, err)
				}
				return r, err
			}
		}, []string{"Data/absent", "Key/refused"}},
		{"quotes the data", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				r, err := s.plain.Save(ctx, key, prev, next)
				if err != nil {
					err = store.WithAdvice(err, fmt.Sprintf("look at %s", next.Data))
				}
				return r, err
			}
		}, []string{"Context/Save that creates cancelled", "Data/too large"}},
	}
}

func brokenExpiry() []broken {
	return []broken{
		{"returns expired records", func(s *twist) {
			s.load = func(ctx context.Context, key string) (store.Record, error) {
				r, err := s.plain.Load(ctx, key)
				if old := s.peek(key); errors.Is(err, store.ErrNotFound) && old.Exists() {
					return old, nil
				}
				return r, err
			}
		}, []string{"Expiry/live until its expiry and gone from then on", "Expiry/expired record does not exist"}},
		{"expires early", saves(func(_ *twist, _ string, _, next *store.Record) {
			if !next.Expires.IsZero() {
				next.Expires = next.Expires.Add(-time.Second)
			}
		}), []string{"Expiry/live until its expiry and gone from then on", "Save/create"}},
		{"counts in whole seconds", saves(func(_ *twist, _ string, _, next *store.Record) {
			next.Expires = next.Expires.Truncate(time.Second)
		}), []string{"Expiry/fractions of a second"}},
		{"gives everything a lifetime", saves(func(_ *twist, _ string, _, next *store.Record) {
			if next.Exists() && next.Expires.IsZero() {
				next.Expires = time.Now().Add(time.Minute)
			}
		}), []string{"Expiry/zero time never expires", "Touch/never is not shortened"}},
		{"counts in nanoseconds", saves(func(_ *twist, _ string, _, next *store.Record) {
			if !next.Expires.IsZero() {
				next.Expires = time.Unix(0, next.Expires.UnixNano())
			}
		}), []string{"Expiry/year 9999"}},
		{"never shortens when saving", saves(func(s *twist, key string, _, next *store.Record) {
			if old := s.peek(key); old.Exists() && next.Exists() {
				next.Expires = store.Later(old.Expires, next.Expires)
			}
		}), []string{"Expiry/replacement moves it either way"}},
		{"keeps the expiry when saving", saves(func(s *twist, key string, _, next *store.Record) {
			if old := s.peek(key); old.Exists() && next.Exists() {
				next.Expires = old.Expires
			}
		}), []string{"Expiry/replacement moves it either way", "Save/replace"}},
		{"changes expired records", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				s.reach(key, func(r store.Record) store.Record { // as if only a sweep ended them
					if r.Exists() && r.Token == prev.Token {
						r.Expires = time.Time{}
					}
					return r
				})
				return s.plain.Save(ctx, key, prev, next)
			}
		}, []string{"Expiry/expired record does not exist", "Save/prev that has expired conflicts"}},
		{"has expired records in the way", func(s *twist) {
			s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
				if !prev.Exists() && s.peek(key).Exists() {
					return store.Record{}, store.ErrConflict
				}
				return s.plain.Save(ctx, key, prev, next)
			}
		}, []string{"Expiry/expired record can be created anew"}},
	}
}
