package dynamostore

import (
	"context"
	"errors"
	"net"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
)

// once lets the SDK send a request again only if it certainly had no effect:
// a conditional change that is sent again after it took effect fails.
func once(o *dynamodb.Options) {
	if o.Retryer != nil {
		o.Retryer = onceRetryer{o.Retryer}
	}
}

type onceRetryer struct{ aws.Retryer }

var _ aws.RetryerV2 = onceRetryer{}

func (r onceRetryer) IsErrorRetryable(err error) bool {
	return hadNoEffect(err) && r.Retryer.IsErrorRetryable(err)
}

func (r onceRetryer) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if v2, ok := r.Retryer.(aws.RetryerV2); ok {
		return v2.GetAttemptToken(ctx)
	}
	return r.Retryer.GetInitialToken(), nil
}

// hadNoEffect reports whether err says that the server turned the request away
// or was not even reached.
func hadNoEffect(err error) bool {
	if isThrottled(err) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func isThrottled(err error) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	_, ok = retry.DefaultThrottleErrorCodes[e.ErrorCode()]
	return ok
}
