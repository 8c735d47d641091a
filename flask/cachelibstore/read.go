package cachelibstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// Load implements [store.Store]. It takes the lock only if it meets a file
// that a Save is about to take back or to confirm.
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	const op = "load"
	if err := checkKey(key, false); err != nil {
		return store.Record{}, err
	}
	if err := s.enter(ctx, op); err != nil {
		return store.Record{}, err
	}
	defer s.leave()
	if key == countKey {
		return store.Record{}, notFound(op)
	}
	if err := s.watchDir(op); err != nil {
		return store.Record{}, err
	}
	cur, err := s.settled(ctx, op, nameOf(key))
	if err != nil {
		return store.Record{}, err
	}
	defer cur.close()
	if !cur.live(s.now()) {
		return store.Record{}, notFound(op)
	}
	return store.Record{Data: cur.data, Expires: cur.expiry.time()}, nil
}

// An entry is a file as it was when it was opened. Its content does not change
// any more, but for the expiry: everybody writes to a new file.
type entry struct {
	file   *os.File // nil if there is none
	record bool     // whether the file is one
	expiry expiry
	data   []byte
}

func (e *entry) live(now time.Time) bool { return e.record && e.expiry.live(now) }

func (e *entry) close() {
	if e.file != nil {
		e.file.Close()
	}
}

// settled is current for a caller without the lock. A file that is itself
// locked has taken its name but may have to give it back (see install).
func (s *Store) settled(ctx context.Context, op, name string) (cur entry, err error) {
	cur, err = s.current(op, name, os.O_RDONLY)
	if err != nil || cur.file == nil || !flock.IsLocked(cur.file) {
		return cur, err
	}
	cur.close()
	err = s.underLock(ctx, op, func() error {
		cur, err = s.current(op, name, os.O_RDONLY)
		return err
	})
	return cur, err
}

// current opens and reads the file of a record. A missing file is no error.
func (s *Store) current(op, name string, flag int) (entry, error) {
	f, size, err := openPlain(s.path(name), flag)
	if errors.Is(err, fs.ErrNotExist) {
		return entry{}, s.checkDir(op)
	}
	if err != nil {
		return entry{}, fail(op, "open", err)
	}
	e, err := readEntry(f, size)
	if err != nil {
		f.Close()
		return entry{}, fail(op, "read", err)
	}
	return e, nil
}

func readEntry(f *os.File, size int64) (entry, error) {
	if size > headerSize+MaxSize {
		return entry{}, fmt.Errorf("%d bytes, more than any record has", size)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(f, b); err != nil {
		return entry{}, err
	}
	e := entry{file: f}
	e.expiry, e.data, e.record = parse(b)
	return e, nil
}

// readExpiry reads the expiry of a record alone; ok is false if the file is
// none.
func readExpiry(f *os.File) (e expiry, ok bool, err error) {
	b := make([]byte, headerSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return 0, false, err
	}
	e, _, ok = parse(b[:n])
	return e, ok, nil
}

// openPlain opens a regular file, not through a symbolic link.
func openPlain(path string, flag int) (f *os.File, size int64, err error) {
	f, err = os.OpenFile(path, flag|flock.NoFollow|flock.NoWait, 0)
	if err != nil {
		return nil, 0, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = flock.ErrNotFile
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, fi.Size(), nil
}
