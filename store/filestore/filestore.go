// Package filestore keeps session records as files below one directory, for
// programs on one machine that want sessions to outlive a restart and need no
// server for it.
//
// Any number of processes may share the directory. Every change is made under
// a lock that the kernel drops when its process dies, is written beside the
// record, synced and renamed over it, so that neither kill -9 nor a power cut
// at any moment leaves half a record, and what was acknowledged stays.
//
//	DIR/format            says which format the directory has
//	DIR/identity          says which directory it is
//	DIR/locks/ab          the lock of shard ab, ab.turn its waiting line
//	DIR/ab/c/abc…         one record; its name is the SHA-256 of its key in hex
//	DIR/ab/c/tmp          a record being written
//	DIR/ab/c/*.damaged    what could not be read as a record, kept for a look
//
// # A directory that is not what it was
//
// A volume may be unmounted, and a directory be moved, replaced or emptied,
// while programs run. Then nothing is found and nothing saved: every call that
// would say that a record is missing, or would make one, is an error instead,
// so that nobody is logged out, and nothing is written below a mount point.
// When the directory is back, the store goes on by itself. One that was emptied
// or replaced on purpose is accepted by programs that are started afterwards.
//
// To end all sessions, also while programs run, remove the records and leave
// the rest alone:
//
//	rm -rf DIR/[0-9a-f][0-9a-f]
//
// The directory must belong to the user who runs the program, root too, since
// whoever owns it could put sessions into it. So could whoever can rename it:
// of the directories above it none should be writable to others, but for those
// with the sticky bit, as /tmp has.
//
// Locks are flock(2)'s. A network file system is right only if its flock works
// between machines (Linux NFS does, many others only pretend to).
package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// DefaultSweepInterval is how often expired records are removed where
// [Options] does not say.
const DefaultSweepInterval = 10 * time.Minute

// MaxSize is the size of the largest record's data in bytes: 64 MiB. Larger
// ones are answered with [store.ErrTooLarge].
const MaxSize = 64 << 20

// ErrDamaged says that a file stands where a record belongs but is none: it is
// torn, was altered, or belongs to another key. The first call that meets it
// answers this error and renames the file to end in ".damaged"; from then on
// the record counts as absent.
var ErrDamaged = errors.New("damaged record")

// ErrNoLocks says that this system has no locks of files that the store could
// use, Windows above all. It is a [store.ErrUnsupported].
var ErrNoLocks = fmt.Errorf("%w: this system cannot lock files", store.ErrUnsupported)

// Options are the choices that [New] leaves to the program. The zero value is
// the safe choice for production.
type Options struct {
	// Unsynced skips waiting for the disk. Saves become several times faster,
	// and remain safe against the death of the program, but a power cut or a
	// crash of the system may lose or damage the records that were saved in
	// the last half minute, and may bring back a deleted one.
	Unsynced bool

	// SweepInterval is the time between two removals of expired records in the
	// background, give or take a quarter. The processes that share a directory
	// take turns: while one sweeps, or has done so lately, the others do not.
	// Zero means [DefaultSweepInterval], a negative value that the program
	// calls [Store.DeleteExpired] itself.
	SweepInterval time.Duration

	// Cache is how many bytes of records to keep in memory, so that one that has
	// not changed is not read again. Whether it has is asked of the system each
	// time; so a record is never older than its file, also where other programs
	// share the directory. Zero means [DefaultCache], a negative value that
	// none are kept. On systems other than Linux, and on network file systems,
	// none ever are.
	Cache int

	// Swept is called after each sweep that ran in this process, with the
	// number of removed records and the first error that it met. It runs in the
	// sweeping goroutine and must not call Close. Nil means to log failures with
	// slog.Default.
	Swept func(removed int, err error)
}

