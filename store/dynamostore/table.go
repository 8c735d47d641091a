package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/cloakroom/cloakroom/store"
)

// EnsureTable creates the table where there is none, billed by request as
// Flask-Session's, and waits until it can be used, which may take half a
// minute. It checks the key of a table that exists, and switches on that
// DynamoDB removes expired items by itself. It may be called by many processes
// at once.
//
// Where the server cannot remove items by itself the error matches
// [store.ErrUnsupported], and all else is done: expired items are not returned
// all the same, but stay until [Store.DeleteExpired] is called.
func (s *Store) EnsureTable(ctx context.Context) error {
	const op = "ensure table"
	if err := s.begin(ctx, op); err != nil {
		return err
	}
	table, err := s.describe(ctx)
	if hasCode(err, "ResourceNotFoundException") {
		if err := s.createTable(ctx); err != nil {
			return s.fail(ctx, op, err)
		}
		table, err = s.describe(ctx)
	}
	const shortest, longest = 10 * time.Millisecond, time.Second
	for wait := shortest; isComing(table, err); wait = min(2*wait, longest) {
		if err := pause(ctx, wait); err != nil {
			return s.fail(ctx, op, fmt.Errorf("the table is still being created: %w", err))
		}
		table, err = s.describe(ctx)
	}
	if err != nil {
		return s.fail(ctx, op, err)
	}
	if !isOurs(table) {
		return store.WithAdvice(fmt.Errorf("dynamostore: %s: the table has another key", op), adviseSchema)
	}
	return s.ensureTTL(ctx, op)
}

func (s *Store) describe(ctx context.Context) (*types.TableDescription, error) {
	out, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: s.table})
	if err != nil {
		return nil, err
	}
	if out.Table == nil {
		return nil, errors.New("the server describes no table")
	}
	return out.Table, nil
}

// isComing reports whether a table that has been created is not there yet.
func isComing(t *types.TableDescription, err error) bool {
	return err == nil && t.TableStatus == types.TableStatusCreating || hasCode(err, "ResourceNotFoundException")
}

func (s *Store) createTable(ctx context.Context) error {
	_, err := s.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            s.table,
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String(attrKey), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(attrKey), AttributeType: types.ScalarAttributeTypeS}},
	})
	if hasCode(err, "ResourceInUseException") {
		return nil // somebody else creates it
	}
	return err
}

// isOurs reports whether the key of a table is the text id alone.
func isOurs(t *types.TableDescription) bool {
	if len(t.KeySchema) != 1 || aws.ToString(t.KeySchema[0].AttributeName) != attrKey {
		return false
	}
	for _, a := range t.AttributeDefinitions {
		if aws.ToString(a.AttributeName) == attrKey {
			return a.AttributeType == types.ScalarAttributeTypeS
		}
	}
	return false
}

// ensureTTL makes the server remove expired items.
func (s *Store) ensureTTL(ctx context.Context, op string) error {
	on, err := s.hasTTL(ctx, op)
	if on || err != nil {
		return err
	}
	_, err = s.client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               s.table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(attrExpires), Enabled: aws.Bool(true)},
	})
	switch {
	case hasCode(err, "UnknownOperationException"):
		return store.WithAdvice(
			fmt.Errorf("dynamostore: %s: %w: the server cannot remove items by itself", op, store.ErrUnsupported), adviseCleanup)
	case hasCode(err, "ValidationException"):
		// Somebody else may have been faster.
		if on, checkErr := s.hasTTL(ctx, op); on || checkErr != nil {
			return checkErr
		}
	}
	return s.fail(ctx, op, err)
}

// hasTTL reports whether the server removes expired items. That it goes by
// another attribute is an error.
func (s *Store) hasTTL(ctx context.Context, op string) (bool, error) {
	out, err := s.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: s.table})
	if err != nil {
		return false, s.fail(ctx, op, err)
	}
	d := out.TimeToLiveDescription
	if d == nil || d.TimeToLiveStatus != types.TimeToLiveStatusEnabled && d.TimeToLiveStatus != types.TimeToLiveStatusEnabling {
		return false, nil
	}
	if aws.ToString(d.AttributeName) != attrExpires {
		return false, store.WithAdvice(fmt.Errorf("dynamostore: %s: the table's time to live goes by another attribute", op), adviseTTL)
	}
	return true, nil
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
