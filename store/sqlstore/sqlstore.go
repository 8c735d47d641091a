package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cloakroom/cloakroom/store"
)

// A Store keeps records in a table. Make one with [New] or [Open]. It may be
// used by any number of goroutines.
type Store struct {
	db    *database
	owned bool // Close closes db
	opts  Options
	clock clock
	sql   statements
	keep  bool // statements are kept prepared

	// writer lets one goroutine write to SQLite at a time. It admits no more
	// anyway, and has the others poll. Nil for other databases.
	writer  chan struct{}
	limits  limits
	cleaner cleaner
	page    pace

	preparing sync.Mutex
	prepared  map[*query]*sql.Stmt

	mu       sync.RWMutex // guards closed, and inflight against Wait
	closed   bool
	inflight sync.WaitGroup
	done     chan struct{} // closed by Close
	life     context.Context
	end      context.CancelFunc
	sweeper  sync.WaitGroup
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.BatchLoader = (*Store)(nil)
	_ store.BatchSaver  = (*Store)(nil)
	_ store.Lister      = (*Store)(nil)
	_ store.Cleaner     = (*Store)(nil)
	_ store.Pinger      = (*Store)(nil)
	_ io.Closer         = (*Store)(nil)
)

// A database is one more pointer on the way to a *sql.DB, whose data source fmt
// would print with that of a Store.
type database struct{ *sql.DB }

// New returns a store in a database that the program has opened. It does not
// talk to the database yet; [Store.Ping] finds out whether all is well, and
// [Store.EnsureSchema] makes the table.
//
// For SQLite, db should have WAL mode and a busy timeout on every connection;
// [Open] sees to that.
//
// The store owns a goroutine, which [Store.Close] ends. It does not close db.
func New(db *sql.DB, opts Options) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: no database given")
	}
	if opts.Dialect == "" {
		d, err := dialectOf(db)
		if err != nil {
			return nil, err
		}
		opts.Dialect = d
	}
	if err := opts.normalize(); err != nil {
		return nil, err
	}
	s := &Store{
		db: &database{db}, opts: opts, clock: clockOf(opts.Dialect, opts.Layout), sql: newStatements(&opts),
		keep: !opts.Unprepared && opts.Dialect != PostgreSQL, prepared: make(map[*query]*sql.Stmt),
		done: make(chan struct{}),
	}
	s.cleaner.turn = make(chan struct{}, 1)
	s.life, s.end = context.WithCancel(context.Background())
	if opts.Dialect == SQLite {
		s.writer = make(chan struct{}, 1)
	}
	if opts.SweepInterval > 0 {
		s.sweeper.Go(s.sweepLoop)
	}
	return s, nil
}

// Close ends the background sweep and waits for the calls that are under way.
// Later ones answer [store.ErrClosed]. It closes the database if [Open] has
// opened it.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closed
	if first {
		s.closed = true
		close(s.done)
		s.end()
	}
	s.mu.Unlock()
	s.sweeper.Wait()
	s.inflight.Wait()
	if !first {
		return nil
	}
	var errs []error
	for _, st := range s.prepared {
		errs = append(errs, st.Close())
	}
	if s.owned {
		errs = append(errs, s.db.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sqlstore: close: %w", err)
	}
	return nil
}

// enter is the beginning of every call: it refuses a context that is done and
// a store that is closed, and makes Close wait for [Store.leave].
func (s *Store) enter(ctx context.Context, op string) error {
	if ctx.Err() != nil {
		return ended(ctx, op)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return fmt.Errorf("sqlstore: %s: %w", op, store.ErrClosed)
	}
	s.inflight.Add(1)
	return nil
}

func (s *Store) leave() { s.inflight.Done() }

func (s *Store) isClosed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}
