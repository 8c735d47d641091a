package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/cloakroom/cloakroom/internal/probe"
	"github.com/cloakroom/cloakroom/store"
)

// A Client is what a store needs of a *dynamodb.Client, which is one.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

var _ Client = (*dynamodb.Client)(nil)

// Options set up a [Store]. The zero value is right for most programs.
type Options struct {
	// Table is the name of the table. Empty means "Sessions", which is also
	// Flask-Session's. Its partition key is the text id, and there is no sort
	// key.
	Table string

	// Flask keeps items as the DynamoDB backend of Flask-Session 0.8 does, so
	// that Python processes share them. Otherwise items have a version of
	// their own, which makes saves smaller and notices a record that was
	// deleted and created again with the same bytes. Items of one layout
	// without a version are an error in the other.
	Flask bool
}

// A Store keeps records as items of one table. It may be used by any number of
// goroutines and processes at the same time.
type Store struct {
	client *hidden
	table  *string
	layout layout
	http   *http.Client // nil if it belongs to the caller
	closed atomic.Bool

	mu      sync.Mutex
	cleaned map[string]types.AttributeValue // where DeleteExpired goes on
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.BatchLoader = (*Store)(nil)
	_ store.Lister      = (*Store)(nil)
	_ store.Cleaner     = (*Store)(nil)
	_ store.Pinger      = (*Store)(nil)
)

// hidden is one more pointer on the way to a client, whose credentials fmt would
// print with a Store.
type hidden struct{ Client }

// New returns a store that keeps its records in a table of client's region. It
// does not ask the server anything; see [Store.EnsureTable] and [Store.Ping].
func New(client Client, o Options) (*Store, error) {
	if client == nil {
		return nil, errors.New("dynamostore: new: the client is nil")
	}
	if o.Table == "" {
		o.Table = "Sessions"
	}
	return &Store{client: &hidden{client}, table: &o.Table, layout: layout{versioned: !o.Flask}}, nil
}

// begin answers a call that must not begin: because of its context, or because
// the store is closed.
func (s *Store) begin(ctx context.Context, op string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("dynamostore: %s: %w", op, context.Cause(ctx))
	}
	if s.closed.Load() {
		return closedError(op)
	}
	return nil
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	const op = "load"
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	if err := s.begin(ctx, op); err != nil {
		return store.Record{}, err
	}
	item, err := s.get(ctx, key)
	if err != nil {
		return store.Record{}, s.fail(ctx, op, err)
	}
	if len(item) == 0 {
		return store.Record{}, notFound(op)
	}
	e, err := s.layout.entry(item)
	if err != nil {
		return store.Record{}, damaged(op, err)
	}
	if !e.Record.Live(time.Now()) {
		return store.Record{}, notFound(op)
	}
	return e.Record, nil
}

func (s *Store) get(ctx context.Context, key string) (map[string]types.AttributeValue, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: s.table, Key: byKey(key), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.begin(ctx, op); err != nil {
		return err
	}
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: s.table, Key: byKey(key)})
	return s.fail(ctx, op, err)
}

// Ping implements [store.Pinger]. It saves, loads, touches and deletes an item
// of its own, so that it also tells whether the program may: five requests,
// which take one read and four write units. An item that it could not delete
// expires after five minutes.
func (s *Store) Ping(ctx context.Context) error {
	return probe.Ping(ctx, "dynamostore", s, probe.Key(), time.Now())
}

// Close makes all later calls answer [store.ErrClosed]. It closes the idle
// connections of a store that was opened by [Open].
func (s *Store) Close() error {
	if !s.closed.Swap(true) && s.http != nil {
		s.http.CloseIdleConnections()
	}
	return nil
}
