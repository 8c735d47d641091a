//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package cachelibstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Other processes are this test binary again, told by its environment which
// part to play.
const (
	childPart = "CACHELIBSTORE_TEST_PART"
	childDir  = "CACHELIBSTORE_TEST_DIR"
)

var parts = map[string]func(dir string) error{"count": childCount, "save": childSave, "umask": childUmask}

func TestMain(m *testing.M) {
	if part := os.Getenv(childPart); part != "" {
		if err := parts[part](os.Getenv(childDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(t *testing.T, part, dir string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childPart+"="+part, childDir+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

const countProcesses, countEach = 4, 60

// childCount increments a counter that all share, and creates records of its
// own.
func childCount(dir string) error {
	s, err := New(dir, Options{Unsynced: true, Threshold: 10000})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	for i := range countEach {
		if err := increment(s); err != nil {
			return err
		}
		key := fmt.Sprintf("own-%d-%d", os.Getpid(), i)
		if _, err := s.Save(ctx, key, store.Record{}, store.Record{Data: []byte("v")}); err != nil {
			return err
		}
		if i%3 == 0 {
			if err := s.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// increment adds one to the counter, as often as it takes.
func increment(s *Store) error {
	for {
		r, err := s.Load(context.Background(), "counter")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			return err
		}
		_, err = s.Save(context.Background(), "counter", r, store.Record{Data: []byte(strconv.Itoa(n + 1))})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func TestProcessesLoseNoWriteAndCountRight(t *testing.T) {
	s := quiet(t)
	put(t, s, "counter", "0", time.Time{})
	var children []*exec.Cmd
	for range countProcesses {
		c := child(t, "count", s.dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, c)
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Errorf("a child failed: %v", err)
		}
	}
	wants(t, s, "counter", strconv.Itoa(countProcesses*countEach))
	counts(t, s, countProcesses*countEach*2/3+1)
	if got := len(fileNames(t, s.dir)); got != countProcesses*countEach*2/3+2 {
		t.Errorf("%d files, want %d", got, countProcesses*countEach*2/3+2)
	}
	tidy(t, s.dir)
}

// childSave saves in a loop until it is killed, and writes a line before and
// after each save.
func childSave(dir string) error {
	s, err := New(dir, Options{Unsynced: true})
	if err != nil {
		return err
	}
	ctx := context.Background()
	for {
		r, err := s.Load(ctx, "k")
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n := generation(r.Data) + 1
		fmt.Println("begin", n)
		if _, err := s.Save(ctx, "k", r, store.Record{Data: bulk(n)}); err != nil {
			return err
		}
		if err := s.Touch(ctx, "k", r, time.Time{}); err != nil {
			return err
		}
		fmt.Println("saved", n)
	}
}

// bulk is data of which a part is not taken for the whole: n, repeated.
func bulk(n int) []byte { return []byte(strings.Repeat(fmt.Sprintf("%08d", n), 1+n%2000)) }

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
	s := quiet(t)
	begun, saved := 0, 0
	for range 25 {
		c := child(t, "save", s.dir)
		out, err := c.StdoutPipe()
		if err := errors.Join(err, c.Start()); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for left := 1 + rand.IntN(60); lines.Scan(); left-- {
			var what string
			var n int
			fmt.Sscan(lines.Text(), &what, &n)
			if begun = max(begun, n); what == "saved" {
				saved = max(saved, n)
			}
			if left == 0 {
				c.Process.Kill() // and read on what it had written
			}
		}
		c.Wait()
		r, err := s.Load(t.Context(), "k")
		if err != nil && !(saved == 0 && errors.Is(err, store.ErrNotFound)) {
			t.Fatalf("Load after a kill = %v", err)
		}
		if n := generation(r.Data); n < saved || n > begun {
			t.Fatalf("generation %d after a kill, want %d to %d", n, saved, begun)
		}
	}
	s.now = func() time.Time { return time.Now().Add(2 * leftoverAge) }
	if _, err := s.DeleteExpired(t.Context(), 10); err != nil {
		t.Fatalf("DeleteExpired = %v, want nil", err)
	}
	tidy(t, s.dir)
	at(t, s.dir, Options{}, vectorNow) // counts anew
	counts(t, s, 1)
}

func childUmask(dir string) error {
	syscall.Umask(0o777)
	s, err := New(dir, Options{Unsynced: true, Mode: 0o640})
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Save(context.Background(), "k", store.Record{}, store.Record{Data: []byte("v")})
	return err
}

func TestModesWhateverTheUmask(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	if err := child(t, "umask", dir).Run(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"": fs.ModeDir | 0o750, nameOf("k"): 0o640, countFile: 0o640, lockFile: 0o640, turnFile: 0o640} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode() != want {
			t.Errorf("%q has mode %v, %v, want %v", name, fi.Mode(), err, want)
		}
	}
}
