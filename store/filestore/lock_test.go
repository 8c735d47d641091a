//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// childHold holds the lock of every shard named on its input until it ends.
func childHold(dir string) error {
	s, err := New(dir, Options{SweepInterval: -1})
	if err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		n := nameOf(in.Text())
		if _, err := s.lock(context.Background(), "hold", n.leaf().shard()); err != nil {
			return err
		}
		fmt.Println("held")
	}
	return in.Err()
}

// hold makes another process hold the lock of a key.
func hold(t *testing.T, s *Store, key string) *child {
	t.Helper()
	c := spawn(t, "hold", s.dir)
	fmt.Fprintln(c.in, key)
	if got := c.line(t); got != "held" {
		t.Fatalf("the child says %q", got)
	}
	return c
}

// waitUntil yields to others until ok.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	s := quiet(t)
	r := put(t, s, "k", "v")
	before := runtime.NumGoroutine()
	c := hold(t, s, "k")

	cause := errors.New("the visitor left")
	for i, c := range []struct {
		name string
		call func(ctx context.Context) error
	}{
		{"Save", func(ctx context.Context) error { _, err := s.Save(ctx, "k", r, r); return err }},
		{"Touch", func(ctx context.Context) error { return s.Touch(ctx, "k", r, time.Time{}) }},
		{"Delete", func(ctx context.Context) error { return s.Delete(ctx, "k") }},
		{"List", func(ctx context.Context) (err error) {
			for _, err = range s.List(ctx, "") {
			}
			return err
		}},
		{"DeleteExpired", func(ctx context.Context) error { _, err := s.DeleteExpired(ctx, 9); return err }},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		answer := make(chan error)
		go func() { answer <- c.call(ctx) }()
		// The first waits for the other process, and what it leaves behind
		// keeps the shard for that long, so that the others wait for it.
		where := "Acquire"
		if i == 0 {
			where = "waitFiles"
		}
		waitUntil(t, c.name+" waits", func() bool { return waitingIn(where) })
		cancel(cause)
		if err := <-answer; !errors.Is(err, cause) {
			t.Errorf("%s = %v, want %v", c.name, err, cause)
		}
	}
	wants(t, s, "k", "v") // a read needs no lock

	c.in.Close()
	c.end(t)
	waitUntil(t, "the lock is free for other processes", func() bool {
		free, err := tryLockFile(filepath.Join(s.dir, locksDir, shardName(shardOf("k"))))
		return free && err == nil
	})
	if _, err := s.Save(t.Context(), "k", r, r); err != nil {
		t.Errorf("Save after the lock was free = %v, want nil", err)
	}
	waitUntil(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestCloseEndsWaiting(t *testing.T) {
	s := quiet(t)
	c := hold(t, s, "other") // as a process with its pipes, so that they count
	before := openFiles(t)
	r := put(t, s, "k", "v")
	fmt.Fprintln(c.in, "k")
	c.line(t)
	answers := make(chan error)
	for range 3 {
		go func() { _, err := s.Save(t.Context(), "k", r, r); answers <- err }()
	}
	waitUntil(t, "a call waits", func() bool { return waitingIn("waitFiles") })
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	for range 3 {
		if err := <-answers; !errors.Is(err, store.ErrClosed) {
			t.Errorf("Save = %v, want ErrClosed", err)
		}
	}
	c.in.Close()
	c.end(t)
	waitUntil(t, "the lock's files are closed", func() bool { return openFiles(t) <= before })
}

// openFiles is how many files this process has open.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func shardOf(key string) int {
	n := nameOf(key)
	return n.leaf().shard()
}

// waitingIn reports whether a goroutine waits for a channel in a method of a
// lock.
func waitingIn(method string) bool {
	buf := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		head, _, _ := strings.Cut(g, "(0x")
		if strings.Contains(head, "[select") && strings.HasSuffix(head, ".(*Lock)."+method) {
			return true
		}
	}
	return false
}

func TestLocksOfARemovedDirectoryAreNotTrusted(t *testing.T) {
	s := quiet(t)
	put(t, s, "k", "v")
	if err := os.RemoveAll(filepath.Join(s.dir, locksDir)); err != nil {
		t.Fatal(err)
	}
	c := hold(t, s, "k") // in new lock files
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() { answer <- s.Delete(ctx, "k") }()
	waitUntil(t, "the delete waits for the new files", func() bool {
		select {
		case err := <-answer:
			t.Fatalf("Delete = %v under another process's lock", err)
		default:
		}
		free, err := tryLockFile(filepath.Join(s.dir, locksDir, shardName(shardOf("k"))+".turn"))
		return err == nil && !free
	})
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("Delete = %v, want context.Canceled", err)
	}
	c.in.Close()
	c.end(t)
}

// tryLockFile tells whether nobody has locked the file at path.
func tryLockFile(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return flock.Try(f)
}

func TestCloseLeavesNothingOpen(t *testing.T) {
	dir := t.TempDir()
	warm := open(t, dir, Options{}) // whatever the runtime opens once
	put(t, warm, "warm", "up")
	warm.Close()
	files, goroutines := openFiles(t), runtime.NumGoroutine()

	s := open(t, dir, Options{SweepInterval: time.Minute})
	for i := range 40 {
		key := fmt.Sprint("k", i)
		r := put(t, s, key, "v")
		if err := s.Touch(t.Context(), key, r, time.Time{}); err != nil {
			t.Errorf("Touch = %v, want nil", err)
		}
		wants(t, s, key, "v")
		if _, err := s.Save(t.Context(), key, store.Record{}, r); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
	}
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Errorf("List = %v, want nil", err)
		}
	}
	if err := errors.Join(s.Ping(t.Context()), s.Delete(t.Context(), "k1"), s.Delete(t.Context(), "absent")); err != nil {
		t.Error(err)
	}
	if openFiles(t) == files {
		t.Error("the count of open files counts nothing")
	}
	s.Close()
	waitUntil(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines })
	if got := openFiles(t); got > files { // fewer if a file of an earlier test has been collected since
		t.Errorf("%d open files after Close, want %d at most", got, files)
	}
}
