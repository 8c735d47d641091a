// Package redisproto is what the stores on Redis have in common, whichever
// client library they use: the commands and scripts, and what their answers
// mean. A client library is a [Driver].
//
// A record is a plain string, its data, with a time to live, and nothing else,
// as Flask-Session keeps it, too. Versions of a record are told apart by their
// data.
package redisproto

import (
	"context"
	"errors"
	"time"
)

// A Driver runs commands by a client library. Its methods may be called by any
// number of goroutines. They never repeat a command that may have been carried
// out already unless it is marked as repeatable: a Save that is repeated would
// meet its own change and take it for somebody else's. They return soon after
// ctx has ended.
type Driver interface {
	// Int returns the reply as a number: that of an integer, 0 for nil, and 1
	// for a status such as OK.
	Int(ctx context.Context, c Command) (int64, error)

	// Find runs the script that looks for a record.
	Find(ctx context.Context, c Command) (Found, error)

	// FindAll runs many such commands in one go, and returns an answer for each.
	FindAll(ctx context.Context, cs []Command) []Answer

	// Masters returns the servers that share the records among themselves.
	Masters(ctx context.Context) ([]Scanner, error)

	// ServerError returns the text of an error that the server answered with, or
	// false if it did not answer.
	ServerError(err error) (text string, ok bool)
}

// A Scanner runs SCAN on one server.
type Scanner interface {
	Scan(ctx context.Context, cursor uint64, match string, count int64) (keys []string, next uint64, err error)
}

// A Command is a command for one key.
type Command struct {
	Words      []string // before the key; shared between calls
	Key        string
	Args       []string // after the key; may alias data, so they must not change
	Repeatable bool     // may be sent again if no answer came

	// Replicas is how many replicas must have what the command has changed
	// before its reply counts; with fewer the answer is ErrReplicas. It is
	// asked for by WAIT, sent behind the command on the same connection.
	Replicas int
}

// ReplicaTimeout is how long replicas may take to receive a change.
const ReplicaTimeout = time.Second

// ErrReplicas says that a change is on the master alone, and may be lost with
// it.
var ErrReplicas = errors.New("too few replicas have the change")

// Found is what a server has for a key.
type Found struct {
	Exists bool
	Data   []byte
	TTL    int64 // in milliseconds; negative if the record never expires
}

// An Answer is what came back for one of many commands.
type Answer struct {
	Found Found
	Err   error
}
