package memcachedstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

// Open opens the store that a URL describes:
//
//	memcached://host:11211                               one server
//	memcached://host1:11211,host2:11211                  several servers
//	memcached://host1/?addr=host2:11211&addr=host3       the same with addr
//	memcached+unix:/run/memcached.sock                   a unix socket
//
// A user name and password stand before the first host, as in
// memcached://user:secret@host/. The order of the servers is that in which
// they are written. Further parameters are distribution (ketama, pymemcache,
// python-memcached or pylibmc), flags and max_conns (numbers), and tls (true
// or false); see [Options]. Open fails if a server does not answer.
func Open(ctx context.Context, u *url.URL) (store.Store, error) {
	s, err := fromURL(ctx, u)
	if err != nil {
		return nil, storeurl.Guard("memcachedstore: open", u, err)
	}
	return s, nil
}

// Openers returns Open under each scheme that it knows: memcached and
// memcached+unix.
func Openers() store.Openers {
	return store.Openers{
		"memcached":      Open,
		"memcached+unix": Open,
	}
}

func fromURL(ctx context.Context, u *url.URL) (*Store, error) {
	servers, err := urlServers(u)
	if err != nil {
		return nil, fmt.Errorf("memcachedstore: open: %w", err)
	}
	o, more, err := urlOptions(u)
	if err != nil {
		return nil, fmt.Errorf("memcachedstore: open: %w", err)
	}
	s, err := build(append(servers, more...), o)
	if err != nil {
		return nil, fmt.Errorf("memcachedstore: open: %w", err)
	}
	if err := s.Ping(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func urlServers(u *url.URL) ([]string, error) {
	if err := storeurl.Check(u); err != nil {
		return nil, err
	}
	if u.Scheme == "memcached+unix" {
		if u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") {
			return nil, errors.New("write memcached+unix:/path/of/the/socket")
		}
		return []string{u.Path}, nil
	}
	if u.Host == "" || u.Opaque != "" {
		return nil, errors.New("the URL names no server; write memcached://host:port")
	}
	if u.Path != "" && u.Path != "/" {
		return nil, errors.New("the URL has a path; Memcached has no databases (write %2F for a / in a password)")
	}
	return strings.Split(u.Host, ","), nil
}

func urlOptions(u *url.URL) (o Options, servers []string, err error) {
	query, err := storeurl.Query(u)
	if err != nil {
		return o, nil, err
	}
	known := []string{"addr", "distribution", "flags", "max_conns", "tls"}
	if unknown := storeurl.Unknown(u, maps.Keys(query), known); len(unknown) > 0 {
		return o, nil, fmt.Errorf("unknown parameter %s; known are addr, distribution, flags, max_conns and tls", unknown[0])
	}
	o.Username = u.User.Username()
	o.Password, _ = u.User.Password()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		if name == "addr" {
			servers = values
			continue
		}
		if len(values) != 1 {
			return o, nil, fmt.Errorf("parameter %q is given %d times", name, len(values))
		}
		if err := o.set(name, values[0]); err != nil {
			return o, nil, err
		}
	}
	return o, servers, nil
}

// set sets the option that a parameter stands for.
func (o *Options) set(name, value string) error {
	switch name {
	case "distribution":
		o.Distribution = Distribution(value)
	case "flags":
		n, err := strconv.ParseUint(value, 0, 32)
		if err != nil {
			return errors.New("flags must be a number of 32 bits")
		}
		o.Flags = uint32(n)
	case "max_conns":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return errors.New("max_conns must be a number above zero")
		}
		o.MaxConns = n
	case "tls":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("tls must be true or false")
		}
		if o.TLS = nil; on {
			o.TLS = &tls.Config{}
		}
	}
	return nil
}
