// Package cachelibstore keeps session records in the files of cachelib's
// FileSystemCache, so that a Go program and Python processes with
// Flask-Session (SESSION_TYPE "filesystem", or "cachelib" over such a cache)
// share the sessions of one directory.
//
//	DIR/<32 hex digits>   one record; its name is the MD5 of its key
//	DIR/2029240f…         the same of "__wz_cache_count": how many files there are
//	DIR/*.__wz_cache      a file being written, which cachelib passes over;
//	                      cloakroom-lock and -turn with that ending are this package's lock,
//	                      .cloakroom-identity says which directory it is
//
// A file is four bytes, the expiry in Unix seconds as the machine orders them
// (0 means never), and then the pickled value: that is [store.Record]'s Data
// here, which this package does not look into. A file does not hold its key,
// so that the records cannot be listed. Precise to a second, an expiry is
// rounded up; one that four bytes cannot hold, after 7 February 2106, becomes
// never.
//
// # Beside Python
//
// Programs that use this package lock one another out. cachelib takes no lock
// and overwrites blindly. A Save still notices what Python wrote or deleted up
// to the moment at which its own file takes the name: on Linux the two files
// are exchanged in one step, what came out is looked at, and the exchange is
// undone if that is something new (for those microseconds Python may read what
// is then taken back). Where there is no such step (NFS, macOS), a window of
// some microseconds remains in which a change by Python is overwritten. And a
// Python process that overwrites a session which it read earlier undoes what
// was saved in between, as it does to other Python processes.
//
// cachelib counts its files and, when there are more than its threshold (500
// by default), deletes those next to expire, live sessions among them. This
// package keeps the count right but, unless told to, removes expired records
// only. Python processes on the directory go on deleting live ones: give them
// a SESSION_FILE_THRESHOLD that is never reached, or 0.
//
// # A directory that is not what it was
//
// A volume may be unmounted, and a directory be moved, replaced or emptied,
// while the program runs. Then every call that would say that a record is
// missing, or would make one, is an error, so that nobody is logged out, and
// nothing is written below a mount point. When the directory is back, the store
// goes on by itself. One that was emptied or replaced on purpose is accepted by
// programs that are started afterwards.
//
// To end all sessions, also while programs run, remove the records and leave
// the rest alone, as cachelib's clear does:
//
//	find DIR -type f ! -name '*.__wz_cache' -delete
package cachelibstore

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// DefaultThreshold is cachelib's own, and Flask-Session's for
// SESSION_FILE_THRESHOLD.
const DefaultThreshold = 500

// DefaultMode is the default of SESSION_FILE_MODE.
const DefaultMode fs.FileMode = 0o600

// MaxSize is the size of the largest record's data in bytes: 64 MiB. Larger
// ones are answered with [store.ErrTooLarge].
const MaxSize = 64 << 20

// Options are the choices that [New] leaves to the program. The zero value is
// what Flask-Session does by default, but for live sessions, which stay.
type Options struct {
	// Threshold is the number of files beyond which a Save first removes
	// expired ones, SESSION_FILE_THRESHOLD. Zero means [DefaultThreshold]. A
	// negative value means that files are neither counted nor removed, which
	// is what 0 says in Flask's configuration.
	Threshold int

	// DropLive makes a Save beyond the threshold also remove live records, as
	// cachelib does, until there are no more than the threshold: those that
	// never expire first, then those next to expire. Their users are logged
	// out without any notice.
	DropLive bool

	// Mode is the mode of the files, SESSION_FILE_MODE. Zero means
	// [DefaultMode]. It must let the owner read and write and must not let
	// everybody write. Programs of several users need 0660, and a directory
	// that their group may write to.
	Mode fs.FileMode

	// Unsynced skips waiting for the disk, as cachelib does. A power cut or a
	// crash of the system may then lose or empty the records of the last
	// seconds, and may bring back a deleted one.
	Unsynced bool
}

