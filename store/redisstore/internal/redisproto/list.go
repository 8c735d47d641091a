package redisproto

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// listStep is how many keys a server is asked for at a time, and how many
// records are held in memory at most.
const listStep = 128

// errStopped says that the caller of a walk wants no more.
var errStopped = errors.New("stopped")

// List implements store.Lister by SCAN on every master. Values of another
// type, or under a key that no store would use, are passed over.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if err := s.walk(ctx, prefix, yield); err != nil && err != errStopped {
			yield(store.Entry{}, err)
		}
	}
}

func (s *Store) walk(ctx context.Context, prefix string, yield func(store.Entry, error) bool) error {
	const op = "list"
	if err := s.Ready(ctx, op); err != nil {
		return err
	}
	masters, err := s.d.Masters(ctx)
	if err != nil {
		return s.Fail(ctx, op, err)
	}
	prefix = s.o.Prefix + prefix
	match := literal(prefix) + "*"
	for _, m := range masters {
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			if err := s.Ready(ctx, op); err != nil {
				return err
			}
			var keys []string
			keys, cursor, err = m.Scan(ctx, cursor, match, listStep)
			if err != nil {
				return s.Fail(ctx, op, err)
			}
			if err := s.entries(ctx, prefix, keys, yield); err != nil {
				return err
			}
		}
	}
	return s.Ready(ctx, op)
}

// entries yields the live records among keys.
func (s *Store) entries(ctx context.Context, prefix string, keys []string, yield func(store.Entry, error) bool) error {
	const op = "list"
	commands := make([]Command, 0, listStep)
	for len(keys) > 0 {
		commands = commands[:0]
		for len(keys) > 0 && len(commands) < listStep {
			// A server that takes the pattern otherwise must not matter.
			if key := keys[0]; strings.HasPrefix(key, prefix) && store.CheckKey(key[len(s.o.Prefix):]) == nil {
				commands = append(commands, findCommand(key))
			}
			keys = keys[1:]
		}
		if len(commands) == 0 {
			return nil
		}
		answers := s.d.FindAll(ctx, commands)
		then := time.Now()
		for i, a := range answers {
			if err := s.Ready(ctx, op); err != nil {
				return err
			}
			r, err := s.listed(ctx, commands[i].Key, a, then)
			if err != nil {
				return s.Fail(ctx, op, err)
			}
			if r.Live(time.Now()) && !yield(store.Entry{Key: commands[i].Key[len(s.o.Prefix):], Record: r}, nil) {
				return errStopped
			}
		}
	}
	return nil
}

// listed is the record of an answer, or the zero Record if it is not one.
func (s *Store) listed(ctx context.Context, key string, a Answer, then time.Time) (store.Record, error) {
	if s.unknownScript(a.Err) {
		a.Found, a.Err = s.find(ctx, key)
		then = time.Now()
	}
	if a.Err != nil {
		if message, ok := s.d.ServerError(a.Err); ok && hasCode(message, "WRONGTYPE") {
			return store.Record{}, nil
		}
		return store.Record{}, a.Err
	}
	r, err := s.Record(a.Found, then)
	if err != nil {
		return store.Record{}, nil // gone meanwhile, or not a session's
	}
	return r, nil
}

// literal escapes what has a meaning in a pattern of SCAN.
func literal(prefix string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(prefix)
}
