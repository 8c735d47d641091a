package mongostore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

// openTimeout is how long Open tries to reach the server.
const openTimeout = 10 * time.Second

// Open connects to the server that a URL describes and checks that it can be
// used:
//
//	mongodb://user:password@host:27017/database?collection=sessions
//	mongodb://a:27017,b:27017,c:27017/database?replicaSet=rs0
//	mongodb+srv://user:password@cluster.example.net/database
//
// Several hosts need a port each. Beside the driver's own options the query
// may set
//
//	database        instead of the path, which is also where users are looked up
//	collection      "sessions" if missing
//	layout          "native", or "flask" for Flask-Session's
//	ensure_indexes  "true" calls [Store.EnsureIndexes]
//
// If no database is named it is "cloakroom", or "flask_session" with Flask's
// layout. The options w and journal say what a write waits for, as
// Options.WriteConcern does. A readPreference other than primary is refused:
// a secondary may return a session that has ended.
func Open(ctx context.Context, u *url.URL) (store.Store, error) {
	s, err := fromURL(ctx, u)
	if err != nil {
		return nil, storeurl.Guard("mongostore: open", u, err)
	}
	return s, nil
}

// Openers returns Open under each scheme that it knows: mongodb and
// mongodb+srv.
func Openers() store.Openers {
	return store.Openers{
		"mongodb":     Open,
		"mongodb+srv": Open,
	}
}

func fromURL(ctx context.Context, u *url.URL) (*Store, error) {
	const op = "open"
	if ctx.Err() != nil {
		return nil, fmt.Errorf("mongostore: %s: %w", op, context.Cause(ctx))
	}
	cfg, err := parseURL(u)
	if err != nil {
		return nil, fmt.Errorf("mongostore: %s: %w", op, err)
	}
	client, err := mongo.Connect(cfg.client)
	if err != nil {
		return nil, fmt.Errorf("mongostore: %s: %w", op, err)
	}
	s, err := New(client.Database(cfg.database).Collection(cfg.collection), cfg.options)
	if err != nil {
		_ = client.Disconnect(ctx)
		return nil, err
	}
	s.client = client
	if err := s.start(ctx, cfg.indexes); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// start tells what is wrong now rather than at the first request.
func (s *Store) start(ctx context.Context, indexes bool) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := s.Ping(ctx); err != nil {
		return err
	}
	if !indexes {
		return nil
	}
	err := s.EnsureIndexes(ctx)
	if errors.Is(err, store.ErrUnsupported) {
		slog.WarnContext(ctx, "session store", "error", err.Error(), "advice", store.Advice(err))
		return nil
	}
	return err
}

// config is what a URL says.
type config struct {
	client     *options.ClientOptions
	database   string
	collection string
	indexes    bool
	options    Options
}

func parseURL(u *url.URL) (c config, err error) {
	if err := storeurl.Check(u); err != nil {
		return c, err
	}
	own, drivers, err := splitQuery(u)
	if err != nil {
		return c, err
	}
	c.database, c.collection = strings.TrimPrefix(u.Path, "/"), "sessions"
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if err := c.set(name, own[name]); err != nil {
			return c, fmt.Errorf("query parameter %s: %w", name, err)
		}
	}
	if c.database == "" {
		c.database = "cloakroom"
		if c.options.Flask {
			c.database = "flask_session"
		}
	}
	plain := *u
	plain.RawQuery, plain.Fragment, plain.RawFragment = drivers, "", ""
	if plain.Path == "" {
		plain.Path = "/"
	}
	c.client = options.Client().ApplyURI(plain.String())
	if err := c.client.Validate(); err != nil {
		return c, err
	}
	if rp := c.client.ReadPreference; rp != nil && rp.Mode() != readpref.PrimaryMode {
		return c, fmt.Errorf("query parameter readPreference: %s may return a session that has ended; leave it out", rp.Mode())
	}
	if wc := c.client.WriteConcern; wc != nil {
		if wc.W == nil {
			wc = &writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: wc.Journal}
		}
		c.options.WriteConcern = wc
	}
	return c, nil
}

func (c *config) set(name, value string) (err error) {
	switch name {
	case "database":
		c.database = value
	case "collection":
		c.collection = value
	case "layout":
		switch value {
		case "native", "flask":
			c.options.Flask = value == "flask"
		default:
			return fmt.Errorf("%q is neither native nor flask", value)
		}
		return nil
	case "ensure_indexes":
		c.indexes, err = strconv.ParseBool(value)
		return err
	}
	if value == "" {
		return errors.New("it is empty")
	}
	return nil
}

// known are the store's own query parameters.
var known = []string{"collection", "database", "ensure_indexes", "layout"}

// splitQuery splits a query into the store's own parameters and the driver's,
// whose order may matter. Those that neither knows are an error.
func splitQuery(u *url.URL) (own map[string]string, drivers string, err error) {
	own = map[string]string{}
	var rest []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if name, err = url.QueryUnescape(name); err != nil {
			return nil, "", errors.New("query: a name is not well escaped")
		}
		if !slices.Contains(known, name) {
			rest = append(rest, part)
			continue
		}
		if own[name], err = url.QueryUnescape(value); err != nil {
			return nil, "", fmt.Errorf("query parameter %s: its value is not well escaped", name)
		}
	}
	drivers = strings.Join(rest, "&")
	// The driver itself passes over what it does not know. Without the options
	// of mongodb+srv: it would ask the DNS at once.
	rest = slices.DeleteFunc(rest, func(part string) bool { return strings.HasPrefix(strings.ToLower(part), "srv") })
	parsed, err := connstring.Parse("mongodb://localhost/?" + strings.Join(rest, "&"))
	if err != nil {
		return nil, "", err
	}
	if unknown := storeurl.Unknown(u, maps.Keys(parsed.UnknownOptions), known); len(unknown) > 0 {
		return nil, "", fmt.Errorf("unknown query parameter %s; known are %s and the options of MongoDB's own URLs",
			strings.Join(unknown, " "), strings.Join(known, ", "))
	}
	return own, drivers, nil
}
