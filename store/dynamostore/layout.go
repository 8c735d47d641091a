package dynamostore

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/cloakroom/cloakroom/store"
)

// The attributes of an item. All but the version are Flask-Session's.
const (
	attrKey     = "id"
	attrData    = "val"
	attrExpires = "expiration"
	attrVersion = "version"
)

// A layout is the shape of the items.
type layout struct {
	versioned bool
}

type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

func binary(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

func byKey(key string) attributes { return attributes{attrKey: text(key)} }

// version is a token as an attribute.
func version(token uint64) types.AttributeValue { return number(strconv.FormatUint(token, 10)) }

// newToken returns a version that no other save has.
func newToken() uint64 {
	for {
		if token := rand.Uint64(); token != 0 {
			return token
		}
	}
}

// wholeSeconds rounds up: a record may live longer than asked, but not shorter.
func wholeSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// moment is t as a number, to the nanosecond.
func moment(t time.Time) types.AttributeValue {
	return number(fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())) // after 1970
}

// seconds reads an expiry, which Python writes with a fraction.
func seconds(s string) (time.Time, bool) {
	if len(s) > 64 {
		return time.Time{}, false // DynamoDB's have 38 digits; big.Rat would read any exponent
	}
	whole, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		return time.Unix(whole, 0).UTC(), true
	}
	f, _, err := big.ParseFloat(s, 10, 128, big.ToNearestEven)
	if err != nil || f.IsInf() || f.MantExp(nil) > 62 {
		return time.Time{}, false
	}
	whole, _ = f.Int64()
	nanos, _ := f.Sub(f, new(big.Float).SetInt64(whole)).Mul(f, big.NewFloat(1e9)).Int64()
	return time.Unix(whole, nanos).UTC(), true
}

// entry reads an item. It does not check whether the record is live.
func (l layout) entry(item attributes) (store.Entry, error) {
	key, ok := item[attrKey].(*types.AttributeValueMemberS)
	if !ok {
		return store.Entry{}, wrongAttribute(attrKey, item)
	}
	data, ok := item[attrData].(*types.AttributeValueMemberB)
	if !ok {
		return store.Entry{}, wrongAttribute(attrData, item)
	}
	e := store.Entry{Key: key.Value, Record: store.Record{Data: data.Value}}
	if data.Value == nil {
		e.Record.Data = []byte{}
	}
	switch v := item[attrExpires].(type) {
	case nil, *types.AttributeValueMemberNULL:
	case *types.AttributeValueMemberN:
		if e.Record.Expires, ok = seconds(v.Value); !ok {
			return store.Entry{}, fmt.Errorf("its attribute %s is out of range", attrExpires)
		}
	default:
		return store.Entry{}, wrongAttribute(attrExpires, item)
	}
	if l.versioned {
		var err error
		v, ok := item[attrVersion].(*types.AttributeValueMemberN)
		if !ok {
			return store.Entry{}, wrongAttribute(attrVersion, item)
		}
		if e.Record.Token, err = strconv.ParseUint(v.Value, 10, 64); err != nil || e.Record.Token == 0 {
			return store.Entry{}, fmt.Errorf("its attribute %s is out of range", attrVersion)
		}
	}
	return e, nil
}

func wrongAttribute(name string, item attributes) error {
	if item[name] == nil {
		return fmt.Errorf("its attribute %s is missing", name)
	}
	return fmt.Errorf("its attribute %s is of another type", name)
}
