package storetest

import (
	"context"
	"iter"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// twist is a plain store with some of its methods replaced by wrong ones.
type twist struct {
	*plain
	load    func(ctx context.Context, key string) (store.Record, error)
	save    func(ctx context.Context, key string, prev, next store.Record) (store.Record, error)
	touch   func(ctx context.Context, key string, prev store.Record, expires time.Time) error
	del     func(ctx context.Context, key string) error
	all     func(ctx context.Context, keys []string) ([]store.Record, error)
	saveAll func(ctx context.Context, changes []store.Change) ([]store.Record, error)
	list    func(ctx context.Context, prefix string) iter.Seq2[store.Entry, error]
	clean   func(ctx context.Context, limit int) (int, error)
	ping    func(ctx context.Context) error
	close   func() error
}

func (s *twist) Load(ctx context.Context, key string) (store.Record, error) {
	if s.load != nil {
		return s.load(ctx, key)
	}
	return s.plain.Load(ctx, key)
}

func (s *twist) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	if s.save != nil {
		return s.save(ctx, key, prev, next)
	}
	return s.plain.Save(ctx, key, prev, next)
}

func (s *twist) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	if s.touch != nil {
		return s.touch(ctx, key, prev, expires)
	}
	return s.plain.Touch(ctx, key, prev, expires)
}

func (s *twist) Delete(ctx context.Context, key string) error {
	if s.del != nil {
		return s.del(ctx, key)
	}
	return s.plain.Delete(ctx, key)
}

// LoadAll loads by Load, as that is twisted, unless it is twisted itself.
func (s *twist) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	if s.all != nil {
		return s.all(ctx, keys)
	}
	if s.load == nil {
		return s.plain.LoadAll(ctx, keys)
	}
	return store.LoadAll(ctx, struct{ store.Store }{s}, keys)
}

func (s *twist) SaveAll(ctx context.Context, changes []store.Change) ([]store.Record, error) {
	if s.saveAll != nil {
		return s.saveAll(ctx, changes)
	}
	return s.plain.SaveAll(ctx, changes)
}

func (s *twist) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	if s.list != nil {
		return s.list(ctx, prefix)
	}
	return s.plain.List(ctx, prefix)
}

func (s *twist) DeleteExpired(ctx context.Context, limit int) (int, error) {
	if s.clean != nil {
		return s.clean(ctx, limit)
	}
	return s.plain.DeleteExpired(ctx, limit)
}

func (s *twist) Ping(ctx context.Context) error {
	if s.ping != nil {
		return s.ping(ctx)
	}
	return s.plain.Ping(ctx)
}

func (s *twist) Close() error {
	if s.close != nil {
		return s.close()
	}
	return s.plain.Close()
}

// renames makes every key another one before the store sees it. Bad keys
// are refused as always.
func renames(rename func(string) string) func(*twist) {
	return func(s *twist) {
		to := func(key string) string {
			if store.CheckKey(key) != nil {
				return key
			}
			return rename(key)
		}
		s.load = func(ctx context.Context, key string) (store.Record, error) { return s.plain.Load(ctx, to(key)) }
		s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
			return s.plain.Save(ctx, to(key), prev, next)
		}
		s.touch = func(ctx context.Context, key string, prev store.Record, expires time.Time) error {
			return s.plain.Touch(ctx, to(key), prev, expires)
		}
		s.del = func(ctx context.Context, key string) error { return s.plain.Delete(ctx, to(key)) }
	}
}

// loads changes what Load answers.
func loads(change func(r store.Record, err error) (store.Record, error)) func(*twist) {
	return func(s *twist) {
		s.load = func(ctx context.Context, key string) (store.Record, error) {
			return change(s.plain.Load(ctx, key))
		}
	}
}

// saves changes the arguments of Save.
func saves(change func(s *twist, key string, prev, next *store.Record)) func(*twist) {
	return func(s *twist) {
		s.save = func(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
			if store.CheckKey(key) == nil && ctx.Err() == nil {
				change(s, key, &prev, &next)
			}
			return s.plain.Save(ctx, key, prev, next)
		}
	}
}

// reach gives change the record of key under the lock, live or not.
func (s *plain) reach(key string, change func(r store.Record) store.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := change(s.records[key]); r.Exists() {
		s.records[key] = r
	} else {
		delete(s.records, key)
	}
}

// peek returns the record of key, live or not.
func (s *plain) peek(key string) (r store.Record) {
	s.reach(key, func(old store.Record) store.Record {
		r = old
		return old
	})
	return r
}
