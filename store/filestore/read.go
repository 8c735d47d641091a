package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// pageSize is what a read asks for: nearly every session in one system call.
const pageSize = 4096

// A page is the working memory of one operation.
type page struct {
	path, tmp []byte // of a record, and of what is to replace it; see appendPath
	data      [pageSize]byte
}

func (s *Store) page() *page { return s.pages.Get().(*page) }

// Load implements [store.Store]. It takes no lock.
//
// Of a record that is kept in memory it only asks the system whether the file
// is still the same.
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	const op = "load"
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	if err := alive(ctx, op); err != nil {
		return store.Record{}, err
	}
	if s.isClosed() {
		return store.Record{}, closedError(op)
	}
	if err := s.watchRoot(op); err != nil {
		return store.Record{}, err
	}
	n := nameOf(key)
	p := s.page()
	defer s.pages.Put(p)
	// That a record has expired is not said from memory.
	if r, ok := s.known(p, &n); ok && r.Live(time.Now()) {
		return r, nil
	}
	h, data, err := s.read(p, &n, key)
	if errors.Is(err, ErrDamaged) {
		return s.loadAgain(ctx, op, p, &n, key)
	}
	return s.loaded(op, h, data, err)
}

// loadAgain loads under the shard's lock, where nobody else is writing: what
// is damaged now is not half of a touch, and is set aside.
func (s *Store) loadAgain(ctx context.Context, op string, p *page, n *name, key string) (store.Record, error) {
	if err := s.enter(ctx, op); err != nil {
		return store.Record{}, err
	}
	defer s.leave()
	sh, err := s.lock(ctx, op, n.leaf().shard())
	if err != nil {
		return store.Record{}, err
	}
	defer sh.Release()
	h, data, err := s.read(p, n, key)
	return s.loaded(op, h, data, s.setAside(n, err))
}

// loaded turns what a read gave into what Load answers.
func (s *Store) loaded(op string, h header, data []byte, err error) (store.Record, error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := s.checkRoot(op); err != nil {
			return store.Record{}, err
		}
		return store.Record{}, notFound(op)
	case err != nil:
		return store.Record{}, fail(op, "read", err)
	case !h.live(time.Now()):
		return store.Record{}, notFound(op)
	}
	return h.record(data), nil
}

// read reads the record of key, and keeps it. Its error matches fs.ErrNotExist
// if there is no file, and ErrDamaged if there is one that is not the record of
// key.
func (s *Store) read(p *page, n *name, key string) (h header, data []byte, err error) {
	fd, err := s.openRecord(p, n, os.O_RDONLY)
	if err != nil {
		return h, nil, err
	}
	defer closeFD(fd)
	before, toKeep := s.stampOf(fd)
	h, k, data, err := readFile(p, fd)
	if err == nil {
		err = s.step("have read")
	}
	if err != nil {
		return h, nil, err
	}
	if string(k) != key {
		return h, nil, damaged("the record of another key")
	}
	data = outOfPage(&h, data)
	if toKeep {
		s.keep(n, before, h.record(data))
	}
	return h, data, nil
}

// outOfPage moves data out of the page, which goes back to the pool.
func outOfPage(h *header, data []byte) []byte {
	if h.size() >= pageSize {
		return data // readRest has made room for it
	}
	return append(make([]byte, 0, len(data)), data...) // not nil, if empty
}

// readFile reads a whole record. Key and data may lie in the page.
func readFile(p *page, fd int) (h header, key, data []byte, err error) {
	whole, err := readHead(fd, p.data[:])
	if err == nil && len(whole) == pageSize {
		whole, err = readRest(fd, whole)
	}
	if err != nil {
		return h, nil, nil, err
	}
	return decodeFile(whole)
}

// openRecord opens the file of a record.
func (s *Store) openRecord(p *page, n *name, flags int) (int, error) {
	p.path = s.appendPath(p.path[:0], n)
	fd, err := s.files.open(p.path, flags|flock.NoWait)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return fd, err
	}
	fi, statErr := os.Lstat(text(p.path))
	if statErr == nil && !fi.Mode().IsRegular() {
		return -1, damaged("not a regular file")
	}
	return -1, err
}

// openStepwise opens the file at path, which is in a leaf, after a look at the
// two directories above it, for systems that cannot refuse symbolic links in
// one step. Whoever could plant one in between owns the records anyway.
func openStepwise(path string, flags int) (int, error) {
	dir := filepath.Dir(path)
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := isDir(d); err != nil {
			return -1, err
		}
	}
	return openPlain(path, flags)
}

// readHead reads the beginning of a file: until buf is full or the file ends,
// or until its header says that it is complete, which saves asking for more.
func readHead(fd int, buf []byte) ([]byte, error) {
	for have := 0; ; {
		n, err := readFD(fd, buf[have:])
		if err != nil {
			if _, sizeErr := sizeFD(fd); errors.Is(sizeErr, ErrDamaged) {
				err = sizeErr // a directory, a pipe
			}
			return nil, err
		}
		have += n
		if n == 0 || have == len(buf) {
			return buf[:have], nil
		}
		if h, err := decodeHeader(buf[:have]); err == nil && have >= h.size() {
			return buf[:have], nil
		}
	}
}

// readRest reads the file of which head is the beginning. It allocates no
// more than the file's true size, whatever the header says.
func readRest(fd int, head []byte) ([]byte, error) {
	h, err := decodeHeader(head)
	if err != nil {
		return nil, err
	}
	size, err := sizeFD(fd)
	if err != nil {
		return nil, err
	}
	if size != int64(h.size()) {
		return nil, damaged("its size is not what the header says")
	}
	whole := make([]byte, size)
	have := copy(whole, head)
	for have < len(whole) {
		n, err := readFD(fd, whole[have:])
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break // decodeFile sees that it is short
		}
		have += n
	}
	return whole[:have], nil
}

// readHeader reads the header of the open file fd, and makes sure that it is
// the record of key, unless key is empty. The encoded header is then at the
// beginning of the page.
func readHeader(p *page, fd int, key string) (header, error) {
	b, err := readHead(fd, p.data[:headerSize+store.MaxKey])
	if err != nil {
		return header{}, err
	}
	h, err := decodeHeader(b)
	if err != nil {
		return h, err
	}
	if key != "" && (len(b) < headerSize+h.keyLen || string(b[headerSize:headerSize+h.keyLen]) != key) {
		return h, damaged("the record of another key")
	}
	return h, nil
}

// header reads the header of a record.
func (s *Store) header(p *page, n *name, key string) (header, error) {
	fd, err := s.openRecord(p, n, os.O_RDONLY)
	if err != nil {
		return header{}, err
	}
	defer closeFD(fd)
	return readHeader(p, fd, key)
}
