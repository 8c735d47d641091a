package sqlstore

import (
	"context"
	"database/sql"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const (
	// sweepPause is how long a sweep rests between two batches, so as not to be
	// noticed, and batchTimeout how long one batch may take.
	sweepPause   = 20 * time.Millisecond
	batchTimeout = 30 * time.Second
)

// sweepLoop removes expired records now and then until the store is closed.
func (s *Store) sweepLoop() {
	interval := s.opts.SweepInterval
	wait := rand.N(interval) // the programs of a fleet start together
	for s.pause(wait) {
		n, err := s.sweep()
		if !s.isClosed() && (n > 0 || err != nil) {
			s.opts.Swept(n, err)
		}
		wait = interval*3/4 + rand.N(interval/2+1)
	}
}

// logFailure is what is told of sweeps by default. Nobody else would notice
// that all of them fail, until the disk is full.
func logFailure(_ int, err error) {
	if err == nil {
		return
	}
	attrs := []any{"error", err.Error()}
	if advice := store.Advice(err); advice != "" {
		attrs = append(attrs, "advice", advice)
	}
	slog.Warn("session store", attrs...)
}

// pause waits, and answers false if the store is closed meanwhile.
func (s *Store) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}

// sweep removes all expired records, for as long as no other process does.
func (s *Store) sweep() (removed int, err error) {
	for {
		n, more, err := s.sweepBatch()
		removed += n
		if err != nil || !more || !s.pause(sweepPause) {
			return removed, err
		}
	}
}

func (s *Store) sweepBatch() (removed int, more bool, err error) {
	const op = "sweep"
	ctx, cancel := context.WithTimeout(s.life, batchTimeout)
	defer cancel()
	if err := s.enter(ctx, op); err != nil {
		return 0, false, err
	}
	defer s.leave()
	// Before the connection that leading takes, for which who has the turn may
	// be waiting.
	if err := s.takeTurn(ctx); err != nil {
		return 0, false, s.fail(ctx, op, "", err)
	}
	defer s.passTurn()
	err = s.lead(ctx, func(run runner) error {
		removed, more, err = s.cleanBatch(ctx, run, cleanMost)
		return err
	})
	if err != nil {
		return removed, false, s.fail(ctx, op, "", err)
	}
	return removed, more, nil
}

// lead calls f while this process alone may sweep the table, and not at all
// while another one does. The lock is held for one batch, not for a sweep, so
// that it needs no connection for itself and no pooler can lose it.
func (s *Store) lead(ctx context.Context, f func(runner) error) error {
	switch s.opts.Dialect {
	case PostgreSQL:
		return s.leadPostgreSQL(ctx, f)
	case MySQL:
		return s.leadMySQL(ctx, f)
	}
	// SQLite admits one writer at a time anyway.
	return f(s.db)
}

// lockName names the lock of a sweep over the table.
func (s *Store) lockName() string { return "cloakroom sweep " + s.opts.Schema + "." + s.opts.Table }

// leadPostgreSQL holds the lock for a transaction.
func (s *Store) leadPostgreSQL(ctx context.Context, f func(runner) error) error {
	// Whatever the database's default is: in a serializable transaction the
	// batch would fail beside others, and could not be run again.
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	h := fnv.New64a()
	h.Write([]byte(s.lockName()))
	var got bool
	// No argument: the number is not worth a prepared statement.
	err = tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock("+strconv.FormatInt(int64(h.Sum64()), 10)+")").Scan(&got)
	if err != nil || !got {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// leadMySQL holds the lock for as long as it holds the connection, whose end
// would free it too. The name counts in the whole server, so it contains the
// database's.
func (s *Store) leadMySQL(ctx context.Context, f func(runner) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	const name = "MD5(CONCAT(COALESCE(DATABASE(), ''), ?))"
	var got sql.NullBool
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK("+name+", 0)", s.lockName()).Scan(&got)
	if err != nil || !got.Bool {
		return err
	}
	defer func() {
		// Also if ctx has ended. A connection that cannot say so is broken.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = conn.ExecContext(ctx, "DO RELEASE_LOCK("+name+")", s.lockName())
	}()
	return f(conn)
}
