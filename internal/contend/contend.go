// Package contend has tests of stores with many writers on few records, in one
// process and in several.
package contend

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Run lets 64 writers change one session at the same time, and deletes one
// that they keep changing. Then it does the same with writers in two other
// processes, whose stores [Child] opens by text.
func Run(t *testing.T, s store.Store, text string) {
	Here(t, s)
	Elsewhere(t, s, text)
}

// Here is the part of [Run] in this process.
func Here(t *testing.T, s store.Store) {
	t.Run("nothing is lost", func(t *testing.T) { nothingIsLost(t, s, "here") })
	t.Run("delete wins", func(t *testing.T) { deleteWins(t, s, "here-deleted") })
}

// nothingIsLost lets 64 writers change one session at the same time.
func nothingIsLost(t *testing.T, s store.Store, key string) {
	t.Helper()
	const callers, steps = 64, 4
	w := &Writers{s: s, keys: []string{key}, callers: callers}
	if err := w.create(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.run(t.Context(), steps, nil)
	w.report(t)
	complete(t, s, key, callers, steps)
}

// complete checks that a record has all that its writers wrote.
func complete(t *testing.T, s store.Store, key string, callers, steps int) {
	t.Helper()
	r, err := s.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	got := numbers{}
	if err := json.Unmarshal(r.Data, &got); err != nil {
		t.Fatal(err)
	}
	for i := range callers {
		if n := got[strconv.Itoa(i)]; n != steps {
			t.Errorf("writer %d has reached %d, want %d", i, n, steps)
		}
	}
}

// deleteWins deletes a session that 64 writers keep changing.
func deleteWins(t *testing.T, s store.Store, key string) {
	t.Helper()
	for n := range 3 {
		key := key + strconv.Itoa(n)
		w := &Writers{s: s, keys: []string{key}, callers: 64}
		if err := w.create(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			w.run(t.Context(), 1<<30, stop) // until the record is gone
		}()
		eventually(t, "a change is acknowledged", func() bool { return w.acknowledged.Load() > 5 })
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("writers go on after the record was deleted")
			close(stop)
			<-done
		}
		gone(t, s, key)
		for _, err := range w.wrong {
			if !strings.HasSuffix(err.Error(), errGone.Error()) {
				t.Errorf("a writer ended by %v, want the record to be gone", err)
			}
		}
	}
}

func gone(t *testing.T, s store.Store, key string) {
	t.Helper()
	if r, err := s.Load(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load after Delete = %q, %v, want ErrNotFound", r.Data, err)
	}
}

// Another process is the test binary again. Its environment says on which
// store, as the test's own text has it, and as whose writers.
const (
	childStore = "CONTEND_STORE"
	childKey   = "CONTEND_KEY"
	childFirst = "CONTEND_FIRST"
	childSteps = "CONTEND_STEPS"
)

// childTime is how long a child may take.
const childTime = 30 * time.Second

const childCallers = 16

// Child plays its part if this process is such a one, and then does not
// return. It is called at the beginning of TestMain.
func Child(open func(ctx context.Context, text string) (store.Store, error)) {
	text := os.Getenv(childStore)
	if text == "" {
		return
	}
	if err := child(open, text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(open func(ctx context.Context, text string) (store.Store, error), text string) error {
	s, err := open(context.Background(), text)
	if err != nil {
		return err
	}
	first, _ := strconv.Atoi(os.Getenv(childFirst))
	steps, _ := strconv.Atoi(os.Getenv(childSteps))
	w := &Writers{s: s, keys: []string{os.Getenv(childKey)}, first: first, callers: childCallers}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(context.Background(), steps, nil)
	}()
	for n, begin := int64(0), time.Now(); ; time.Sleep(time.Millisecond) {
		if time.Since(begin) > childTime {
			return fmt.Errorf("after %v there is no end", childTime)
		}
		if now := w.acknowledged.Load(); now > n {
			n = now
			fmt.Println(n)
		}
		select {
		case <-done:
			for _, err := range w.wrong {
				if steps < 1<<30 || !strings.HasSuffix(err.Error(), errGone.Error()) {
					return err
				}
			}
			return nil
		default:
		}
	}
}

// spawn starts another process and waits for its first change.
func spawn(t *testing.T, text, key string, first, steps int) (wait func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childStore+"="+text, childKey+"="+key,
		childFirst+"="+strconv.Itoa(first), childSteps+"="+strconv.Itoa(steps))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	return func() {
		t.Helper()
		for lines.Scan() {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("another process: %v\n%s", err, stderr.String())
		}
	}
}

// Elsewhere is the part of [Run] in two other processes.
func Elsewhere(t *testing.T, s store.Store, text string) {
	const key = "elsewhere-"
	prepare := func(key string) {
		t.Helper()
		if err := (&Writers{s: s, keys: []string{key}}).create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("nothing is lost by two processes", func(t *testing.T) {
		prepare(key + "a")
		const steps = 10
		wait1, wait2 := spawn(t, text, key+"a", 0, steps), spawn(t, text, key+"a", childCallers, steps)
		wait1()
		wait2()
		complete(t, s, key+"a", 2*childCallers, steps)
	})
	t.Run("delete wins over two processes", func(t *testing.T) {
		prepare(key + "b")
		wait1, wait2 := spawn(t, text, key+"b", 0, 1<<30), spawn(t, text, key+"b", childCallers, 1<<30)
		if err := s.Delete(t.Context(), key+"b"); err != nil {
			t.Fatal(err)
		}
		wait1()
		wait2()
		gone(t, s, key+"b")
	})
}
