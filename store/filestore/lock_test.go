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
	"testing"
	"time"

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
	during := runtime.NumGoroutine()

	cause := errors.New("the visitor left")
	for name, call := range map[string]func(ctx context.Context) error{
		"Save":   func(ctx context.Context) error { _, err := s.Save(ctx, "k", r, r); return err },
		"Touch":  func(ctx context.Context) error { return s.Touch(ctx, "k", r, time.Time{}) },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, "k") },
		"List": func(ctx context.Context) (err error) {
			for _, err = range s.List(ctx, "") {
			}
			return err
		},
		"DeleteExpired": func(ctx context.Context) error { _, err := s.DeleteExpired(ctx, 9); return err },
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		answer := make(chan error)
		go func() { answer <- call(ctx) }()
		if name == "Save" {
			waitUntil(t, "a goroutine waits for the lock", func() bool { return runtime.NumGoroutine() >= during })
		}
		cancel(cause)
		if err := <-answer; !errors.Is(err, cause) {
			t.Errorf("%s = %v, want %v", name, err, cause)
		}
	}
	wants(t, s, "k", "v") // a read needs no lock

	c.in.Close()
	c.end(t)
	if _, err := s.Save(t.Context(), "k", r, r); err != nil {
		t.Errorf("Save after the lock was free = %v, want nil", err)
	}
	waitUntil(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestCloseEndsWaiting(t *testing.T) {
	s := quiet(t)
	r := put(t, s, "k", "v")
	c := hold(t, s, "k")
	answers := make(chan error)
	for range 3 {
		go func() { _, err := s.Save(t.Context(), "k", r, r); answers <- err }()
	}
	waitUntil(t, "a call waits", func() bool { return len(s.shards[shardOf("k")].held) == 1 })
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
	waitUntil(t, "the lock's files are closed", func() bool {
		sh := &s.shards[shardOf("k")]
		sh.held <- struct{}{}
		defer func() { <-sh.held }()
		return sh.main == nil && sh.turn == nil
	})
}

func shardOf(key string) int {
	n := nameOf(key)
	return n.leaf().shard()
}

// Of two processes that share a shard, one that is always busy must not starve
// the other: whoever waits, is next.
func TestABusyProcessLetsOthersIn(t *testing.T) {
	s := quiet(t)
	other := open(t, s.dir, Options{SweepInterval: -1}) // as another process: it has files of its own
	n := shardOf("k")
	sh, err := s.lock(t.Context(), "test", n)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *shard)
	go func() {
		sh, _ := other.lock(context.Background(), "test", n)
		got <- sh
	}()
	waitUntil(t, "the other holds the turn", func() bool {
		free, err := tryFlock(sh.turn)
		if free {
			dropFlock(sh.turn)
		}
		return err == nil && !free
	})
	sh.release()
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error)
	go func() {
		_, err := s.lock(ctx, "test", n)
		second <- err
	}()
	theirs := <-got // although s asks again at once
	select {
	case err := <-second:
		t.Fatalf("both have the lock, %v", err)
	default:
	}
	cancel()
	<-second
	theirs.release()
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
	return tryFlock(f)
}

func TestCloseLeavesNothingOpen(t *testing.T) {
	openFiles := func() int {
		entries, err := os.ReadDir("/dev/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	dir := t.TempDir()
	warm := open(t, dir, Options{}) // whatever the runtime opens once
	put(t, warm, "warm", "up")
	warm.Close()
	files, goroutines := openFiles(), runtime.NumGoroutine()

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
	if openFiles() == files {
		t.Error("the count of open files counts nothing")
	}
	s.Close()
	waitUntil(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines })
	if got := openFiles(); got != files {
		t.Errorf("%d open files after Close, want %d", got, files)
	}
}
