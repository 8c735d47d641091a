package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/cloakroom/cloakroom/store"
)

// MaxSize is the size of the largest record in bytes: DynamoDB's limit is
// 400 KiB for an item, with the names and the key.
const MaxSize = 400<<10 - 512

// Save implements [store.Store]. It is one request.
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	const op = "save"
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	if len(next.Data) > MaxSize {
		return store.Record{}, fmt.Errorf("dynamostore: %s: %w", op, store.TooLarge(len(next.Data), MaxSize))
	}
	if err := s.begin(ctx, op); err != nil {
		return store.Record{}, err
	}
	now := time.Now()
	if !next.Live(now) {
		return store.Record{}, s.drop(ctx, key, prev, now)
	}
	next = s.layout.asStored(next)
	var err error
	if prev.Exists() {
		err = s.replace(ctx, key, prev, next, now)
	} else {
		err = s.create(ctx, key, next, now)
	}
	if isConditionFailed(err) {
		return store.Record{}, conflict()
	}
	if err != nil {
		return store.Record{}, s.fail(ctx, op, err)
	}
	return next, nil
}

// asStored is the record as it will be read again.
func (l layout) asStored(next store.Record) store.Record {
	next.Token = 0
	if l.versioned {
		next.Token = newToken()
	}
	if !next.Expires.IsZero() {
		next.Expires = time.Unix(wholeSeconds(next.Expires), 0).UTC()
	}
	return next
}

// attributes are those of the record of key.
func (l layout) attributes(key string, r store.Record) attributes {
	a := attributes{attrKey: text(key), attrData: binary(r.Data)}
	if !r.Expires.IsZero() {
		a[attrExpires] = number(strconv.FormatInt(r.Expires.Unix(), 10))
	}
	if l.versioned {
		a[attrVersion] = version(r.Token)
	}
	return a
}

// The names in the expressions below; some attributes are reserved words.
const (
	isLive    = "(attribute_not_exists(#e) OR #e > :now)"
	isExpired = "#e <= :now"
)

// create puts an item where there is none, or an expired one.
func (s *Store) create(ctx context.Context, key string, next store.Record, now time.Time) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 s.table,
		Item:                      s.layout.attributes(key, next),
		ConditionExpression:       aws.String("attribute_not_exists(#k) OR " + isExpired),
		ExpressionAttributeNames:  map[string]string{"#k": attrKey, "#e": attrExpires},
		ExpressionAttributeValues: attributes{":now": moment(now)},
	}, once)
	return err
}

// replace changes an item that is still prev, and leaves alone what other
// attributes it may have.
func (s *Store) replace(ctx context.Context, key string, prev, next store.Record, now time.Time) error {
	condition, names, values := s.layout.isPrev(prev, now)
	names["#d"], values[":d"] = attrData, binary(next.Data)
	set, remove := "SET #d = :d", ""
	if next.Expires.IsZero() {
		remove = " REMOVE #e"
	} else {
		set += ", #e = :e"
		values[":e"] = number(strconv.FormatInt(next.Expires.Unix(), 10))
	}
	if s.layout.versioned {
		set += ", #v = :v"
		values[":v"] = version(next.Token)
	}
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: byKey(key),
		UpdateExpression:    aws.String(set + remove),
		ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}, once)
	return err
}

// isPrev is the condition that an item is still prev and live.
func (l layout) isPrev(prev store.Record, now time.Time) (condition string, names map[string]string, values attributes) {
	names, values = map[string]string{"#e": attrExpires}, attributes{":now": moment(now)}
	if l.versioned {
		names["#v"], values[":prev"] = attrVersion, version(prev.Token)
		return "#v = :prev AND " + isLive, names, values
	}
	names["#d"], values[":prev"] = attrData, binary(prev.Data)
	return "#d = :prev AND " + isLive, names, values
}

// drop deletes the record if it is still prev. A zero prev stands for none,
// which only has to be so.
func (s *Store) drop(ctx context.Context, key string, prev store.Record, now time.Time) error {
	if !prev.Exists() {
		_, err := s.Load(ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return conflict()
	}
	condition, names, values := s.layout.isPrev(prev, now)
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: s.table, Key: byKey(key),
		ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}, once)
	if isConditionFailed(err) {
		return conflict()
	}
	return s.fail(ctx, "save", err)
}

// Touch implements [store.Store]. It is one request, unless there is nothing
// to do.
func (s *Store) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	const op = "touch"
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.begin(ctx, op); err != nil {
		return err
	}
	in := &dynamodb.UpdateItemInput{
		TableName: s.table, Key: byKey(key),
		UpdateExpression:          aws.String("REMOVE #e"),
		ConditionExpression:       aws.String("#e > :now"),
		ExpressionAttributeNames:  map[string]string{"#e": attrExpires},
		ExpressionAttributeValues: attributes{":now": moment(time.Now())},
	}
	if !expires.IsZero() {
		in.UpdateExpression = aws.String("SET #e = :e")
		in.ConditionExpression = aws.String("#e > :now AND #e < :e")
		in.ExpressionAttributeValues[":e"] = number(strconv.FormatInt(wholeSeconds(expires), 10))
	}
	_, err := s.client.UpdateItem(ctx, in)
	if !isConditionFailed(err) {
		return s.fail(ctx, op, err)
	}
	// There is none, or it lives longer already.
	_, err = s.Load(ctx, key)
	return err
}
