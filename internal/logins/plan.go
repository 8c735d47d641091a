// Package logins plays random schedules of users who log in, use, renew, list and
// end their sessions, on any store, and says what is wrong with what they get.
package logins

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
)

// A Plan is all that a schedule depends on, so that it can be made smaller and be
// played again.
type Plan struct {
	Max    int    `json:"max,omitempty"`    // Options.MaxPerUser
	Refuse bool   `json:"refuse,omitempty"` // Options.RefuseOverMax
	Renew  int    `json:"renew,omitempty"`  // minutes of Options.RenewEvery
	Sealed bool   `json:"sealed,omitempty"` // Options.RecordKeys are set
	Batch  bool   `json:"batch,omitempty"`  // several records are saved at once, if the store can do that
	Unused int    `json:"unused,omitempty"` // minutes in which nobody came before it begins
	Finish int    `json:"finish,omitempty"` // see finish
	Acts   []Act  `json:"acts"`
	Order  []int  `json:"order,omitempty"` // which of those that stand at a gate goes on: see choose
	Seed   uint64 `json:"-"`
}

// An Act is one request of a schedule, or something that an administrator does, or
// some time that passes.
type Act struct {
	Kind      string `json:"kind"`
	Browser   int    `json:"browser,omitempty"`
	User      int    `json:"user,omitempty"`    // who logs in, or whose sessions it is about: index of users
	Target    int    `json:"target,omitempty"`  // browser whose session is revoked, or spared
	Process   int    `json:"process,omitempty"` // of two on one store
	Early     bool   `json:"early,omitempty"`   // the session is loaded long before the answer
	Navigates bool   `json:"navigates,omitempty"`
	Gone      bool   `json:"gone,omitempty"`    // the visitor is, before the commit
	Unheard   bool   `json:"unheard,omitempty"` // the answer does not arrive
	Fault     int    `json:"fault,omitempty"`   // which of its store calls is the first to fail
	Fails     int    `json:"fails,omitempty"`   // how many more of them fail
	How       int    `json:"how,omitempty"`     // see the kinds of faults
	Wait      int    `json:"wait,omitempty"`    // seconds that pass
}

// Kinds of acts.
const (
	kindRead       = "read"
	kindWrite      = "write"
	kindCount      = "count"
	kindJob        = "job" // opens the ticket without HTTP, counts, and commits
	kindLogin      = "login"
	kindRegenerate = "regenerate"
	kindLogout     = "logout"
	kindDevices    = "devices"
	kindRevoke     = "revoke"
	kindRevokeUser = "revoke user"
	kindSpare      = "revoke others" // RevokeUser but for one session
	kindWait       = "wait"
)

// Kinds of faults.
const (
	faultBefore   = iota // the call does nothing
	faultLost            // it is done, and fails
	faultConflict        // a save does nothing, and says that somebody else was faster
	faultTwice           // a save is done, tried again by the client, and says so
	faults
)

var (
	kinds = []string{
		kindRead, kindRead, kindRead, kindWrite, kindWrite, kindCount, kindJob,
		kindLogin, kindLogin, kindLogin, kindLogin, kindRegenerate, kindLogout, kindDevices,
		kindRevoke, kindRevokeUser, kindRevokeUser, kindRevokeUser, kindSpare, kindSpare, kindWait,
	}
	renewals = []string{kindRead, kindRead, kindWrite, kindWrite, kindCount, kindCount, kindJob, kindWait, kindWait, kindRevokeUser, kindSpare, kindLogin, kindRegenerate, kindLogout}
	meetings = []string{kindLogin, kindLogin, kindLogin, kindRevokeUser, kindRevokeUser, kindSpare, kindRevoke}
)

// The users, and the browsers with which a schedule begins.
var users = []string{"alice", "bob"}

const (
	first     = iota // alice's
	second           // alice's, too
	others           // bob's
	anonymous        // with a session that nobody has logged in to
	blank            // without one
	thief            // has a copy of the first one's ticket
	browsers
)

// unsent returns the user of a browser at the beginning, or "".
func userOf(browser int) string {
	switch browser {
	case first, second, thief:
		return users[0]
	case others:
		return users[1]
	}
	return ""
}

func (a *Act) moves() bool { return a.Kind == kindLogin || a.Kind == kindRegenerate }
func (a *Act) revokes() bool {
	return a.Kind == kindRevoke || a.Kind == kindRevokeUser || a.Kind == kindSpare
}
func (a *Act) administers() bool { return a.revokes() || a.Kind == kindDevices }
func (a *Act) writes() bool {
	return a.Kind == kindWrite || a.Kind == kindCount || a.Kind == kindJob
}

