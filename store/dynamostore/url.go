package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

const (
	openTimeout = time.Minute // DynamoDB takes a while to create a table
	dialTimeout = 5 * time.Second

	// idlePerHost is how many idle connections are kept: there is one host.
	idlePerHost = 100
)

// Open opens the table that a URL describes, creates it where there is none,
// and checks that it can be used:
//
//	dynamodb://Sessions?region=eu-central-1
//	dynamodb://Sessions?endpoint=http://localhost:8000&region=local
//	dynamodb://key:secret@Sessions?region=eu-central-1
//
// The table is "Sessions" if none is named. The query may set
//
//	region        else it is that of the environment or profile
//	endpoint      the URL of another server than Amazon's for the region
//	layout        "native", or "flask" for Flask-Session's
//	table_exists  "true" leaves out [Store.EnsureTable], and needs fewer rights
//
// Credentials come from where the AWS SDK looks for them (environment, shared
// configuration, role of the machine), unless the URL has an access key and
// its secret as user and password, with special characters as %XX.
func Open(ctx context.Context, u *url.URL) (store.Store, error) {
	s, err := fromURL(ctx, u)
	if err != nil {
		return nil, storeurl.Guard("dynamostore: open", u, err)
	}
	return s, nil
}

// Openers returns Open under each scheme that it knows: dynamodb.
func Openers() store.Openers { return store.Openers{"dynamodb": Open} }

func fromURL(ctx context.Context, u *url.URL) (*Store, error) {
	const op = "open"
	if ctx.Err() != nil {
		return nil, fmt.Errorf("dynamostore: %s: %w", op, context.Cause(ctx))
	}
	o, err := parseURL(u)
	if err != nil {
		return nil, fmt.Errorf("dynamostore: %s: %w", op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	s, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx, o.exists); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// start tells what is wrong now rather than at the first request.
func (s *Store) start(ctx context.Context, exists bool) error {
	if !exists {
		err := s.EnsureTable(ctx)
		if errors.Is(err, store.ErrUnsupported) {
			slog.WarnContext(ctx, "session store", "error", err.Error(), "advice", store.Advice(err))
		} else if err != nil {
			return err
		}
	}
	return s.Ping(ctx)
}

// opened is what a URL says.
type opened struct {
	Options
	region, endpoint string
	exists           bool
	credentials      aws.CredentialsProvider // nil for the SDK's own ways
}

// connect returns a store with a client of its own. It does not dial yet.
func (o *opened) connect(ctx context.Context) (*Store, error) {
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = idlePerHost }))}
	if o.region != "" {
		load = append(load, config.WithRegion(o.region))
	}
	if o.credentials != nil {
		load = append(load, config.WithCredentialsProvider(o.credentials))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, store.WithAdvice(fmt.Errorf("dynamostore: open: %w", err), adviseCredentials)
	}
	if cfg.Region == "" {
		return nil, store.WithAdvice(errors.New("dynamostore: open: there is no region"), adviseRegion)
	}
	var client *http.Client
	if b, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		// The same, but that Close can close its idle connections.
		client = &http.Client{Transport: b.GetTransport(), CheckRedirect: noRedirect}
		cfg.HTTPClient = client
	}
	s, err := New(dynamodb.NewFromConfig(cfg, func(d *dynamodb.Options) {
		if o.endpoint != "" {
			d.BaseEndpoint = &o.endpoint
		}
	}), o.Options)
	if err != nil {
		return nil, err
	}
	s.http = client
	return s, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func parseURL(u *url.URL) (o *opened, err error) {
	if err := storeurl.Check(u); err != nil {
		return nil, err
	}
	if (u.Path != "" && u.Path != "/") || u.Opaque != "" || u.Port() != "" {
		return nil, errors.New("write dynamodb://table, and the server's address as endpoint=")
	}
	o = &opened{Options: Options{Table: u.Host}}
	if u.User != nil {
		secret, _ := u.User.Password()
		if u.User.Username() == "" || secret == "" {
			return nil, errors.New("user and password of the URL are an access key and its secret: both, or neither")
		}
		o.credentials = credentials.NewStaticCredentialsProvider(u.User.Username(), secret, "")
	}
	query, err := storeurl.Query(u)
	if err != nil {
		return nil, err
	}
	known := []string{"endpoint", "layout", "region", "table_exists"}
	if unknown := storeurl.Unknown(u, maps.Keys(query), known); len(unknown) > 0 {
		return nil, fmt.Errorf("unknown query parameter %s; known are %s", strings.Join(unknown, ", "), strings.Join(known, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		if err := o.set(name, values[len(values)-1]); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *opened) set(name, value string) error {
	var err error
	switch name {
	case "region":
		o.region = value
	case "endpoint":
		o.endpoint = value
		e, parseErr := url.Parse(value)
		if parseErr != nil || (e.Scheme != "http" && e.Scheme != "https") || e.Host == "" || e.User != nil {
			err = storeurl.Mistake("it is no URL as http://host:port")
		}
	case "layout":
		if o.Flask = value == "flask"; !o.Flask && value != "native" {
			err = fmt.Errorf("%q is neither native nor flask", value)
		}
	case "table_exists":
		o.exists, err = strconv.ParseBool(value)
	}
	if err == nil && value == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return fmt.Errorf("query parameter %s: %w", name, err)
	}
	return nil
}