// A Store keeps records as cachelib's files. Make one with [New]. It may be
// used by any number of goroutines.
//
// A context that ends makes a call stop waiting for the lock; it cannot
// interrupt the disk.
type Store struct {
	dir       string // absolute
	threshold int    // 0 means that files are not counted, as in cachelib
	opts      Options
	identity  atomic.Pointer[identity] // of dir; nil while the store is being opened
	watched   atomic.Int64             // when watchDir last looked, in nanoseconds since epoch
	lock      flock.Lock
	done      chan struct{} // closed by Close
	nextPrune atomic.Int64  // Unix time before which pruning is in vain

	// now is the clock, and fault, if not nil, is asked before each step that
	// changes the disk: it may answer with the error that the step shall have,
	// or do what another program might do just then. For tests.
	now   func() time.Time
	fault func(step string) error

	// plainRename does without the exchange of files, as on other systems. For
	// tests.
	plainRename bool

	mu       sync.RWMutex // guards closed, and inflight against Wait
	closed   bool
	inflight sync.WaitGroup
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
	_ store.Cleaner = (*Store)(nil)
	_ store.Pinger  = (*Store)(nil)
	_ io.Closer     = (*Store)(nil)
)

// New opens the store in the directory dir and makes it if it is missing. It
// refuses a directory that everybody may write to, and one of another user
// unless Mode lets a group write to which the directory and the program belong.
// Like cachelib, it counts the files that are there.
//
// [Store.Close] closes the two files that the store keeps open. On systems
// without flock, New answers [store.ErrUnsupported].
func New(dir string, opts Options) (*Store, error) {
	return open(context.Background(), dir, opts, time.Now)
}

func open(ctx context.Context, dir string, opts Options, now func() time.Time) (*Store, error) {
	const op = "open"
	if !flock.Supported {
		return nil, store.WithAdvice(fmt.Errorf("cachelibstore: open: %w: this system cannot lock files", store.ErrUnsupported),
			"Let Flask-Session keep the sessions in a database or on a server: SESSION_TYPE sqlalchemy, redis, memcached or mongodb.")
	}
	if dir == "" {
		return nil, fmt.Errorf("cachelibstore: open: no directory given")
	}
	if opts.Mode == 0 {
		opts.Mode = DefaultMode
	}
	if opts.Mode&0o600 != 0o600 || opts.Mode&^0o664 != 0 {
		return nil, fmt.Errorf("cachelibstore: open: the mode %#o is not 0600 with some of 0064", opts.Mode)
	}
	s := &Store{opts: opts, threshold: max(opts.Threshold, 0), now: now, done: make(chan struct{})}
	if opts.Threshold == 0 {
		s.threshold = DefaultThreshold
	}
	// Symbolic links are left in it: cachelib follows them anew each time.
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fail(op, "find the directory", err)
	}
	s.dir = abs
	s.lock.Init(s.path(lockFile), s.path(turnFile), opts.Mode, s.done)
	if err := s.makeDir(); err != nil {
		return nil, err
	}
	err = s.identify(ctx)
	if err == nil {
		err = s.countAll(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close waits for the calls that are under way. Calls that wait for the lock,
// and all later ones, answer [store.ErrClosed]. If a call gave up waiting for
// the lock while another process holds it, a goroutine with the two files
// remains until that process lets go.
func (s *Store) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	s.mu.Unlock()
	s.inflight.Wait()
	s.lock.Close()
	return nil
}

// List implements [store.Lister] by saying why it cannot.
func (s *Store) List(context.Context, string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		yield(store.Entry{}, fmt.Errorf(
			"cachelibstore: list: %w: cachelib's files are named by the MD5 of their keys and do not hold them", store.ErrUnsupported))
	}
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

// path is that of a file in the directory.
func (s *Store) path(name string) string { return s.dir + string(os.PathSeparator) + name }

// step is where tests take part.
func (s *Store) step(name string) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(name)
}
