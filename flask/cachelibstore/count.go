package cachelibstore

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/cloakroom/cloakroom/internal/pickle"
)

// maxCountFile is more than the count file of any number has.
const maxCountFile = 64

// countAll counts the files in the directory, as cachelib does when it starts.
// What is none of cachelib's counts too: it does there.
func (s *Store) countAll(ctx context.Context) error {
	const op = "open"
	if s.threshold == 0 {
		return nil
	}
	return s.underLock(ctx, op, func() error {
		names, err := s.names()
		if err != nil {
			return fail(op, "read the directory", err)
		}
		n := 0
		for _, name := range names {
			if name != countFile && !strings.HasSuffix(name, tmpSuffix) {
				n++
			}
		}
		if err := s.setCount(int64(n)); err != nil {
			return fail(op, "write the count", err)
		}
		return nil
	})
}

// addCount changes the count, for a caller that holds the lock. That it fails
// is nothing that a request should fail for whose record is saved or gone: the
// count is then wrong until the next process starts, and Python's pruning
// comes too early or too late by as much.
func (s *Store) addCount(delta int64) {
	if s.threshold > 0 && delta != 0 {
		_ = s.setCount(s.count() + delta)
	}
}

// setCount writes the count as cachelib does, into a new file. It need not
// survive a power cut.
func (s *Store) setCount(n int64) error {
	content, err := pickle.Append(never.append(nil), n, pickle.HighestProtocol)
	if err != nil {
		return err
	}
	f, err := s.writeTmp(content, false)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Rename(f.Name(), s.path(countFile)); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return nil
}

// count is what the count file says, or 0 if it says nothing, as in cachelib.
func (s *Store) count() int64 {
	f, _, err := openPlain(s.path(countFile), os.O_RDONLY)
	if err != nil {
		return 0
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCountFile))
	if err != nil {
		return 0
	}
	return parseCount(b)
}

func parseCount(file []byte) int64 {
	_, data, ok := parse(file)
	if !ok {
		return 0
	}
	v, err := pickle.Unmarshal(data, pickle.Limits{})
	if err != nil {
		return 0
	}
	n, _ := v.(int64)
	return n
}
