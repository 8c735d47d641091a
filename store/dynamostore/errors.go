package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/cloakroom/cloakroom/store"
)

// Advice, by what it is about.
const (
	adviseTable       = "Create the table: open the store without table_exists, or call EnsureTable; and check its name, the region and the account."
	adviseSchema      = "The table needs the partition key id of type S (text), and no sort key: use another table, or let EnsureTable create one."
	adviseDenied      = "Allow the program's role dynamodb:GetItem, BatchGetItem, PutItem, UpdateItem, DeleteItem and Scan on the table; and DescribeTable, CreateTable, DescribeTimeToLive and UpdateTimeToLive, or open the store with table_exists=true."
	adviseCredentials = "Check the AWS credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine's role), and the machine's clock, on which signatures depend."
	adviseThrottled   = "DynamoDB throttles the table: raise its capacity, or switch it to on-demand."
	adviseUnreachable = "Check that the endpoint of DynamoDB can be reached from here (network, proxy, VPC endpoint, region)."
	adviseRegion      = "Set the region, with AWS_REGION or as region= in the URL."
	adviseTTL         = "Switch time to live of the table to the attribute expiration; as it is, sessions end too early or stay for ever."
	adviseCleanup     = "Run \"cloakroom cleanup\" from time to time, or call DeleteExpired: expired sessions are never returned, but their items stay."
)

// advice tells the operator what to do about an error of the server.
var advice = map[string]string{
	"ResourceNotFoundException":           adviseTable,
	"ValidationException":                 adviseSchema,
	"AccessDeniedException":               adviseDenied,
	"UnrecognizedClientException":         adviseCredentials,
	"InvalidSignatureException":           adviseCredentials,
	"IncompleteSignatureException":        adviseCredentials,
	"SignatureDoesNotMatch":               adviseCredentials,
	"MissingAuthenticationTokenException": adviseCredentials,
	"MissingAuthenticationToken":          adviseCredentials,
	"ExpiredTokenException":               adviseCredentials,
	"InvalidClientTokenId":                adviseCredentials,
	"NotAuthorized":                       adviseDenied,
}

func isConditionFailed(err error) bool {
	_, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	return ok
}

func hasCode(err error, code string) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	return ok && e.ErrorCode() == code
}

// isTooLarge tells one kind of ValidationException from the others.
func isTooLarge(err error) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	return ok && e.ErrorCode() == "ValidationException" && strings.HasPrefix(e.ErrorMessage(), "Item size")
}

// fail is the error of an operation, nil if err is nil.
func (s *Store) fail(ctx context.Context, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.closed.Load():
		return closedError(op)
	case isTooLarge(err):
		return store.WithAdvice(fmt.Errorf("dynamostore: %s: %w", op, store.ErrTooLarge), store.AdviseTooLarge)
	}
	text, advice := redact(err), adviceFor(err)
	if ctx.Err() != nil {
		// The server may well be the reason.
		err = fmt.Errorf("dynamostore: %s: %w (%s)", op, context.Cause(ctx), text)
	} else {
		err = fmt.Errorf("dynamostore: %s: %s", op, text)
	}
	return store.WithAdvice(err, advice)
}

// redact is the text of an error without what the server says in its own
// words, which may quote a request. What it says when it denies one names the
// user, the action and the table, which the operator needs.
func redact(err error) string {
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err.Error()
	}
	if e.ErrorCode() == "AccessDeniedException" {
		return "server error AccessDeniedException: " + e.ErrorMessage()
	}
	return "server error " + e.ErrorCode()
}

func adviceFor(err error) string {
	if isThrottled(err) {
		return adviseThrottled
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return advice[e.ErrorCode()]
	}
	switch text := err.Error(); {
	case strings.Contains(text, "Missing Region") || strings.Contains(text, "Invalid Configuration: Missing Region"):
		return adviseRegion
	case strings.Contains(text, "credentials"):
		return adviseCredentials
	}
	return adviseUnreachable
}

func closedError(op string) error { return fmt.Errorf("dynamostore: %s: %w", op, store.ErrClosed) }

func notFound(op string) error { return fmt.Errorf("dynamostore: %s: %w", op, store.ErrNotFound) }

func conflict() error { return fmt.Errorf("dynamostore: save: %w", store.ErrConflict) }

func damaged(op string, err error) error {
	return store.WithAdvice(fmt.Errorf("dynamostore: %s: the item is not a session's: %w", op, err),
		"Check that the table holds sessions alone, and in the layout that was asked for (native or Flask's).")
}
