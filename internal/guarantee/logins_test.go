package guarantee_test

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/internal/logins"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Users: what is revoked never opens again, what is listed is what is there, and
// nobody loses a session or a write by a renewal, in random schedules of requests
// and administrators, in two processes on a store that fails at any step. To play
// one of them again, set loginsEnv to the plan that the failure printed, or to its
// seed.

const (
	loginSchedules      = 20_000
	loginFileSchedules  = 1_500
	shortLoginSchedules = 1_500 // and a tenth of that in files
	loginsEnv           = "CLOAKROOM_TEST_LOGINS"
)

func TestRandomLogins(t *testing.T) {
	t.Parallel()
	inMemory, inFiles := loginSchedules, loginFileSchedules
	if testing.Short() {
		inMemory, inFiles = shortLoginSchedules, shortLoginSchedules/10
	}
	for _, where := range []struct {
		name  string
		n     int
		files bool
	}{{"memory", inMemory, false}, {"files", inFiles, true}} {
		t.Run(where.name, func(t *testing.T) {
			dir := ""
			if where.files {
				dir = quickDir(t)
			}
			if text := os.Getenv(loginsEnv); text != "" {
				p := logins.Plan{}
				if seed, err := strconv.ParseUint(text, 10, 64); err == nil {
					p = logins.NewPlan(seed)
				} else if p, err = logins.ReadPlan(text); err != nil {
					t.Fatal(err)
				}
				if wrong := playLogins(t, dir, p); wrong != "" {
					t.Error(wrong)
				}
				return
			}
			first, played := uint64(time.Now().UnixNano()), atomic.Int64{}
			for worker := range runtime.GOMAXPROCS(0) {
				t.Run(fmt.Sprint("worker ", worker), func(t *testing.T) {
					t.Parallel()
					for n := played.Add(1); n <= int64(where.n) && !t.Failed(); n = played.Add(1) {
						p := logins.NewPlan(first + uint64(n))
						if playLogins(t, dir, p) == "" {
							continue
						}
						small := logins.Shrink(p, func(p logins.Plan) bool { return playLogins(t, dir, p) != "" })
						t.Errorf("%s='%s' plays it again, it is a part of %s=%d:\n%s", loginsEnv, small, loginsEnv, p.Seed, playLogins(t, dir, small))
					}
				})
			}
		})
	}
}

// playLogins plays a plan, in files below dir unless that is empty.
func playLogins(t *testing.T, dir string, p logins.Plan) (wrong string) {
	if dir != "" {
		name, err := os.MkdirTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(name)
		dir = name
	}
	synctest.Test(t, func(t *testing.T) {
		var s store.Store = memstore.New(memstore.Options{})
		if dir != "" {
			var err error
			if s, err = filestore.New(dir, filestore.Options{Unsynced: true, SweepInterval: -1}); err != nil {
				t.Fatal(err)
			}
		}
		defer s.(io.Closer).Close()
		wrong = logins.Play(logins.Stage{Store: s, Virtual: true}, p)
	})
	return wrong
}
