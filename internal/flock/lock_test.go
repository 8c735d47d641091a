//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package flock

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Another process is this test binary again, which locks the file that this
// variable names.
const childFile = "FLOCK_TEST_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		childHold(path)
	}
	os.Exit(m.Run())
}

// childHold holds a lock until it is killed. If it can, it does so as a user to
// whom permissions apply.
func childHold(path string) {
	if os.Geteuid() == 0 {
		const nobody = 65534
		_ = errors.Join(os.Chown(filepath.Dir(path), nobody, nobody), os.Chmod(filepath.Dir(filepath.Dir(path)), 0o711),
			syscall.Setgid(nobody), syscall.Setuid(nobody))
	}
	// As if the maker of one of the files had died before it could set a mode.
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0)); err != nil {
		println(err.Error())
	}
	l := new(Lock)
	l.Init(path, path+".turn", 0o600, nil)
	if err := l.Acquire(context.Background()); err != nil {
		println(err.Error())
		os.Exit(1)
	}
	println("held")
	_, _ = io.Copy(io.Discard, os.Stdin) // which ends if the parent does
	os.Exit(0)
}

// party is one of those who use the files of a lock. To the kernel, it is like
// a process of its own.
type party struct {
	Lock
	end func()
}

func join(t *testing.T, path string) *party {
	t.Helper()
	closed := make(chan struct{})
	p := &party{}
	p.end = sync.OnceFunc(func() { close(closed); p.Close() })
	p.Init(path, path+".turn", 0o600, closed)
	t.Cleanup(p.end)
	return p
}

// two are two parties in a new directory.
func two(t *testing.T) (a, b *party, path string) {
	path = filepath.Join(t.TempDir(), "lock")
	return join(t, path), join(t, path), path
}

func (p *party) acquire(t *testing.T) {
	t.Helper()
	if err := p.Acquire(t.Context()); err != nil {
		t.Fatalf("Acquire = %v, want nil", err)
	}
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

// waiting reports whether n goroutines wait in a method of Lock.
func waiting(method string, n int) bool {
	buf := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		head, _, _ := strings.Cut(g, "(0x")
		if strings.Contains(head, "[select") && strings.HasSuffix(head, ".(*Lock)."+method) {
			n--
		}
	}
	return n <= 0
}

// inBackground reports whether a goroutine waits for files in the place of one
// that gave up.
func inBackground() bool {
	buf := make([]byte, 1<<20)
	return strings.Contains(string(buf[:runtime.Stack(buf, true)]), ".(*Lock).waitFiles.func")
}

func TestOneAtATime(t *testing.T) {
	a, b, _ := two(t)
	var inside atomic.Int32
	var all sync.WaitGroup
	for _, p := range []*party{a, b} {
		for range 4 {
			all.Go(func() {
				for range 50 {
					if err := p.Acquire(t.Context()); err != nil {
						t.Errorf("Acquire = %v, want nil", err)
						return
					}
					if n := inside.Add(1); n != 1 {
						t.Errorf("%d hold the lock at once", n)
					}
					runtime.Gosched()
					inside.Add(-1)
					p.Release()
				}
			})
		}
	}
	all.Wait()
}

func TestWaitingEnds(t *testing.T) {
	cause := errors.New("the visitor left")
	for name, c := range map[string]struct {
		end  func(p *party, cancel context.CancelCauseFunc)
		want error
	}{
		"with the context": {func(_ *party, cancel context.CancelCauseFunc) { cancel(cause) }, cause},
		"with the lock":    {func(p *party, _ context.CancelCauseFunc) { p.end() }, ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, path := two(t)
			a.acquire(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			answers := make(chan error)
			// One waits for a, the others for that one.
			for range 3 {
				go func() { answers <- b.Acquire(ctx) }()
			}
			waitUntil(t, "one waits for the other process", func() bool { return waiting("waitFiles", 1) })
			waitUntil(t, "the others wait for that one", func() bool { return waiting("Acquire", 2) })
			c.end(b, cancel)
			for range 3 {
				if err := <-answers; !errors.Is(err, c.want) {
					t.Errorf("Acquire = %v, want %v", err, c.want)
				}
			}
			if !inBackground() {
				t.Error("nobody waits for the files any more")
			}
			a.Release()
			waitUntil(t, "what waited in the background has let go", func() bool { return !inBackground() })
			d := join(t, path)
			d.acquire(t)
			d.Release()
			if c.want == ErrClosed {
				b.held <- struct{}{}
				if b.main.File != nil || b.turn.File != nil {
					t.Error("files are still open")
				}
				<-b.held
				for range 20 { // of two ready cases, select takes either
					if err := b.Acquire(t.Context()); err != ErrClosed {
						t.Fatalf("Acquire afterwards = %v, want ErrClosed", err)
					}
				}
				return
			}
			b.acquire(t)
			b.Release()
		})
	}
}

