package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/cloakroom/cloakroom/store"
)

// Error codes of MongoDB.
const (
	codeUnauthorized          = 13
	codeAuthenticationFailed  = 18
	codeIllegalOperation      = 20
	codeCursorNotFound        = 43
	codeCommandNotFound       = 59
	codeIndexOptionsConflict  = 85
	codeIndexKeySpecsConflict = 86
	codeUnsatisfiableWrite    = 100
	codeCommandNotSupported   = 115
	codeNotImplemented        = 238
	codeNoRetryableWrites     = 301 // Amazon DocumentDB's
	codeAtlasError            = 8000
	codeTooLarge              = 10334
	codeOutOfDiskSpace        = 14031
	codeTooManyRequests       = 16500 // Azure Cosmos DB's
	codeUpdatedTooLarge       = 17419
	codeUpsertedTooLarge      = 17420
)

// Advice, for more than one error each.
const (
	adviseUnreachable = "Check that MongoDB runs and has a primary, and that the hosts, ports, TLS settings and firewall between it and this program are right."
	advisePassword    = "Check user name and password in the URL (special characters as %XX), and authSource, the database that knows the user."
	adviseCleanup     = "Run \"cloakroom cleanup\" from time to time, or call DeleteExpired: expired sessions are never returned, but their documents stay."
)

// advice tells the operator what to do about an error of the server.
var advice = map[int]string{
	codeAuthenticationFailed:  advisePassword,
	codeAtlasError:            advisePassword,
	codeUnauthorized:          "Grant the user find, insert, update and remove on the collection (the role readWrite), and createIndex for EnsureIndexes; check user name and database in the URL.",
	codeIllegalOperation:      "Add retryWrites=false to the URL: this server has no retryable writes.",
	codeNoRetryableWrites:     "Add retryWrites=false to the URL: this server has no retryable writes.",
	codeIndexOptionsConflict:  "There is another index on the same field; drop it, or change it with collMod.",
	codeIndexKeySpecsConflict: "There is another index of the same name; drop it.",
	codeUnsatisfiableWrite:    "The replica set has fewer members than the write concern (w=) asks for.",
	codeOutOfDiskSpace:        "Free space on the database server's disk; stored sessions are intact.",
	codeTooManyRequests:       "The server is at its limit of requests: raise its throughput.",
}

// hasCode reports whether err is an error of the server with one of the codes.
func hasCode(err error, codes ...int) bool {
	e, ok := errors.AsType[mongo.ServerError](err)
	return ok && slices.ContainsFunc(codes, e.HasErrorCode)
}

// fail is the error of an operation, nil if err is nil.
func (s *Store) fail(ctx context.Context, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.closed.Load() || errors.Is(err, mongo.ErrClientDisconnected):
		return closedError(op)
	case hasCode(err, codeTooLarge, codeUpdatedTooLarge, codeUpsertedTooLarge):
		return store.WithAdvice(fmt.Errorf("mongostore: %s: %w (%s)", op, store.ErrTooLarge, redact(err)), store.AdviseTooLarge)
	}
	text := redact(err)
	if cause := ended(ctx); cause != nil {
		// The server may well be the reason.
		return advised(fmt.Errorf("mongostore: %s: %w (%s)", op, cause, text), err)
	}
	return advised(fmt.Errorf("mongostore: %s: %s", op, text), err)
}

// ended returns why ctx has ended, or nil. A connection's deadline may come a
// moment before the context's, although they are the same.
func ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// redact is the text of an error without what the server says in its own
// words: it quotes the whole command, with key and data, when it denies one.
func redact(err error) string {
	if e, ok := errors.AsType[mongo.WriteException](err); ok {
		if len(e.WriteErrors) > 0 {
			return fmt.Sprintf("server error %d", e.WriteErrors[0].Code)
		}
		if e.WriteConcernError != nil {
			return serverError(e.WriteConcernError.Code, e.WriteConcernError.Name)
		}
	}
	if e, ok := errors.AsType[mongo.CommandError](err); ok && e.Code != 0 {
		return serverError(int(e.Code), e.Name)
	}
	if _, ok := errors.AsType[mongo.ServerError](err); ok && !fromNetwork(err) {
		return "server error"
	}
	return err.Error()
}

func serverError(code int, name string) string {
	if name == "" {
		return fmt.Sprintf("server error %d", code)
	}
	return fmt.Sprintf("server error %d, %s", code, name)
}

// fromNetwork reports whether err says that there was no answer. Two kinds are
// known by their text alone: that no server could be found, and that another
// call's connection broke.
func fromNetwork(err error) bool {
	text := err.Error()
	return mongo.IsNetworkError(err) || mongo.IsTimeout(err) || strings.HasPrefix(text, "server selection error") ||
		strings.HasPrefix(text, "connection pool for ")
}

// advised adds what to do about cause.
func advised(err, cause error) error {
	for code, text := range advice {
		if hasCode(cause, code) {
			return store.WithAdvice(err, text)
		}
	}
	if fromNetwork(cause) {
		return store.WithAdvice(err, adviseUnreachable)
	}
	return err
}

func closedError(op string) error { return fmt.Errorf("mongostore: %s: %w", op, store.ErrClosed) }

func notFound(op string) error { return fmt.Errorf("mongostore: %s: %w", op, store.ErrNotFound) }

func conflict() error { return fmt.Errorf("mongostore: save: %w", store.ErrConflict) }

func damaged(op string, err error) error {
	return store.WithAdvice(fmt.Errorf("mongostore: %s: the document is not a session's: %w", op, err),
		"Check that the collection holds sessions alone, and in the layout that was asked for (native or Flask's).")
}

func collated(op string) error {
	return store.WithAdvice(fmt.Errorf("mongostore: %s: the collection does not tell keys apart", op),
		"Create the collection again without a collation: its own ignores case.")
}

func duplicates(op string) error {
	return store.WithAdvice(fmt.Errorf("mongostore: %s: there are sessions with more than one document", op),
		"Delete the documents that have the same id as another one; their visitors have to log in again.")
}
