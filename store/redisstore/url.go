package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/redisstore/internal/redisproto"
)

// Open opens the store that a URL describes, and asks the server whether it
// can be used. The store owns its client and closes it. The forms are
//
//	redis://user:password@host:6379/0
//	rediss://…                           the same by TLS
//	redis+unix://user:password@/run/redis/redis.sock?db=0
//	redis+sentinel://user:password@host1:26379,host2:26379/mymaster/0
//	redis+cluster://user:password@host1:6379,host2:6379
//
// in which all but the host, the path of the socket and the name of the master
// may be left out. The query may have
//
//   - user, password, db: instead of where they stand above
//   - sentinel_user, sentinel_password: what the Sentinels ask for
//   - tls=true: TLS with Sentinel or a cluster
//   - ca, cert, key: PEM files with the authority to trust instead of the
//     system's, and with the client's certificate and key
//   - server_name: the name in the server's certificate
//   - insecure_skip_verify=true: do not verify the certificate
//   - dial_timeout, timeout: how long to wait for a connection (2s), and for an
//     answer (5s) where the caller does not set a limit himself
//   - client_name: what CLIENT LIST shows
//   - prefix, max_record, cachelib=true, replicas, stale_for: see [Options]
func Open(ctx context.Context, u *url.URL) (store.Store, error) {
	s, err := fromURL(ctx, u)
	if err != nil {
		return nil, storeurl.Guard("redisstore: open", u, err)
	}
	return s, nil
}

// Openers returns Open under each scheme that it knows: redis, rediss,
// redis+unix, redis+sentinel and redis+cluster.
func Openers() store.Openers {
	return store.Openers{
		"redis":          Open,
		"rediss":         Open,
		"redis+unix":     Open,
		"redis+sentinel": Open,
		"redis+cluster":  Open,
	}
}

func fromURL(ctx context.Context, u *url.URL) (*Store, error) {
	c, err := parseURL(u)
	if err != nil {
		return nil, fmt.Errorf("redisstore: open: %w", err)
	}
	client, err := connect(ctx, c.client)
	if err != nil {
		return nil, openError(ctx, err)
	}
	s, err := New(client, c.store)
	if err == nil {
		s.owned = true
		err = s.Ping(ctx)
	}
	if err != nil {
		client.Close()
		return nil, err
	}
	return s, nil
}

