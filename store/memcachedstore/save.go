package memcachedstore

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Load implements [store.Store], in one round trip. The expiry of the record
// may be up to five seconds later than the one that was saved.
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	srv, err := s.begin(ctx, "load", key)
	if err != nil {
		return store.Record{}, err
	}
	var r store.Record
	err = srv.do(ctx, func(c *conn) error {
		it, err := s.get(c, key)
		if err == nil {
			r = store.Record{Data: it.data, Expires: it.expires, Token: c.token(it.cas)}
		}
		return err
	})
	if err != nil {
		return store.Record{}, srv.fail("load", err)
	}
	return r, nil
}

// get reads an item, and takes one that has expired for none.
func (s *Store) get(c *conn, key string) (item, error) {
	it, err := c.get(key, true, s.now)
	if err == nil && !it.live(s.now()) {
		return item{}, store.ErrNotFound
	}
	return it, err
}

// Save implements [store.Store], in one round trip unless the record was
// touched or rewritten since prev was loaded.
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	srv, err := s.begin(ctx, "save", key)
	if err != nil {
		return store.Record{}, err
	}
	var r store.Record
	err = srv.do(ctx, func(c *conn) (err error) {
		switch live := next.Live(s.now()); {
		case !prev.Exists() && !live:
			return s.absent(c, key)
		case !prev.Exists():
			r, err = s.create(c, key, next)
		case !live:
			_, err = s.replace(c, key, prev, func(cas uint64) (answer, error) { return c.remove(key, cas) })
		default:
			r, err = s.overwrite(c, key, prev, next)
		}
		return err
	})
	if err != nil {
		return store.Record{}, srv.fail("save", err)
	}
	return r, nil
}

// absent answers ErrConflict if there is a record.
func (s *Store) absent(c *conn, key string) error {
	_, err := s.get(c, key)
	if err == nil {
		return store.ErrConflict
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// create saves where there must be no record.
func (s *Store) create(c *conn, key string, next store.Record) (store.Record, error) {
	w := s.write(c, next)
	w.add = true
	a, err := c.set(key, w)
	if err != nil {
		return store.Record{}, err
	}
	if a.status == present && s.pastDates() {
		// The item may be one that has expired, but not for the server.
		it, err := c.get(key, true, s.now)
		if err == nil && !it.live(s.now()) {
			w.add, w.cas = false, it.cas
			if a, err = c.set(key, w); err != nil {
				return store.Record{}, err
			}
		}
	}
	if a.status != stored {
		return store.Record{}, store.ErrConflict
	}
	return saved(c, next, a), nil
}

// overwrite saves where prev must be.
func (s *Store) overwrite(c *conn, key string, prev, next store.Record) (store.Record, error) {
	a, err := s.replace(c, key, prev, func(cas uint64) (answer, error) {
		w := s.write(c, next)
		w.cas = cas
		return c.set(key, w)
	})
	if err != nil {
		return store.Record{}, err
	}
	return saved(c, next, a), nil
}

// replace calls change with the number of the item that is prev, until it has
// been changed or the item is another one.
func (s *Store) replace(c *conn, key string, prev store.Record, change func(cas uint64) (answer, error)) (answer, error) {
	cas := c.cas(prev.Token)
	if s.pastDates() {
		cas = 0 // look first: prev may have expired, but not for the server
	}
	for {
		if cas != 0 {
			a, err := change(cas)
			if err != nil {
				return a, err
			}
			switch a.status {
			case stored:
				return a, nil
			case gone:
				return a, store.ErrConflict
			}
		}
		// Another number: it may have been touched, or rewritten as it was.
		it, err := s.get(c, key)
		if errors.Is(err, store.ErrNotFound) || err == nil && !bytes.Equal(it.data, prev.Data) {
			return answer{}, store.ErrConflict
		}
		if err != nil {
			return answer{}, err
		}
		cas = it.cas
	}
}

// write returns how to write a record.
func (s *Store) write(c *conn, r store.Record) write {
	w := write{data: r.Data, flags: s.flags}
	w.expire(r.Expires, s.now(), c.ahead)
	return w
}

// saved returns next as it is now stored.
func saved(c *conn, next store.Record, a answer) store.Record {
	next.Token = c.token(a.cas)
	return next
}

// pastDates reports whether the time has come when an item that never expires
// for the server may have expired.
func (s *Store) pastDates() bool { return s.now().Unix() > maxDate }

// Touch implements [store.Store]. It takes one round trip if the record lives
// long enough already, two if it is still prev, and three otherwise.
func (s *Store) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	srv, err := s.begin(ctx, "touch", key)
	if err != nil {
		return err
	}
	err = srv.do(ctx, func(c *conn) error { return s.touch(c, key, prev, expires) })
	if err != nil {
		return srv.fail("touch", err)
	}
	return nil
}

// touch rewrites the item as it is. The server could move the expiry alone,
// but not on condition, so that of two that do it at once the earlier expiry
// might stay.
func (s *Store) touch(c *conn, key string, prev store.Record, expires time.Time) error {
	for whole := false; ; {
		it, err := c.get(key, whole, s.now)
		if err != nil {
			return err
		}
		switch now := s.now(); {
		case it.far() && !whole:
			whole = true // the expiry is in the value
			continue
		case !it.live(now):
			return store.ErrNotFound
		case it.outlives(expires):
			return nil
		case whole:
		case prev.Exists() && it.cas == c.cas(prev.Token):
			it.data = prev.Data
		default:
			whole = true
			continue
		}
		w := write{data: it.data, flags: it.flags &^ flagFar, cas: it.cas}
		w.expire(expires, s.now(), c.ahead)
		a, err := c.set(key, w)
		if err != nil {
			return err
		}
		switch a.status {
		case stored:
			return nil
		case gone:
			return store.ErrNotFound
		}
		whole = true
	}
}

// Delete implements [store.Store], in one round trip.
func (s *Store) Delete(ctx context.Context, key string) error {
	srv, err := s.begin(ctx, "delete", key)
	if err != nil {
		return err
	}
	err = srv.do(ctx, func(c *conn) error {
		_, err := c.remove(key, 0)
		return err
	})
	if err != nil {
		return srv.fail("delete", err)
	}
	return nil
}