// A Store keeps records as files. Make one with [New]. It may be used by any
// number of goroutines.
//
// A context that ends makes a call stop waiting for a lock; it cannot
// interrupt the disk.
type Store struct {
	dir  string // absolute, no symbolic links in it
	opts Options

	files    opener
	cache    *cache // nil if there is none
	identity identity

	// keptDevice is the device, as stamps have it, of files whose records may
	// be kept in the cache, or 0.
	keptDevice atomic.Uint64

	// stillClock makes stamps do without the times that the system sets, as if
	// its clock never moved on between two changes. For tests.
	stillClock bool

	// noSwap is set where files cannot be exchanged.
	noSwap atomic.Bool

	shards [shardCount]shard
	cursor atomic.Uint32 // the leaf at which DeleteExpired goes on
	pages  sync.Pool

	// fault, if not nil, is asked before each step that changes the disk, and
	// after a Load has read a file, and may answer with the error that the step
	// shall have. For tests.
	fault func(step string) error

	// sync and syncData make an open file survive a power cut, all of it or its
	// content alone. They do nothing if the store is unsynced.
	sync, syncData func(fd int) error

	mu       sync.RWMutex // guards closed, and inflight against Wait
	closed   bool
	inflight sync.WaitGroup
	done     chan struct{} // closed by Close
	sweeper  sync.WaitGroup
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
	_ store.Cleaner = (*Store)(nil)
	_ store.Pinger  = (*Store)(nil)
	_ io.Closer     = (*Store)(nil)
)

// New opens the store in the directory dir, and makes the directory, of mode
// 0700, if it is missing. An existing directory must be empty or a store
// already, must belong to the user who runs the program, and must not be open to
// group or others; an empty one is closed to them.
//
// The store owns a goroutine and up to 512 open files (locks); [Store.Close]
// ends them. On systems without flock, New answers [ErrNoLocks].
func New(dir string, opts Options) (*Store, error) {
	const op = "open"
	if !flock.Supported {
		return nil, store.WithAdvice(fmt.Errorf("filestore: open: %w", ErrNoLocks),
			"Use a store that needs no such locks: SQLite keeps sessions in one file (sqlstore, as sqlite:FILE).")
	}
	if dir == "" {
		return nil, errors.New("filestore: open: no directory given")
	}
	if opts.SweepInterval == 0 {
		opts.SweepInterval = DefaultSweepInterval
	}
	if opts.Cache == 0 {
		opts.Cache = DefaultCache
	}
	s := &Store{opts: opts, done: make(chan struct{}), cache: newCache(opts.Cache), sync: syncFD, syncData: syncDataFD}
	if opts.Swept == nil {
		s.opts.Swept = s.logFailure
	}
	if opts.Unsynced {
		s.sync, s.syncData = noSync, noSync
	}
	s.pages.New = func() any { return new(page) }
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fail(op, "find the directory", err)
	}
	if err := s.makeRoot(abs); err != nil {
		return nil, err
	}
	if s.dir, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, fail(op, "find the directory", err)
	}
	if err := s.claimRoot(); err != nil {
		return nil, err
	}
	s.initLocks()
	s.files.init()
	if err := s.identify(); err != nil {
		_ = s.Close()
		return nil, err
	}
	if opts.SweepInterval > 0 {
		s.sweeper.Go(s.sweepLoop)
	}
	return s, nil
}

// Close ends the background sweep, waits for the calls that are under way,
// and closes all files. Calls that wait for a lock, and all later ones, answer
// [store.ErrClosed]. If a call gave up waiting for a lock that another process
// still holds, a goroutine with its two files remains until that process lets
// go.
func (s *Store) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	s.mu.Unlock()
	s.sweeper.Wait()
	s.inflight.Wait()
	for i := range s.shards {
		s.shards[i].Close()
	}
	return nil
}

// enter is the beginning of every call: it refuses a context that is done and
// a store that is closed, and makes Close wait for [Store.leave].
func (s *Store) enter(ctx context.Context, op string) error {
	if err := alive(ctx, op); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return closedError(op)
	}
	s.inflight.Add(1)
	return nil
}

func (s *Store) leave() { s.inflight.Done() }

// isClosed tells without a lock, for Load, which Close need not wait for.
func (s *Store) isClosed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// step is where tests make a step fail.
func (s *Store) step(name string) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(name)
}

// syncs reports whether there is any use in opening a directory to sync it.
func (s *Store) syncs() bool { return !s.opts.Unsynced || s.fault != nil }

// syncFile makes a file survive a power cut.
func (s *Store) syncFile(fd int, step string) error {
	if err := s.step(step); err != nil {
		return err
	}
	return s.sync(fd)
}

func noSync(int) error { return nil }
