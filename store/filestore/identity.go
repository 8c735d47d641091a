package filestore

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// identityFile says which directory this is. Where a record is missing, or is
// about to be made, the store makes sure that the directory is still the one
// that was opened: an unmounted volume leaves an empty one, which must neither
// look like the end of all sessions nor get new ones.
//
// The file holds some letters by chance. They are the same wherever the
// directory is mounted, moved or restored to, and are read only if the file is
// another one than was read before: looking costs one system call.
const identityFile = "identity"

// identity is what the directory of a store is known by.
type identity struct {
	text string // of the file
	path []byte // of the file, with the zero byte that system calls want
	seen atomic.Pointer[stamp]
	// watched is when watchRoot last looked, in nanoseconds since epoch.
	watched atomic.Int64
}

var epoch = time.Now()

// watchEvery is how long a load may find the records of another directory, an
// older copy say, that has come to lie in the place of the right one. Where a
// record is missing or made, the directory is looked at each time.
const watchEvery = 50 * time.Millisecond

// watchRoot is checkRoot, now and then.
func (s *Store) watchRoot(op string) error {
	now := int64(time.Since(epoch)) | 1
	if last := s.identity.watched.Load(); last != 0 && now-last < int64(watchEvery) {
		return nil
	}
	if err := s.checkRoot(op); err != nil {
		return err
	}
	s.identity.watched.Store(now)
	return nil
}

var errOther = errors.New("the session directory is not the one that the store was opened in")

// identify reads which directory this is, and says so in a new one.
func (s *Store) identify() error {
	const op, step = "open", "find out which directory it is"
	s.identity.path = append([]byte(filepath.Join(s.dir, identityFile)), 0)
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fail(op, "open the directory", err)
	}
	defer root.Close()
	text, _, err := readIdentity(root)
	if err != nil {
		return fail(op, step, err)
	}
	if text == "" {
		if text, err = s.newIdentity(op, root); err != nil {
			return err
		}
	}
	s.identity.text = text
	return s.checkRoot(op)
}

// newIdentity says which directory this is, unless another process that starts
// at the same time has done it. An empty file was left by a power cut.
func (s *Store) newIdentity(op string, root *os.Root) (string, error) {
	sh, err := s.lock(context.Background(), op, 0)
	if err != nil {
		return "", err
	}
	defer sh.Release()
	text, _, err := readIdentity(root)
	if err == nil && text == "" {
		text = rand.Text() + "\n"
		err = s.replaceFile(root, identityFile, text)
	}
	if err != nil {
		return "", fail(op, "write which directory it is", err)
	}
	return text, nil
}

// maxIdentity is more than the file holds.
const maxIdentity = 100

// readIdentity returns the text of the file and its stamp, or no text if there
// is no file.
func readIdentity(root *os.Root) (text string, st stamp, err error) {
	f, err := root.Open(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", stamp{}, nil
	}
	if err != nil {
		return "", stamp{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxIdentity))
	if err == nil {
		st, err = stampOfFile(f)
	}
	return string(b), st, err
}

// checkRoot makes sure that the directory is the one that the store was opened
// in.
func (s *Store) checkRoot(op string) error {
	st, err := stampOfPath(s.identity.path)
	if seen := s.identity.seen.Load(); err == nil && seen != nil && st == *seen {
		return nil
	}
	root, err := s.openRoot()
	if err != nil {
		return fail(op, "look at the session directory", err)
	}
	return root.Close()
}

// openRoot opens the directory if it is the one that the store was opened in.
// What is made by it is made there, whatever is mounted or renamed meanwhile.
func (s *Store) openRoot() (*os.Root, error) {
	if err := isDir(s.dir); err != nil {
		return nil, err // OpenRoot has no errno for it, and follows a symbolic link
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, err
	}
	text, st, err := readIdentity(root)
	if err == nil && text != s.identity.text {
		err = errOther
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	if old := s.identity.seen.Swap(&st); old == nil || old.dev != st.dev {
		s.judgeDevice() // mounted again, under another number
	}
	return root, nil
}

// stampOfPath is what the system says of the file at a path that ends with a
// zero byte.
func stampOfPath(path []byte) (stamp, error) {
	if st, err := stampAt(path); err == nil {
		return st, nil
	}
	fi, err := os.Lstat(text(path))
	if err != nil {
		return stamp{}, err
	}
	return plainStamp(fi), nil
}

// stampOfFile is stampOfPath for a file that is open.
func stampOfFile(f *os.File) (stamp, error) {
	if st, err := stampOf(int(f.Fd())); err == nil {
		return st, nil
	}
	fi, err := f.Stat()
	if err != nil {
		return stamp{}, err
	}
	return plainStamp(fi), nil
}

// plainStamp is a stamp without the time of the last change, for systems that
// do not tell.
func plainStamp(fi fs.FileInfo) stamp {
	dev, ino := inode(fi)
	t := fi.ModTime()
	return stamp{dev: dev, ino: ino, size: fi.Size(), mtime: instant{t.Unix(), uint32(t.Nanosecond())}}
}