func TestDoneContextTakesNothing(t *testing.T) {
	a, b, _ := two(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // of two ready cases, select takes either
		if err := a.Acquire(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("Acquire = %v, want context.Canceled", err)
		}
	}
	b.acquire(t)
	b.Release()
}

// One that is always busy must not starve the others: whoever waits for the
// lock holds the turn, and nobody takes the lock past it, even in the moment in
// which it is free.
func TestNobodyJumpsTheQueue(t *testing.T) {
	a, _, path := two(t)
	a.acquire(t) // makes the files
	a.Release()
	turn, err := Open(path+".turn", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Close()
	if free, err := Try(turn); !free || err != nil {
		t.Fatalf("the turn is taken, %v", err)
	}
	answer := make(chan error)
	go func() { answer <- a.Acquire(t.Context()) }()
	waitUntil(t, "it waits", func() bool {
		select {
		case err := <-answer:
			t.Fatalf("Acquire = %v while another is waiting", err)
		default:
		}
		return waiting("waitFiles", 1)
	})
	Drop(turn)
	if err := <-answer; err != nil {
		t.Errorf("Acquire = %v, want nil", err)
	}
	a.Release()
}

func TestRemovedFilesAreNotTrusted(t *testing.T) {
	for name, remove := range map[string]func(path string) error{
		"the file":      os.Remove,
		"the directory": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b, path := two(t)
			a.acquire(t)
			a.Release()
			if a.Opened() != 1 {
				t.Errorf("opened %d times, want once", a.Opened())
			}
			if err := remove(path); err != nil {
				t.Fatal(err)
			}
			if name == "the directory" {
				if err := a.Acquire(t.Context()); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("Acquire without a directory = %v, want fs.ErrNotExist", err)
				}
				if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			b.acquire(t)
			ctx, cancel := context.WithCancel(t.Context())
			answer := make(chan error)
			go func() { answer <- a.Acquire(ctx) }()
			waitUntil(t, "it waits for the new file", func() bool {
				select {
				case err := <-answer:
					t.Fatalf("Acquire = %v under the lock of another", err)
				default:
				}
				return waiting("waitFiles", 1)
			})
			cancel()
			if err := <-answer; !errors.Is(err, context.Canceled) {
				t.Errorf("Acquire = %v, want context.Canceled", err)
			}
			b.Release()
			a.acquire(t)
			if a.Opened() != 2 {
				t.Errorf("opened %d times, want twice", a.Opened())
			}
			a.Release()
		})
	}
}

func TestDeadProcessesHoldNothing(t *testing.T) {
	a, _, path := two(t)
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), childFile+"="+path)
	_, inErr := c.StdinPipe()
	out, err := c.StderrPipe()
	if err := errors.Join(err, inErr, c.Start()); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	answer := make(chan error)
	go func() { answer <- a.Acquire(t.Context()) }()
	waitUntil(t, "it waits for the other process", func() bool { return waiting("waitFiles", 1) })
	c.Process.Kill()
	c.Wait()
	if err := <-answer; err != nil {
		t.Errorf("Acquire = %v, want nil", err)
	}
	a.Release()
}

// Close while the lock is held leaves closing the files to whoever holds it.
func TestCloseWhileHeld(t *testing.T) {
	a, _, _ := two(t)
	a.acquire(t)
	a.end()
	if a.main.File == nil {
		t.Error("the files were closed while they were locked")
	}
	a.Release()
	if a.main.File != nil || a.turn.File != nil {
		t.Error("the files are still open")
	}
}
