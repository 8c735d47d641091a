//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const (
	countProcesses  = 4
	countGoroutines = 4
	countEach       = 25
)

// childCount increments a counter that all share, and creates records of its
// own.
func childCount(dir string) error {
	s, err := New(dir, Options{SweepInterval: -1})
	if err != nil {
		return err
	}
	defer s.Close()
	errs := make(chan error, countGoroutines)
	for g := range countGoroutines {
		go func() {
			var err error
			for i := 0; i < countEach && err == nil; i++ {
				if err = increment(s, "counter"); err == nil {
					_, err = s.Save(context.Background(), fmt.Sprintf("own-%d-%d-%d", os.Getpid(), g, i),
						store.Record{}, store.Record{Data: []byte(strconv.Itoa(i))})
				}
			}
			errs <- err
		}()
	}
	for range countGoroutines {
		err = errors.Join(err, <-errs)
	}
	return err
}

// increment adds one to a record, as often as it takes.
func increment(s store.Store, key string) error {
	ctx := context.Background()
	for {
		r, err := s.Load(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n, _ := strconv.Atoi(string(r.Data))
		_, err = s.Save(ctx, key, r, store.Record{Data: []byte(strconv.Itoa(n + 1))})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func TestProcessesLoseNoWrite(t *testing.T) {
	s := quiet(t)
	var children []*child
	for range countProcesses {
		children = append(children, spawn(t, "count", s.dir))
	}
	for _, c := range children {
		c.end(t)
	}
	const total = countProcesses * countGoroutines * countEach
	wants(t, s, "counter", strconv.Itoa(total))
	own := 0
	for e, err := range s.List(t.Context(), "own-") {
		if err != nil {
			t.Fatalf("List = %v, want nil", err)
		}
		if i := e.Key[strings.LastIndexByte(e.Key, '-')+1:]; string(e.Record.Data) != i {
			t.Errorf("a record has data %q, want %q", e.Record.Data, i)
		}
		own++
	}
	if own != total {
		t.Errorf("%d own records, want %d", own, total)
	}
}

// childSave saves in a loop until it is killed, and writes a line before and
// after each save.
func childSave(dir string, opts Options) error {
	opts.SweepInterval = -1
	s, err := New(dir, opts)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	var mu sync.Mutex
	say := func(args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(out, args...)
		out.Flush()
	}
	errs := make(chan error)
	for g := range 3 {
		go func() {
			key := "record-" + strconv.Itoa(g)
			for {
				r, err := s.Load(context.Background(), key)
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					errs <- err
					return
				}
				n := generation(r.Data) + 1
				say("begin", g, n)
				next := store.Record{Data: bulk(n), Expires: time.Now().Add(time.Hour)}
				if r, err = s.Save(context.Background(), key, r, next); err == nil {
					err = s.Touch(context.Background(), key, r, next.Expires.Add(time.Hour))
				}
				if err != nil {
					errs <- err
					return
				}
				say("saved", g, n)
			}
		}()
	}
	return <-errs
}

// bulk is data of which a part is not taken for the whole: n, repeated.
func bulk(n int) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("%08d", n), 1+n%2000))
}

// generation is the n of a bulk, or -1 if data is none.
func generation(data []byte) int {
	if len(data) == 0 {
		return 0
	}
	n, err := strconv.Atoi(string(data[:min(8, len(data))]))
	if err != nil || string(bulk(n)) != string(data) {
		return -1
	}
	return n
}

func TestKilledProcessesLeaveWholeRecords(t *testing.T) {
	t.Run("synced", func(t *testing.T) { testKills(t, "save", 60) })
	t.Run("unsynced", func(t *testing.T) { testKills(t, "fast save", 600) })
}

// testKills kills processes, each after it has written up to so many lines.
func testKills(t *testing.T, part string, lines int) {
	kills := 30
	if testing.Short() {
		kills = 8
	}
	s := quiet(t)
	begun, saved := [3]int{}, [3]int{}
	for range kills {
		c := spawn(t, part, s.dir)
		for left := rand.IntN(lines); c.out.Scan(); left-- {
			var what string
			var g, n int
			fmt.Sscan(c.out.Text(), &what, &g, &n)
			if what == "begin" {
				begun[g] = max(begun[g], n)
			} else {
				saved[g] = max(saved[g], n)
			}
			if left == 0 {
				c.Process.Kill() // and read on what it had written
			}
		}
		c.Wait()
		if c.stderr.Len() > 0 {
			t.Fatalf("the child failed: %s", c.stderr.Bytes())
		}
		for g := range 3 {
			r, err := s.Load(t.Context(), "record-"+strconv.Itoa(g))
			if err != nil && !(saved[g] == 0 && errors.Is(err, store.ErrNotFound)) {
				t.Fatalf("Load after a kill = %v", err)
			}
			if n := generation(r.Data); n < saved[g] || n > begun[g] {
				t.Fatalf("generation %d after a kill, want %d to %d", n, saved[g], begun[g])
			}
		}
	}
	if _, err := s.DeleteExpired(t.Context(), 10); err != nil {
		t.Fatalf("DeleteExpired = %v, want nil", err)
	}
	for _, file := range files(t, s.dir) {
		if _, ok := parseName(filepath.Base(file)); !ok && !strings.HasPrefix(file, locksDir) && file != formatFile && file != identityFile {
			t.Errorf("left behind: %s", file)
		}
	}
}

// files are the paths of all files below dir.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
