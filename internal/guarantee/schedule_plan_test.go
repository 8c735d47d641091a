package guarantee_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom"
)

// A plan is all that a schedule depends on, so that it can be made smaller and
// be played again.
type plan struct {
	Life   int   `json:"life,omitempty"`   // index of lives
	Sealed bool  `json:"sealed,omitempty"` // Options.RecordKeys is set
	Batch  bool  `json:"batch,omitempty"`  // several records are saved at once, if the store can do that
	New    bool  `json:"new,omitempty"`    // the visitor has no session yet
	Finish int   `json:"finish,omitempty"` // how what is left of a failure is finished, see finish
	Acts   []act `json:"acts"`
	// Order says which of the requests that stand at a gate may go on. Zero and
	// what is missing at the end mean the one that went on before, or the first;
	// n means the nth, counted round and round.
	Order []int `json:"order,omitempty"`
}

// An act is one request of a schedule, or some time that passes.
type act struct {
	Kind      string `json:"kind"`
	Browser   int    `json:"browser,omitempty"` // see browsers
	Process   int    `json:"process,omitempty"` // of two on one store
	Early     bool   `json:"early,omitempty"`   // the session is loaded long before the answer
	Navigates bool   `json:"navigates,omitempty"`
	Gone      bool   `json:"gone,omitempty"`  // the visitor is, before the commit
	Fault     int    `json:"fault,omitempty"` // which of its store calls is the first to fail
	Fails     int    `json:"fails,omitempty"` // how many more of them fail
	Lost      bool   `json:"lost,omitempty"`  // it has taken effect all the same
	Wait      int    `json:"wait,omitempty"`  // seconds that pass
}

// Kinds of acts.
const (
	kindRead       = "read"
	kindWrite      = "write"
	kindCount      = "count"
	kindFlash      = "flash"
	kindTake       = "take"
	kindRemember   = "remember" // makes the cookie outlive the browser, so that it goes out again
	kindRegenerate = "regenerate"
	kindLogin      = "login" // regenerate and write
	kindLogout     = "logout"
	kindGoodbye    = "goodbye" // logout and a message
	kindJob        = "job"     // opens the ticket without HTTP, and commits several times
	kindStream     = "stream"  // uses the session again and again
	kindWait       = "wait"
)

// kinds is what the dice choose from; logins are what it is about.
var (
	kinds = []string{
		kindRead, kindRead, kindWrite, kindWrite, kindCount, kindFlash, kindTake, kindRemember, kindJob, kindStream,
		kindRegenerate, kindLogin, kindLogin, kindLogin, kindLogin, kindLogout, kindLogout, kindGoodbye, kindWait, kindWait,
	}
	turns = []string{kindLogin, kindLogin, kindLogin, kindLogout, kindLogout, kindWrite, kindRead, kindWait} // in some schedules there are only these
)

func (a *act) moves() bool { return a.Kind == kindRegenerate || a.Kind == kindLogin }
func (a *act) ends() bool  { return a.Kind == kindLogout || a.Kind == kindGoodbye }

// changes reports whether the act leaves something in a session that can be
// looked for.
func (a *act) changes() bool {
	return a.Kind == kindWrite || a.Kind == kindCount || a.Kind == kindLogin || a.Kind == kindFlash
}

// The browsers of a schedule.
const (
	visitor   = iota
	planter   // has a copy of the ticket that the visitor has at first
	bystander // has a session of its own
	browsers
)

// A life says how long sessions and cookies live, and how long nobody has used
// the session when the schedule begins.
type life struct {
	idle, lifetime time.Duration
	permanent      bool
	unused         time.Duration
}

const day = 24 * time.Hour

var lives = []life{
	{},
	{unused: 6 * time.Minute},  // a touch is due with the commit
	{unused: 16 * time.Minute}, // a touch is due with the first use
	{permanent: true, unused: 6 * time.Minute},
	{permanent: true, idle: 400 * day, lifetime: cloakroom.NoLimit},
	{permanent: true, idle: 400 * day, lifetime: cloakroom.NoLimit, unused: 101 * day}, // the cookie is sent again with the commit
	{permanent: true, idle: 150 * day, lifetime: cloakroom.NoLimit, unused: 101 * day}, // the cookie is sent again with the first use
}

