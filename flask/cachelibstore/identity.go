package cachelibstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// identityFile holds some letters by chance, by which the directory is known
// again. By its suffix cachelib neither counts nor removes it; it does not
// begin with ownPrefix, for releases that would take it for a leftover.
const identityFile = ".cloakroom-identity" + tmpSuffix

// maxIdentity is more than the file holds.
const maxIdentity = 100

// identity is what the directory of a store is known by.
type identity struct {
	text string // of the file
	file fs.FileInfo
	dir  fs.FileInfo
}

var errOther = errors.New("the session directory is not the one that the store was opened in")

// identify reads which directory this is, and says so in a new one.
func (s *Store) identify(ctx context.Context) error {
	const op = "open"
	id, err := s.whichDir()
	if err == nil && id.text == "" {
		// Of processes that start together, one says it.
		err = s.underLock(ctx, op, func() error {
			if id, err = s.whichDir(); err != nil || id.text != "" {
				return err
			}
			if err := s.writeIdentity(rand.Text() + "\n"); err != nil {
				return err
			}
			id, err = s.whichDir()
			return err
		})
	}
	if err == nil && id.text == "" {
		err = errOther // it was removed again at once
	}
	if err != nil {
		return fail(op, "find out which directory it is", err)
	}
	s.identity.Store(&id)
	return nil
}

// whichDir reads what tells directories apart. There is no text if there is no
// file, or an empty one that a power cut left.
func (s *Store) whichDir() (id identity, err error) {
	if id.dir, err = os.Stat(s.dir); err != nil {
		return id, err
	}
	f, err := os.OpenFile(s.path(identityFile), os.O_RDONLY|flock.NoFollow|flock.NoWait, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return id, nil
	}
	if err != nil {
		return id, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxIdentity))
	if err != nil {
		return id, err
	}
	id.text = string(b)
	id.file, err = f.Stat()
	return id, err
}

func (s *Store) writeIdentity(text string) error {
	f, err := s.writeTmp([]byte(text), true)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Rename(f.Name(), s.path(identityFile)); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return nil
}

// checkDir makes sure that the directory is the one that the store was opened
// in. It tells a record that is missing from a directory that is: what an
// unmounted volume leaves must neither look like the end of all sessions nor
// get new ones.
func (s *Store) checkDir(op string) error {
	known := s.identity.Load()
	if known == nil {
		return nil // just being opened
	}
	fi, err := os.Lstat(s.path(identityFile))
	if err == nil && os.SameFile(fi, known.file) && fi.ModTime().Equal(known.file.ModTime()) {
		return nil
	}
	id, err := s.whichDir()
	if err != nil {
		return fail(op, "look at the session directory", err)
	}
	if id.text == "" && os.SameFile(id.dir, known.dir) && s.holdsRecords() {
		// It looks like a temporary file, and somebody may clean up those.
		if err := s.writeIdentity(known.text); err != nil {
			return fail(op, "write which directory it is", err)
		}
		if id, err = s.whichDir(); err != nil {
			return fail(op, "look at the session directory", err)
		}
	}
	if id.text != known.text {
		return store.WithAdvice(fmt.Errorf("cachelibstore: %s: %w", op, errOther), adviseOther)
	}
	s.identity.Store(&id)
	return nil
}

// watchEvery is how long a load may find the records of another directory, an
// older copy say, that has come to lie in the place of the right one. Where a
// record is missing or made, the directory is looked at each time.
const watchEvery = 50 * time.Millisecond

var epoch = time.Now()

// watchDir is checkDir, now and then.
func (s *Store) watchDir(op string) error {
	now := int64(time.Since(epoch)) | 1
	if last := s.watched.Load(); last != 0 && now-last < int64(watchEvery) {
		return nil
	}
	if err := s.checkDir(op); err != nil {
		return err
	}
	s.watched.Store(now)
	return nil
}

func (s *Store) holdsRecords() bool {
	names, err := s.names()
	return err == nil && slices.ContainsFunc(names, isRecord)
}
