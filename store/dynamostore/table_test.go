package dynamostore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/cloakroom/cloakroom/store"
)

// A tableServer plays the part of DynamoDB that is about tables.
type tableServer struct {
	Client // for the rest; nil

	table   *types.TableDescription
	coming  int // how often it will yet say that the table is being created
	ttl     types.TimeToLiveDescription
	noTTL   bool
	created int
	enabled int
	race    bool // somebody else enables time to live just before we do
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code} }

func (f *tableServer) DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	if f.table == nil {
		return nil, apiError("ResourceNotFoundException")
	}
	t := *f.table
	t.TableStatus = types.TableStatusActive
	if f.coming > 0 {
		f.coming--
		t.TableStatus = types.TableStatusCreating
	}
	return &dynamodb.DescribeTableOutput{Table: &t}, nil
}

func (f *tableServer) CreateTable(_ context.Context, in *dynamodb.CreateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	if f.table != nil {
		return nil, apiError("ResourceInUseException")
	}
	f.created++
	f.table = &types.TableDescription{KeySchema: in.KeySchema, AttributeDefinitions: in.AttributeDefinitions}
	return &dynamodb.CreateTableOutput{}, nil
}

func (f *tableServer) DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error) {
	ttl := f.ttl
	return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: &ttl}, nil
}

func (f *tableServer) UpdateTimeToLive(_ context.Context, in *dynamodb.UpdateTimeToLiveInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error) {
	if f.noTTL {
		return nil, apiError("UnknownOperationException")
	}
	was := f.ttl.TimeToLiveStatus
	f.ttl = types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusEnabling, AttributeName: in.TimeToLiveSpecification.AttributeName}
	if f.race || was == types.TimeToLiveStatusEnabled {
		return nil, apiError("ValidationException")
	}
	f.enabled++
	return &dynamodb.UpdateTimeToLiveOutput{}, nil
}

func keyed(name string, kind types.ScalarAttributeType, more ...types.KeySchemaElement) *types.TableDescription {
	return &types.TableDescription{
		KeySchema: append([]types.KeySchemaElement{{AttributeName: &name, KeyType: types.KeyTypeHash}}, more...),
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("other"), AttributeType: types.ScalarAttributeTypeN},
			{AttributeName: &name, AttributeType: kind}},
	}
}

func TestEnsureTable(t *testing.T) {
	ours := keyed("id", types.ScalarAttributeTypeS)
	enabled := types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusEnabled, AttributeName: aws.String("expiration")}
	for name, c := range map[string]struct {
		server           tableServer
		created, enabled int
		is               error
		advice           string
	}{
		"no table":              {tableServer{coming: 20}, 1, 1, nil, ""},
		"somebody creates it":   {tableServer{table: ours, coming: 3}, 0, 1, nil, ""},
		"all there":             {tableServer{table: ours, ttl: enabled}, 0, 0, nil, ""},
		"Flask-Session's 0.8.0": {tableServer{table: ours, ttl: types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusDisabled}}, 0, 1, nil, ""},
		"somebody enables it":   {tableServer{table: ours, race: true}, 0, 0, nil, ""},
		"no time to live":       {tableServer{table: ours, noTTL: true}, 0, 0, store.ErrUnsupported, adviseCleanup},
		"time to live of another attribute": {tableServer{table: ours, ttl: types.TimeToLiveDescription{
			TimeToLiveStatus: types.TimeToLiveStatusEnabled, AttributeName: aws.String("ttl")}}, 0, 0, nil, adviseTTL},
		"another key":  {tableServer{table: keyed("key", types.ScalarAttributeTypeS)}, 0, 0, nil, adviseSchema},
		"a binary key": {tableServer{table: keyed("id", types.ScalarAttributeTypeB)}, 0, 0, nil, adviseSchema},
		"with a sort key": {tableServer{table: keyed("id", types.ScalarAttributeTypeS, types.KeySchemaElement{
			AttributeName: aws.String("other"), KeyType: types.KeyTypeRange})}, 0, 0, nil, adviseSchema},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := c.server
				s, err := New(&f, Options{})
				if err != nil {
					t.Fatal(err)
				}
				err = s.EnsureTable(t.Context())
				if (err == nil) != (c.advice == "") || store.Advice(err) != c.advice || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("EnsureTable = %v with advice %q, want advice %q", err, store.Advice(err), c.advice)
				}
				if f.created != c.created || f.enabled != c.enabled {
					t.Errorf("created %d, enabled %d, want %d and %d", f.created, f.enabled, c.created, c.enabled)
				}
			})
		})
	}
}

func TestEnsureTableEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := tableServer{coming: 1 << 30}
		s, err := New(&f, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), openTimeout)
		defer cancel()
		if err := s.EnsureTable(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("EnsureTable = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

// The stand-in has no time to live, which is no reason not to start.
func TestEnsureTableOnTheServer(t *testing.T) {
	rawURL := fresh(server(t), "native")
	s := open(t, rawURL)
	if err := s.EnsureTable(t.Context()); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("EnsureTable = %v, want ErrUnsupported", err)
	}
	out, err := s.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: s.table})
	if err != nil || out.Table.BillingModeSummary == nil || out.Table.BillingModeSummary.BillingMode != types.BillingModePayPerRequest || !isOurs(out.Table) {
		t.Errorf("the table is not Flask-Session's: %+v, %v", out, err)
	}
	open(t, rawURL+"&table_exists=true")
}
