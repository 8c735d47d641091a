package guarantee_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
)

// Guarantee 1: requests that change one session at the same time all keep
// their changes.

const writersOfOne = 64

// writerRounds is how many requests each writer makes.
func writerRounds() int { return size(400, 20) }

// patient leaves the writers the time that a slow disk and the race detector
// take; how a save ends that gets no turn is another test's subject.
func patient() cloakroom.Options {
	o := unlogged()
	o.StoreTimeout = 5 * time.Minute
	return o
}

func own(i int) string { return fmt.Sprintf("own %d", i) }

// writeTogether has writers, numbered from first on, change one session: each
// of them a value of its own, and all of them one counter. It returns how many
// requests were answered 200; those are all.
func writeTogether(t testing.TB, b *sitetest.Browser, first, writers, rounds int) int64 {
	var answered atomic.Int64
	var wg sync.WaitGroup
	for i := first; i < first+writers; i++ {
		wg.Go(func() {
			for round := 1; round <= rounds; round++ {
				a, err := b.Send(b.Request("/"), sitetest.Using(func(s *cloakroom.Session) {
					s.Set(own(i), round)
					sitetest.Count(s)
				}))
				if err != nil || !a.OK() {
					t.Errorf("writer %d, round %d: got %v, %v, want 200", i, round, a, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	wg.Wait()
	return answered.Load()
}

func checkTogether(t *testing.T, b *sitetest.Browser, rounds int, answered int64) {
	t.Helper()
	values := b.Values()
	if got := values["visits"]; got != answered {
		t.Errorf("the counter says %v, want %d, the number of requests answered 200", got, answered)
	}
	for i := range writersOfOne {
		if got := values[own(i)]; got != int64(rounds) {
			t.Errorf("the value of writer %d is %v, want %d", i, got, rounds)
		}
	}
}

func testTogether(t *testing.T, records store.Store, rounds int) {
	b := sitetest.NewOn(t, records, patient()).Begin(t, map[string]any{"name": "ada"})
	answered := writeTogether(t, b, 0, writersOfOne, rounds)
	checkTogether(t, b, rounds, answered)
}

func TestNoWriteIsLostInMemory(t *testing.T) {
	t.Parallel()
	testTogether(t, sitetest.Memory(t), writerRounds())
}

// On files the waiting for the disk would take minutes. What keeps writes from
// getting lost has no part in it, so here nobody waits; the next test does,
// with fewer rounds.
func TestNoWriteIsLostInFiles(t *testing.T) {
	t.Parallel()
	testTogether(t, sitetest.Files(t, quickDir(t), filestore.Options{Unsynced: true}), writerRounds())
}

func TestNoWriteIsLostInSyncedFiles(t *testing.T) {
	t.Parallel()
	testTogether(t, sitetest.Files(t, t.TempDir(), filestore.Options{}), 4)
}

// quickDir returns a directory in memory where the system has one.
func quickDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "cloakroom-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// processEnv tells a child of TestNoWriteIsLostAmongProcesses its part:
// directory, ticket, first writer, and rounds.
const processEnv = "CLOAKROOM_TEST_WRITER"

const processes = 4

func TestNoWriteIsLostAmongProcesses(t *testing.T) {
	if part := os.Getenv(processEnv); part != "" {
		writeAsChild(t, strings.Split(part, "\n"))
		return
	}
	t.Parallel()
	dir, rounds := quickDir(t), writerRounds()
	b := onFiles(t, dir).Begin(t, map[string]any{"name": "ada"})
	var answered atomic.Int64
	var wg sync.WaitGroup
	for p := range processes {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
			cmd.Env = append(os.Environ(), processEnv+"="+strings.Join([]string{
				dir, b.Ticket(), strconv.Itoa(p * writersOfOne / processes), strconv.Itoa(rounds)}, "\n"))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("process %d: %v\n%s", p, err, out)
				return
			}
			answered.Add(answeredBy(t, string(out)))
		})
	}
	wg.Wait()
	checkTogether(t, b, rounds, answered.Load())
}

func onFiles(t *testing.T, dir string) *sitetest.Site {
	return sitetest.NewOn(t, sitetest.Files(t, dir, filestore.Options{Unsynced: true}), patient())
}

func writeAsChild(t *testing.T, part []string) {
	first, _ := strconv.Atoi(part[2])
	rounds, _ := strconv.Atoi(part[3])
	n := writeTogether(t, onFiles(t, part[0]).Holder(t, part[1]), first, writersOfOne/processes, rounds)
	fmt.Printf("answered=%d\n", n)
}

func answeredBy(t *testing.T, out string) int64 {
	for line := range strings.Lines(out) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "answered="); ok {
			n, err := strconv.ParseInt(text, 10, 64)
			if err == nil {
				return n
			}
		}
	}
	t.Errorf("the process did not say how many requests it answered:\n%s", out)
	return 0
}
