package guarantee_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// Guarantee 2, and guarantee 1 under regenerate: random schedules of requests
// of one visitor. To run one of them again, set scheduleEnv to the seed that
// the failure printed.

const (
	schedules      = 10_000
	shortSchedules = 300
	scheduleEnv    = "CLOAKROOM_TEST_SCHEDULE"

	// scheduleMark is a value of the session that a play begins with.
	scheduleMark = "mark"
)

func TestRandomSchedules(t *testing.T) {
	t.Parallel()
	if text := os.Getenv(scheduleEnv); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		playSchedule(t, seed)
		return
	}
	first, n := uint64(time.Now().UnixNano()), uint64(schedules)
	if testing.Short() {
		n = shortSchedules
	}
	for seed := first; seed < first+n; seed++ {
		playSchedule(t, seed)
	}
}

// The kinds of requests of a schedule.
const (
	kindRead = iota
	kindWrite
	kindCount
	kindRegenerate
	kindLogin // regenerate and write
	kindLogout
	kindGoodbye // logout and a message
	kinds
)

var kindNames = [kinds]string{"read", "write", "count", "regenerate", "login", "logout", "goodbye"}

// a play is a schedule with what its requests are.
type play struct {
	*testing.T
	*schedule
	actors []*actor
	kind   map[*actor]int
	dead   map[string]string // tickets that must open nothing, and since when
}

// playSchedule plays the schedule of a seed. If it fails, so does t at once.
func playSchedule(t *testing.T, seed uint64) {
	synctest.Test(t, func(t *testing.T) {
		s := newSchedule(t, rand.New(rand.NewPCG(seed, 0)))
		defer func() {
			if t.Failed() {
				t.Logf("schedule %d (%s=%d runs it again):\n%s", seed, scheduleEnv, seed, strings.Join(s.trace, "\n"))
			}
		}()
		s.jar = s.site.Begin(t, map[string]any{scheduleMark: "old"}).Ticket()
		if s.dice.IntN(2) == 0 {
			time.Sleep(cloakroom.DefaultIdleTimeout / 2) // so that those who only read touch the record
		}
		p := &play{T: t, schedule: s, kind: map[*actor]int{}, dead: map[string]string{}}
		for i := range 2 + s.dice.IntN(3) {
			p.add(i, s.dice.IntN(kinds))
		}
		s.onGate = p.checkAlways
		s.run(p.actors)
		p.checkEnd()
	})
}

// add adds a request that stops between the steps of its handler.
func (p *play) add(i, kind int) {
	a := &actor{name: fmt.Sprintf("%s %d", kindNames[kind], i)}
	a.page = func(w http.ResponseWriter, r *http.Request) {
		s := cloakroom.From(r)
		if p.dice.IntN(2) == 0 {
			s.Get(scheduleMark) // loads now rather than later
			p.pass(r.Context(), "has the session")
		}
		switch kind {
		case kindWrite:
			s.Set(a.name, true)
		case kindCount:
			sitetest.Count(s)
		case kindRegenerate:
			s.Regenerate()
		case kindLogin:
			s.Regenerate()
			s.Set(a.name, true)
		case kindLogout:
			s.Destroy()
		case kindGoodbye:
			s.Destroy()
			s.Flash("info", "Goodbye.")
		default:
			s.Get(scheduleMark)
		}
		p.pass(r.Context(), "writes")
		io.WriteString(w, "done")
	}
	p.actors = append(p.actors, a)
	p.kind[a] = kind
}

func (p *play) ends(a *actor) bool { return p.kind[a] == kindLogout || p.kind[a] == kindGoodbye }

// checkAlways looks, after every step, for what must never be from the answer
// to a logout or regenerate on.
func (p *play) checkAlways() {
	for _, a := range p.answered {
		if a.old != "" && (p.ends(a) || a.moved) {
			p.dead[a.old] = a.name
		}
	}
	for ticket, since := range p.dead {
		if _, err := p.site.Store.Unwrap().Load(p.Context(), storeKey(ticket)); err == nil {
			p.Errorf("the record that %s ended is there again", since)
		}
	}
}

// checkEnd compares what is left with what was answered.
func (p *play) checkEnd() {
	p.checkAnswers()
	left := p.sessionsLeft()
	switch {
	case p.ended() && len(left) > 0:
		p.Errorf("the session was ended, and %d records of it are left", len(left))
	case p.ended():
		if p.jar != "" && p.site.Values(p, p.jar)[scheduleMark] != nil {
			p.Errorf("the browser's ticket opens the session that was ended")
		}
	case len(left) != 1:
		p.Errorf("%d records of the session are left, want 1", len(left))
	default:
		p.checkWrites(left[0])
	}
}

// ended reports whether a request ended the session while it was there.
func (p *play) ended() bool {
	for _, a := range p.actors {
		if p.ends(a) && a.deleted {
			return true
		}
	}
	return false
}

// checkAnswers looks at what the visitor was told, in the order of time.
func (p *play) checkAnswers() {
	dead := map[string]string{}
	for _, a := range p.answered {
		if a.code != http.StatusOK {
			p.Errorf("%s: got %d, want 200", a.name, a.code)
		}
		if since := dead[a.ticket]; since != "" {
			p.Errorf("%s set the ticket that %s had ended", a.name, since)
		}
		if a.old != "" && (p.ends(a) || a.moved) {
			dead[a.old] = a.name
		}
	}
}

// checkWrites looks for the changes that were answered 200 and not dropped.
func (p *play) checkWrites(ticket string) {
	values := p.site.Values(p, ticket)
	var counted int64
	for _, a := range p.actors {
		if a.dropped || !a.found {
			continue
		}
		switch p.kind[a] {
		case kindCount:
			counted++
		case kindWrite, kindLogin:
			if values[a.name] != true {
				p.Errorf("what %s set is lost", a.name)
			}
		}
	}
	if got, _ := values["visits"].(int64); got != counted {
		p.Errorf("the counter says %d, want %d", got, counted)
	}
}

// sessionsLeft returns the tickets of the records that hold the old session.
func (p *play) sessionsLeft() []string {
	var left []string
	for key := range p.site.Records(p) {
		ticket := strings.TrimPrefix(key, cloakroom.DefaultKeyPrefix)
		if p.site.Values(p, ticket)[scheduleMark] != nil {
			left = append(left, ticket)
		}
	}
	return left
}
