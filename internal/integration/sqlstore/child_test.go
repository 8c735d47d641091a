package sqlstore_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// Other processes are this test binary again, told by its environment which
// part to play, and in which store.
const (
	childPart = "SQLSTORE_TEST_PART"
	childURL  = "SQLSTORE_TEST_URL"
	childKey  = "SQLSTORE_TEST_KEY"
)

var parts = map[string]func(ctx context.Context, s store.Store, key string) error{
	"count":           func(ctx context.Context, s store.Store, key string) error { return countTogether(ctx, s, key) },
	"save until gone": saveUntilGone,
	"chain":           childChain,
}

// playPart is what a child does in the place of tests.
func playPart(part string) int {
	ctx := context.Background()
	s, err := openers.Open(ctx, os.Getenv(childURL))
	if err == nil {
		err = parts[part](ctx, s, os.Getenv(childKey))
	}
	if err == nil {
		err = store.Close(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// A child is another process.
type child struct {
	*exec.Cmd
	out    *bufio.Scanner
	stderr bytes.Buffer
}

// spawn starts a child, which ends with the test.
func spawn(t *testing.T, part string, u *url.URL, key string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: exec.CommandContext(t.Context(), exe)}
	c.Env = append(os.Environ(), childPart+"="+part, childURL+"="+u.String(), childKey+"="+key)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out, c.Stderr = bufio.NewScanner(out), &c.stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// finish waits for a child that must succeed.
func (c *child) finish(t *testing.T) {
	t.Helper()
	for c.out.Scan() {
	}
	if err := c.Wait(); err != nil {
		t.Errorf("child: %v: %s", err, c.stderr.String())
	}
}

// countTogether has writers increment a counter.
func countTogether(ctx context.Context, s store.Store, key string) error {
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range steps {
				if errs[i] = increment(ctx, s, key); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// increment adds one to a counter, and tries again when somebody else did.
func increment(ctx context.Context, s store.Store, key string) error {
	for {
		r, err := s.Load(ctx, key)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			return err
		}
		_, err = s.Save(ctx, key, r, store.Record{Data: []byte(strconv.Itoa(n + 1)), Expires: r.Expires})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// saveUntilGone has writers replace the record, each time with the newest
// prev, and never where there is none, until there is none. It says so after
// each has saved once.
func saveUntilGone(ctx context.Context, s store.Store, key string) error {
	errs := make([]error, writers)
	var wg, first sync.WaitGroup
	first.Add(writers)
	for i := range writers {
		wg.Go(func() {
			errs[i] = replaceUntilGone(ctx, s, key, i, sync.OnceFunc(first.Done))
		})
	}
	first.Wait()
	fmt.Println("all have saved")
	wg.Wait()
	return errors.Join(errs...)
}

func replaceUntilGone(ctx context.Context, s store.Store, key string, writer int, saved func()) error {
	defer saved()
	for n := 0; ; n++ {
		r, err := s.Load(ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = s.Save(ctx, key, r, store.Record{Data: fmt.Appendf(nil, "%d by %d", n, writer), Expires: r.Expires})
		switch {
		case err == nil:
			saved()
		case !errors.Is(err, store.ErrConflict):
			return err
		}
		if n > 2 {
			saved() // it has tried
		}
	}
}
