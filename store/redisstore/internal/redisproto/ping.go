package redisproto

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/internal/probe"
	"github.com/cloakroom/cloakroom/store"
)

// pingPrefixes come before the key of a Ping, in the order in which they are
// tried. The second one is for a user who may touch the sessions alone: it is
// where the manager, and Flask-Session, put them unless told otherwise.
var pingPrefixes = []string{"", "session:"}

// Ping implements store.Pinger: it does what sessions do, with a key of its own.
//
// A user who may touch no such key gets errors by which to tell that the
// commands are allowed at least. See pingWithoutKey.
func (s *Store) Ping(ctx context.Context) error {
	for i := s.pingFrom.Load(); int(i) < len(pingPrefixes); i++ {
		err := probe.Ping(ctx, s.o.Name, s, pingPrefixes[i]+probe.Key(), time.Now())
		if !deniedKey(err) {
			return err
		}
		s.pingFrom.Store(i + 1) // each denial is a line in the server's ACL LOG
	}
	return s.pingWithoutKey(ctx)
}

// wordsCheck are a script that may write and does not, which a server refuses
// that takes no changes at present, from Redis 7 on. Older ones do not
// understand the first line.
var wordsCheck = []string{"EVAL", "#!lua\nreturn 1", "0"}

// pingWithoutKey is Ping for a user who may only touch keys that the store does
// not know. The server looks whether the command is allowed before it looks at
// the key.
func (s *Store) pingWithoutKey(ctx context.Context) error {
	const op = "ping"
	if err := s.Ready(ctx, op); err != nil {
		return err
	}
	for _, err := range s.denials(ctx) {
		if err != nil && !deniedKey(err) {
			return probe.Failed(s.o.Name, err)
		}
	}
	_, err := s.d.Int(ctx, Command{Words: wordsCheck, Repeatable: true})
	if message, ok := s.d.ServerError(err); ok && unspecific(message) {
		return nil
	}
	return s.Fail(ctx, op, err)
}

// denials are the answers to what sessions do, for a key that is denied.
func (s *Store) denials(ctx context.Context) []error {
	key, r := probe.Key(), store.Record{Data: []byte("ping")}
	_, load := s.Load(ctx, key)
	_, create := s.Save(ctx, key, store.Record{}, r)
	_, replace := s.Save(ctx, key, r, r)
	return []error{load, create, replace, s.Touch(ctx, key, r, r.Expires), s.Delete(ctx, key)}
}

// deniedKey reports whether the server has refused a key, rather than a command.
func deniedKey(err error) bool {
	e, ok := errors.AsType[*serverError](err)
	return ok && DeniesKey(e.text)
}

// DeniesKey reports whether a server's message says that the user may run the
// command, but not for this key.
func DeniesKey(message string) bool {
	return hasCode(message, "NOPERM") && strings.Contains(message, "key") && !strings.Contains(message, " to run the '")
}