// connect makes a client, which takes no context, and returns soon after ctx
// has ended.
func connect(ctx context.Context, o rueidis.ClientOption) (rueidis.Client, error) {
	type result struct {
		client rueidis.Client
		err    error
	}
	done := make(chan result, 1)
	go func() {
		client, err := rueidis.NewClient(o)
		if err != nil && client != nil {
			client.Close()
		}
		done <- result{client, err}
	}()
	select {
	case r := <-done:
		return r.client, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				r.client.Close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// config is what a URL says.
type config struct {
	client rueidis.ClientOption
	store  Options
}

const (
	dialTimeout   = 2 * time.Second
	answerTimeout = 5 * time.Second
	// topologyInterval is how often Sentinels and clusters are asked what has
	// changed, in case a message about it was lost.
	topologyInterval = 5 * time.Second
)

func parseURL(u *url.URL) (*config, error) {
	if err := storeurl.Check(u); err != nil {
		return nil, err
	}
	if u.Opaque != "" {
		return nil, errors.New("the URL is not of the form scheme://host")
	}
	p, err := newParams(u)
	if err != nil {
		return nil, err
	}
	c := &config{}
	c.client = rueidis.ClientOption{
		Username:         p.text("user"),
		Password:         p.text("password"),
		ClientName:       p.text("client_name"),
		Dialer:           net.Dialer{Timeout: p.duration("dial_timeout", dialTimeout)},
		ConnWriteTimeout: p.duration("timeout", answerTimeout),
		SelectDB:         p.number("db"),
		RetryDelay:       retryDelay,
		// Otherwise a call whose time is over would take its connection with it,
		// and all that others have sent on it.
		AlwaysPipelining: true,
	}
	c.store = Options{
		Prefix:    p.text("prefix"),
		MaxRecord: p.number("max_record"),
		Cachelib:  p.boolean("cachelib"),
		Replicas:  p.number("replicas"),
		StaleFor:  p.duration("stale_for", 0),
	}
	// Servers that lack what the cache needs serve as well without it.
	c.client.DisableCache = c.store.StaleFor == 0
	if c.store.StaleFor > 0 {
		c.client.CacheSizeEachConn = 32 << 20
	}
	if u.User != nil {
		c.client.Username = u.User.Username()
		c.client.Password, _ = u.User.Password()
	}
	if err := p.place(u, c); err != nil {
		return nil, err
	}
	return c, p.rest()
}

// place sets where the server is, by the URL's scheme.
func (p *params) place(u *url.URL, c *config) error {
	o := &c.client
	if u.Scheme == "redis+unix" {
		if u.Host != "" || u.Path == "" || u.Path == "/" {
			return errors.New("the URL names no socket: write redis+unix:///path/to/socket")
		}
		o.ForceSingleClient = true
		o.InitAddress = []string{u.Path}
		o.DialCtxFn = func(ctx context.Context, path string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		}
		return nil
	}
	port, secure := "6379", u.Scheme == "rediss"
	db := strings.TrimPrefix(u.Path, "/")
	switch u.Scheme {
	case "redis", "rediss":
		o.ForceSingleClient = true
	case "redis+sentinel":
		port = "26379"
		o.Sentinel.MasterSet, db, _ = strings.Cut(db, "/")
		if o.Sentinel.MasterSet == "" {
			return errors.New("the URL names no master: write redis+sentinel://host/mymaster")
		}
		o.Sentinel.Username, o.Sentinel.Password = p.text("sentinel_user"), p.text("sentinel_password")
		o.Sentinel.TopologyRefreshInterval = topologyInterval
		o.Sentinel.Dialer = o.Dialer
		secure = p.boolean("tls")
	case "redis+cluster":
		o.ClusterOption.ShardsRefreshInterval = topologyInterval
		secure = p.boolean("tls")
	default:
		return fmt.Errorf("unknown scheme %q; known are redis, rediss, redis+cluster, redis+sentinel, redis+unix", u.Scheme)
	}
	if db != "" {
		n, err := strconv.Atoi(db)
		if err != nil || n < 0 {
			return errors.New("the URL's path must be the number of a database")
		}
		o.SelectDB = n
	}
	for host := range strings.SplitSeq(u.Host, ",") {
		addr, err := withPort(host, port)
		if err != nil {
			return err
		}
		o.InitAddress = append(o.InitAddress, addr)
	}
	if o.ForceSingleClient && len(o.InitAddress) > 1 {
		return fmt.Errorf("%s:// takes one host; several are for redis+sentinel:// and redis+cluster://", u.Scheme)
	}
	if secure {
		var err error
		if o.TLSConfig, err = p.tlsConfig(); err != nil {
			return err
		}
		o.Sentinel.TLSConfig = o.TLSConfig
	}
	return nil
}

// withPort returns the address of a host that may lack its port.
func withPort(host, port string) (string, error) {
	if name, given, err := net.SplitHostPort(host); err == nil {
		host = name
		if given != "" {
			port = given
		}
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "" {
		return "", errors.New("the URL names no host")
	}
	return net.JoinHostPort(host, port), nil
}

// retryDelay lets reads be sent again that met a broken connection, a few
// times: whoever waits for a server that is gone had better be told so.
func retryDelay(attempts int, _ rueidis.Completed, _ error) time.Duration {
	if attempts > 3 {
		return -1
	}
	return time.Duration(attempts*attempts) * 10 * time.Millisecond
}

// openError is the error of a client that could not be made.
func openError(ctx context.Context, err error) error {
	if rueidis.IsRedisNil(err) {
		return store.WithAdvice(errors.New("redisstore: open: the Sentinels do not know a master of that name"),
			redisproto.AdviseMaster)
	}
	core, _ := newCore(nil, Options{}) // which never fails
	return core.Fail(ctx, "open", err)
}
