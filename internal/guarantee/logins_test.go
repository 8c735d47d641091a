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
	for _, where := range []struct {
		name  string
		n     int
		files bool
	}{{"memory", size(loginSchedules, shortLoginSchedules), false},
		{"files", size(loginFileSchedules, shortLoginSchedules/10), true}} {
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

// Plans that found something once.
var loginPlans = map[string]string{
	"half a login over another user's session, which is used":      `{"acts":[{"kind":"login","user":1,"fault":5},{"kind":"count","browser":5},{"kind":"read"}]}`,
	"half a login over nobody's session, and a revocation":         `{"acts":[{"kind":"login","browser":3,"fault":4,"how":1},{"kind":"revoke others"}]}`,
	"half a login over another user's, and a failing revocation":   `{"acts":[{"kind":"login","browser":2,"fault":4,"how":1},{"kind":"revoke others","fault":3},{"kind":"revoke user"},{"kind":"revoke","target":1}],"order":[4]}`,
	"half a move of a session that was renewed and revoked":        `{"renew":60,"acts":[{"kind":"job"},{"kind":"revoke user"},{"kind":"revoke others"},{"kind":"regenerate","fault":6},{"kind":"write"}],"order":[4,0,5]}`,
	"half a move of a session that is renewed later":               `{"renew":60,"finish":1,"acts":[{"kind":"regenerate","browser":2,"fault":4,"fails":3,"how":3}]}`,
	"a login's mark is saved twice, and a load fails":              `{"acts":[{"kind":"login","fault":5,"fails":1,"how":3}]}`,
	"a renewal's mark is saved twice":                              `{"renew":60,"acts":[{"kind":"regenerate"},{"kind":"count"},{"kind":"job","browser":1},{"kind":"write","browser":1,"fault":9,"how":3}],"order":[4,0,3]}`,
	"a regenerate of what is being revoked":                        `{"unused":16,"acts":[{"kind":"devices","fault":2},{"kind":"revoke others","target":2},{"kind":"logout"},{"kind":"count"},{"kind":"regenerate","early":true}],"order":[0,0,0,4,0,0,0,0,0,5]}`,
	"a regenerate at another login, and both are revoked":          `{"acts":[{"kind":"regenerate"},{"kind":"revoke others","target":2},{"kind":"login"}],"order":[0,0,0,3,0,1,3,0,1,3,0,2]}`,
	"a regenerate of what a login has ended, which was one more":   `{"max":1,"acts":[{"kind":"login","browser":4},{"kind":"regenerate"},{"kind":"write"}],"order":[5,0,3]}`,
	"half a renewal, and what is listed is revoked one by one":     `{"renew":2,"finish":1,"acts":[{"kind":"write","fault":6,"how":1}]}`,
	"half a renewal of what has been revoked":                      `{"renew":60,"acts":[{"kind":"revoke others","target":1},{"kind":"write","browser":4},{"kind":"read","fault":9}],"order":[2,0,0,2,0,0,0,3]}`,
	"half a login, and a renewal of what it was to take the place": `{"renew":2,"acts":[{"kind":"login","fault":5},{"kind":"count","browser":5}]}`,
}

func TestLoginsThatFoundSomething(t *testing.T) {
	for name, text := range loginPlans {
		p, err := logins.ReadPlan(text)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := playLogins(t, "", p); wrong != "" {
			t.Errorf("%s: %s\n%s", name, text, wrong)
		}
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
