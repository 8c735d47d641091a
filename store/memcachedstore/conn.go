package memcachedstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const (
	// defaultMaxItem is the size of the largest item that Memcached takes,
	// unless it is told or tells otherwise.
	defaultMaxItem = 1 << 20

	// mostMaxItem is the largest limit that Memcached can be told.
	mostMaxItem = 1 << 30

	// overhead is what an item takes beside key and value: 63 bytes in version
	// 1.6, and some to spare for others.
	overhead = 128

	// epochBits are the upper bits of a token, which tell one life of one
	// server from others.
	epochBits = 16
	casBits   = 64 - epochBits
)

// conn is a connection to a server, for one call at a time.
type conn struct {
	net.Conn
	r      *bufio.Reader
	w      *bufio.Writer
	broken bool // must not be used again
	since  time.Time

	maxItem int
	epoch   uint64
	ahead   int64 // seconds that the server's clock is ahead of ours
}

// broke notes that the answers cannot be told apart any more.
func (c *conn) broke(err error) error {
	c.broken = true
	return err
}

func (c *conn) flush() error {
	if err := c.w.Flush(); err != nil {
		return c.broke(err)
	}
	return nil
}

// interrupt ends whatever waits for the server.
func (c *conn) interrupt() { c.SetDeadline(time.Unix(1, 0)) }

// under runs f, which is interrupted when ctx ends.
func (c *conn) under(ctx context.Context, f func(*conn) error) error {
	stop := context.AfterFunc(ctx, c.interrupt)
	err := f(c)
	if !stop() {
		c.broken = true // its deadline has passed
		if err != nil {
			return contextError(ctx)
		}
	}
	return err
}

// token makes the token of a record from the number of its item. Numbers are
// given from 1 in each life of a server, so that one from before a restart,
// or from another server, could be that of another item by chance. Zero stands
// for a number that does not fit.
func (c *conn) token(cas uint64) uint64 {
	if cas>>casBits != 0 || cas == 0 {
		return 0
	}
	return c.epoch<<casBits | cas
}

// cas returns the number of the item that had the token here, or zero.
func (c *conn) cas(token uint64) uint64 {
	if token>>casBits != c.epoch {
		return 0
	}
	return token << epochBits >> epochBits
}

// greet checks that the server understands and may be used, and asks for its
// settings.
func (c *conn) greet(o *Options, addr string, clock func() time.Time) error {
	err := c.noop()
	if e, ok := errors.AsType[serverError](err); ok {
		switch {
		case strings.Contains(string(e), "unauthenticated"):
			err = c.login(o)
		case strings.HasPrefix(string(e), "ERROR"):
			return store.WithAdvice(fmt.Errorf("%w: the server does not know the meta commands", store.ErrUnsupported),
				"Use memcached 1.6 or newer.")
		}
	}
	if err != nil {
		return err
	}
	c.maxItem = defaultMaxItem
	settings, err := c.stats("stats settings\r\n")
	if err != nil {
		return err
	}
	if settings["cas_enabled"] == "no" {
		return store.WithAdvice(fmt.Errorf("%w: the server runs without CAS", store.ErrUnsupported),
			"Start memcached without -C.")
	}
	if n, err := strconv.Atoi(settings["item_size_max"]); err == nil && n > 0 {
		c.maxItem = min(n, mostMaxItem)
	}
	general, err := c.stats("stats\r\n")
	if err != nil {
		return err
	}
	now, _ := strconv.ParseInt(general["time"], 10, 64)
	if ahead := now - clock().Unix(); now > 0 && (ahead < -grid || ahead > grid) {
		c.ahead = ahead
	}
	uptime, _ := strconv.ParseInt(general["uptime"], 10, 64)
	h := fnv.New64a()
	fmt.Fprintln(h, addr, general["pid"], now-uptime)
	c.epoch = h.Sum64() >> casBits
	c.broken = false
	return nil
}

// login sends user and password, which the server wants in the guise of an
// item. It is not sent to a server that has not asked: that one would store it.
func (c *conn) login(o *Options) error {
	if o.Username == "" && o.Password == "" {
		return store.WithAdvice(errors.New("the server asks for a password"), "Give the store a user name and password.")
	}
	fmt.Fprintf(c.w, "set auth 0 0 %d\r\n%s %s\r\n", len(o.Username)+1+len(o.Password), o.Username, o.Password)
	if err := c.flush(); err != nil {
		return err
	}
	line, err := c.line()
	if err != nil || string(line) != "STORED" {
		return store.WithAdvice(errors.Join(errors.New("the server refuses user name or password"), err),
			"Compare them with the file that memcached was started with (-Y).")
	}
	return nil
}

// stats asks for statistics. A server that does not give any has none.
func (c *conn) stats(command string) (map[string]string, error) {
	c.w.WriteString(command)
	if err := c.flush(); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for {
		line, err := c.line()
		if _, refused := errors.AsType[serverError](err); refused {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if string(line) == "END" {
			return all, nil
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(string(line), "STAT "), " ")
		if !ok || len(all) > 10_000 {
			return nil, errProtocol
		}
		all[name] = value
	}
}

// contextError is the error for a context that is done.
func contextError(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