// newPlan returns what the dice say.
func newPlan(dice *rand.Rand) plan {
	p := plan{
		Life:   dice.IntN(len(lives)),
		Sealed: dice.IntN(4) == 0,
		New:    dice.IntN(12) == 0,
		Finish: dice.IntN(finishes),
		Batch:  dice.IntN(2) == 0,
	}
	faulty, kinds := dice.IntN(2) == 0, kinds
	if dice.IntN(3) == 0 {
		kinds = turns
	}
	for range 2 + dice.IntN(3) {
		a := act{Kind: kinds[dice.IntN(len(kinds))], Process: dice.IntN(2)}
		if a.Kind == kindWait {
			a.Wait = []int{1, 3, 3, 40, 200}[dice.IntN(5)]
		} else {
			a.Early, a.Navigates, a.Gone = dice.IntN(2) == 0, dice.IntN(3) == 0, dice.IntN(15) == 0
			switch dice.IntN(10) {
			case 0, 1, 2:
				a.Browser = planter
			case 3:
				a.Browser = bystander
			}
			if faulty && dice.IntN(4) > 0 {
				a.Fault, a.Lost = 1+dice.IntN(5), dice.IntN(2) == 0
				if dice.IntN(3) == 0 {
					a.Fails = 1 + dice.IntN(3)
				}
			}
		}
		p.Acts = append(p.Acts, a)
	}
	half := dice.IntN(5) == 0
	if half { // it begins with a login that stops half way
		p.Acts[0] = act{Kind: kindLogin, Fault: 3 + dice.IntN(2), Lost: dice.IntN(2) == 0}
	}
	if dice.IntN(4) == 0 {
		return p // one after the other
	}
	p.Order = make([]int, 50)
	for i := range p.Order {
		if half && i < 6 {
			continue
		}
		if dice.IntN(3) > 0 {
			p.Order[i] = 1 + dice.IntN(len(p.Acts))
		}
	}
	return p
}

func (p plan) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// smaller yields plans that say a little less than p.
func (p plan) smaller(yield func(plan) bool) {
	change := func(f func(*plan)) bool {
		q := p
		q.Acts, q.Order = slices.Clone(p.Acts), slices.Clone(p.Order)
		f(&q)
		return q.String() == p.String() || yield(q)
	}
	for i := range p.Acts {
		if !change(func(q *plan) { q.Acts = slices.Delete(q.Acts, i, i+1) }) {
			return
		}
	}
	for n := len(p.Order) / 2; n > 0; n /= 2 {
		if !change(func(q *plan) { q.Order = q.Order[:len(q.Order)-n] }) {
			return
		}
	}
	for _, f := range []func(*plan){
		func(q *plan) { q.Life = 0 },
		func(q *plan) { q.Sealed = false },
		func(q *plan) { q.Batch = false },
		func(q *plan) { q.New = false },
		func(q *plan) { q.Finish = 0 },
	} {
		if !change(f) {
			return
		}
	}
	for i := range p.Acts {
		for _, f := range []func(*act){
			func(a *act) { *a = act{Kind: a.Kind, Wait: a.Wait} },
			func(a *act) { a.Fault, a.Fails, a.Lost = 0, 0, false },
			func(a *act) { a.Fails = 0 },
			func(a *act) { a.Lost = false },
			func(a *act) { a.Browser = 0 },
			func(a *act) { a.Process = 0 },
			func(a *act) { a.Early = false },
			func(a *act) { a.Navigates = false },
			func(a *act) { a.Gone = false },
			func(a *act) {
				if a.Kind == kindLogin {
					a.Kind = kindRegenerate
				}
			},
			func(a *act) {
				if a.Kind == kindGoodbye {
					a.Kind = kindLogout
				}
			},
		} {
			if !change(func(q *plan) { f(&q.Acts[i]) }) {
				return
			}
		}
	}
	for i := range p.Order {
		if !change(func(q *plan) { q.Order[i] = 0 }) || !change(func(q *plan) { q.Order = slices.Delete(q.Order, i, i+1) }) {
			return
		}
	}
}

// shrink returns the smallest of what failed for which fails holds, as it does
// for p, as far as it finds one.
func shrink[P any](p P, smaller func(P, func(P) bool), fails func(P) bool) P {
	for tries := 0; tries < 3000; {
		found := false
		for q := range func(yield func(P) bool) { smaller(p, yield) } {
			if tries++; fails(q) {
				p, found = q, true
				break
			}
		}
		if !found {
			break
		}
	}
	return p
}
