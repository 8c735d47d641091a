package redisproto

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// loadStep is for how many keys a server is asked in one go: so many that the
// round trip hardly counts, and so few that other calls on the connection, and
// other users of the server, hardly wait.
const loadStep = 256

// LoadAll implements store.BatchLoader, in one round trip to each server for
// 256 keys.
func (s *Store) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	const op = "load all"
	for _, key := range keys {
		if err := store.CheckKey(key); err != nil {
			return nil, s.errorf(op, err)
		}
	}
	if err := s.Ready(ctx, op); err != nil {
		return nil, err
	}
	records := make([]store.Record, 0, len(keys))
	for piece := range slices.Chunk(keys, loadStep) {
		if err := s.Ready(ctx, op); err != nil {
			return nil, err
		}
		answers, then := s.findAll(ctx, piece)
		for _, a := range answers {
			if a.Err != nil {
				return nil, s.Fail(ctx, op, a.Err)
			}
			r, err := s.Record(a.Found, then)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			records = append(records, r)
		}
	}
	return records, nil
}

// findAll asks for all of keys in one go, and returns the answers with the time
// at which they came.
func (s *Store) findAll(ctx context.Context, keys []string) ([]Answer, time.Time) {
	commands := make([]Command, len(keys))
	for i, key := range keys {
		commands[i] = findCommand(s.o.Prefix + key)
	}
	answers := s.d.FindAll(ctx, commands)
	// Of the servers of a cluster some may lack the script.
	var places []int
	commands = commands[:0]
	for i, a := range answers {
		if s.unknownScript(a.Err) {
			places = append(places, i)
			commands = append(commands, Command{Words: find.byText, Key: s.o.Prefix + keys[i], Repeatable: true})
		}
	}
	if len(commands) > 0 {
		for i, a := range s.d.FindAll(ctx, commands) {
			answers[places[i]] = a
		}
	}
	return answers, time.Now()
}
