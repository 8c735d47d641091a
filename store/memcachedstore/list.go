package memcachedstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const (
	// batchSize is how many records List asks for at a time, and holds.
	batchSize = 32
	// busyPause is how long List waits for another walk over the same server.
	busyPause = 50 * time.Millisecond
)

// List implements [store.Lister]. It makes each server write down its keys
// (lru_crawler metadump hash), on a connection that is closed afterwards, and
// loads the records. A server does this for one client at a time; others wait.
// While it does, its table of keys does not grow, which makes it a little
// slower if many keys are added. A server that was told not to (-X, or
// no_lru_crawler) answers [store.ErrUnsupported].
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for _, srv := range s.servers {
			stopped, err := s.walk(ctx, srv, prefix, yield)
			if stopped {
				return
			}
			if err == nil {
				err = s.ready(ctx)
			}
			if err != nil {
				yield(store.Entry{}, srv.fail("list", err))
				return
			}
		}
	}
}

// walk yields the records of one server, and reports whether the caller has
// stopped it.
func (s *Store) walk(ctx context.Context, srv *server, prefix string, yield func(store.Entry, error) bool) (stopped bool, err error) {
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	dump, err := srv.dump(ctx)
	if err != nil {
		return false, err
	}
	defer dump.Close()
	err = dump.under(ctx, func(c *conn) error {
		for more := true; more; {
			var keys []string
			if keys, more, err = c.keys(prefix); err != nil {
				return err
			}
			entries, err := s.entries(ctx, srv, keys)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if err := s.ready(ctx); err != nil {
					return err
				}
				if stopped = !yield(e, nil); stopped {
					return nil
				}
			}
		}
		return nil
	})
	return stopped, err
}

// dump returns a connection on which the server writes its keys.
func (srv *server) dump(ctx context.Context) (*conn, error) {
	c, err := srv.dial(ctx)
	if err != nil {
		return nil, err
	}
	err = c.under(ctx, func(c *conn) error {
		for {
			c.w.WriteString("lru_crawler metadump hash\r\n")
			if err := c.flush(); err != nil {
				return err
			}
			begin, err := c.r.Peek(4)
			if err != nil {
				return err
			}
			if string(begin) != "BUSY" {
				return nil
			}
			if _, err := c.line(); err != nil {
				return err
			}
			select {
			case <-time.After(busyPause):
			case <-ctx.Done():
				return contextError(ctx)
			case <-srv.done:
				return store.ErrClosed
			}
		}
	})
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// keys reads some keys that begin with prefix, and reports whether there may
// be more.
func (c *conn) keys(prefix string) (keys []string, more bool, err error) {
	for len(keys) < batchSize {
		line, err := c.line()
		if e, ok := errors.AsType[serverError](err); ok {
			return nil, false, store.WithAdvice(fmt.Errorf("%w: %w", store.ErrUnsupported, e),
				"Start memcached without -X and without no_lru_crawler to list its keys.")
		}
		if err != nil {
			return nil, false, err
		}
		if string(line) == "END" {
			return keys, false, nil
		}
		name, _, _ := strings.Cut(string(line), " ")
		name, ok := strings.CutPrefix(name, "key=")
		if !ok {
			return nil, false, errProtocol
		}
		key, err := url.PathUnescape(name)
		// Keys that are not ours may have any bytes.
		if err == nil && strings.HasPrefix(key, prefix) && store.CheckKey(key) == nil {
			keys = append(keys, key)
		}
	}
	return keys, true, nil
}

// entries loads records, without those that have gone meanwhile.
func (s *Store) entries(ctx context.Context, srv *server, keys []string) (entries []store.Entry, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err = srv.do(ctx, func(c *conn) error {
		for _, key := range keys {
			c.ask(key, true)
		}
		if err := c.flush(); err != nil {
			return err
		}
		for _, key := range keys {
			it, err := c.item(s.now)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if it.live(s.now()) {
				entries = append(entries, store.Entry{Key: key,
					Record: store.Record{Data: it.data, Expires: it.expires, Token: c.token(it.cas)}})
			}
		}
		return nil
	})
	return entries, err
}
