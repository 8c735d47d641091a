package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/internal/probe"
	"github.com/cloakroom/cloakroom/store"
)

var errReadOnly = errors.New("the server is read-only")

// Ping implements [store.Pinger]. It looks for what [Open] looks for. Then it
// saves, loads, touches and deletes a row of its own by the statements that
// sessions use, so that it also tells whether the user may: six statements in
// all, four of them changes. In the layout FlaskSQLAlchemy each Ping takes a
// number of the column id, as a new session does. A row that it could not
// delete expires after five minutes.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.inspect(ctx, "ping"); err != nil {
		return err
	}
	return probe.Ping(ctx, "sqlstore", s, probe.Key(), time.Now())
}

// inspect changes nothing. It finds a table that is missing or lacks a column,
// and a server that takes no changes, or would take them only from a user with
// more rights than most.
func (s *Store) inspect(ctx context.Context, op string) error {
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	var only bool
	var none int
	if err := s.row(ctx, &s.sql.ping, &params{}, &only, &none); err != nil {
		return s.fail(ctx, op, "", err)
	}
	if only {
		return store.WithAdvice(s.fail(ctx, op, "", errReadOnly), readOnly.advice())
	}
	if s.opts.Dialect == MySQL && s.opts.Layout == FlaskSQLAlchemy {
		if _, err := s.columnLimit(ctx); err != nil {
			return s.fail(ctx, op, "", err)
		}
	}
	return nil
}