// NewPlan returns what the dice say.
func NewPlan(seed uint64) Plan {
	dice := rand.New(rand.NewPCG(seed, 0))
	p := Plan{Sealed: dice.IntN(4) == 0, Finish: dice.IntN(finishes), Batch: dice.IntN(2) == 0, Seed: seed}
	kinds, faulty := kinds, dice.IntN(2) == 0
	switch dice.IntN(3) {
	case 0:
		p.Renew = []int{2, 60}[dice.IntN(2)]
		if dice.IntN(2) == 0 {
			kinds = renewals
		}
	case 1:
		kinds = meetings
	}
	if dice.IntN(3) == 0 {
		p.Max, p.Refuse = 1+dice.IntN(3), dice.IntN(3) == 0
	}
	if dice.IntN(4) == 0 {
		p.Unused = []int{6, 16}[dice.IntN(2)]
	}
	for range 2 + dice.IntN(4) {
		a := Act{Kind: kinds[dice.IntN(len(kinds))], Process: dice.IntN(2)}
		if a.Kind == kindWait {
			a.Wait = []int{1, 3, 31, 61, 200}[dice.IntN(5)]
			p.Acts = append(p.Acts, a)
			continue
		}
		a.Browser = []int{first, first, first, first, second, others, anonymous, blank, thief}[dice.IntN(9)]
		a.Target = []int{first, first, second, others}[dice.IntN(4)]
		a.User = dice.IntN(3) * dice.IntN(2) / 2 // mostly alice
		a.Early, a.Navigates = dice.IntN(2) == 0, dice.IntN(3) == 0
		a.Gone, a.Unheard = dice.IntN(15) == 0, dice.IntN(10) == 0
		if faulty && dice.IntN(3) > 0 {
			a.Fault, a.How = 1+dice.IntN(9), dice.IntN(faults)
			if dice.IntN(3) == 0 {
				a.Fails = 1 + dice.IntN(3)
			}
		}
		p.Acts = append(p.Acts, a)
	}
	if dice.IntN(4) == 0 {
		return p // one after the other
	}
	p.Order = make([]int, 70)
	for i := range p.Order {
		if dice.IntN(3) > 0 {
			p.Order[i] = 1 + dice.IntN(len(p.Acts))
		}
	}
	return p
}

// ReadPlan reads what String has written.
func ReadPlan(text string) (p Plan, err error) { return p, json.Unmarshal([]byte(text), &p) }

func (p Plan) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Smaller yields plans that say a little less than p.
func (p Plan) Smaller(yield func(Plan) bool) {
	change := func(f func(*Plan)) bool {
		q := p
		q.Acts, q.Order = slices.Clone(p.Acts), slices.Clone(p.Order)
		f(&q)
		return q.String() == p.String() || yield(q)
	}
	for i := range p.Acts {
		if !change(func(q *Plan) { q.Acts = slices.Delete(q.Acts, i, i+1) }) {
			return
		}
	}
	for n := len(p.Order) / 2; n > 0; n /= 2 {
		if !change(func(q *Plan) { q.Order = q.Order[:len(q.Order)-n] }) {
			return
		}
	}
	for _, f := range []func(*Plan){
		func(q *Plan) { q.Max, q.Refuse = 0, false },
		func(q *Plan) { q.Refuse = false },
		func(q *Plan) { q.Renew = 0 },
		func(q *Plan) { q.Sealed = false },
		func(q *Plan) { q.Batch = false },
		func(q *Plan) { q.Unused = 0 },
		func(q *Plan) { q.Finish = 0 },
	} {
		if !change(f) {
			return
		}
	}
	for i := range p.Acts {
		for _, f := range []func(*Act){
			func(a *Act) { a.Fault, a.Fails, a.How = 0, 0, 0 },
			func(a *Act) { a.Fails = 0 },
			func(a *Act) { a.How = faultBefore },
			func(a *Act) { a.Browser = first },
			func(a *Act) { a.Target = first },
			func(a *Act) { a.User = 0 },
			func(a *Act) { a.Process = 0 },
			func(a *Act) { a.Early = false },
			func(a *Act) { a.Navigates = false },
			func(a *Act) { a.Gone = false },
			func(a *Act) { a.Unheard = false },
		} {
			if !change(func(q *Plan) { f(&q.Acts[i]) }) {
				return
			}
		}
	}
	for i := range p.Order {
		if !change(func(q *Plan) { q.Order[i] = 0 }) || !change(func(q *Plan) { q.Order = slices.Delete(q.Order, i, i+1) }) {
			return
		}
	}
}

// Shrink returns the smallest of what failed for which fails holds, as it does for
// p, as far as it finds one.
func Shrink(p Plan, fails func(Plan) bool) Plan {
	for tries := 0; tries < 3000; {
		found := false
		for q := range p.Smaller {
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
