package guarantee_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"
)

// A story is what visitors do, one after the other.
type story []deed

// A deed is a request of a visitor, or what happens to visitors and processes.
type deed struct {
	Do      string `json:"do"`
	Visitor int    `json:"visitor,omitempty"`
	Process int    `json:"process,omitempty"`
	Fetch   bool   `json:"fetch,omitempty"` // the page asks, and not the visitor
	N       int    `json:"n,omitempty"`     // what is set, how long the wait is, and so on
	// During is another request, sent after this one has loaded its session and
	// answered before this one is saved.
	During *deed `json:"during,omitempty"`
}

// Deeds.
const (
	doVisit    = "visit"
	doSet      = "set"
	doUpdate   = "update"
	doFlash    = "flash"
	doShow     = "show" // the messages
	doGive     = "give" // what can be taken once
	doTake     = "take"
	doRemember = "remember" // makes the cookie outlive the browser
	doLogin    = "login"
	doLogout   = "logout"
	doGoodbye  = "goodbye" // logout and a message
	doPoll     = "poll"    // a passive visit

	doWait    = "wait"
	doRestart = "restart" // of a process, with other limits
	doQuit    = "quit"    // the browser
	doCopy    = "copy"    // the visitor gets the ticket of the next one: stolen, or planted
	doTwin    = "twin"    // the same, but into a cookie of a longer path
	doJunk    = "junk"    // a cookie of a longer path that nobody has given out
)

var (
	requests = []string{doVisit, doVisit, doSet, doSet, doUpdate, doFlash, doShow, doGive, doTake, doRemember, doLogin, doLogin, doLogout, doGoodbye, doPoll}
	waits    = []time.Duration{20 * time.Second, time.Minute, 4 * time.Minute, 9 * time.Minute, 16 * time.Minute, 31 * time.Minute, 100 * time.Minute, 7 * time.Hour, 3 * day}
)

// A limit is how long a process lets sessions live.
type limit struct{ idle, lifetime time.Duration }

var limits = []limit{
	{30 * time.Minute, 24 * time.Hour},
	{30 * time.Minute, time.Hour},
	{10 * time.Minute, 24 * time.Hour},
	{2 * time.Hour, 24 * time.Hour},
	{2 * time.Hour, 3 * time.Hour},
}

const visitors = 3

func (d *deed) asks() bool { return slices.Contains(requests, d.Do) }

// begins reports whether a request begins a session where there is none.
func (d *deed) begins() bool {
	switch d.Do {
	case doSet, doUpdate, doFlash, doGive, doRemember, doLogin, doGoodbye:
		return true
	}
	return false
}

func (d *deed) ends() bool { return d.Do == doLogout || d.Do == doGoodbye }

func newRequestDeed(dice *rand.Rand) deed {
	return deed{
		Do:      requests[dice.IntN(len(requests))],
		Visitor: dice.IntN(2) * dice.IntN(visitors), // mostly the first
		Process: dice.IntN(2),
		Fetch:   dice.IntN(3) == 0,
		N:       dice.IntN(3),
	}
}

func newStory(dice *rand.Rand) story {
	var s story
	for range 5 + dice.IntN(25) {
		d := newRequestDeed(dice)
		switch dice.IntN(12) {
		case 0, 1, 2:
			d = deed{Do: doWait, N: dice.IntN(len(waits))}
		case 3:
			d = deed{Do: doRestart, Process: d.Process, N: dice.IntN(len(limits))}
		case 4:
			d = deed{Do: []string{doQuit, doCopy, doCopy, doTwin, doJunk}[dice.IntN(5)], Visitor: dice.IntN(visitors), N: dice.IntN(3)}
		case 5, 6:
			during := newRequestDeed(dice)
			if dice.IntN(3) > 0 {
				during.Visitor = d.Visitor
			}
			d.During = &during
		}
		s = append(s, d)
	}
	return s
}

func (s story) String() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// smaller yields stories that say a little less than s.
func (s story) smaller(yield func(story) bool) {
	for n := len(s) / 2; n > 0; n /= 2 {
		for i := 0; i+n <= len(s); i += n {
			if !yield(slices.Delete(slices.Clone(s), i, i+n)) {
				return
			}
		}
	}
	change := func(i int, f func(*deed)) bool {
		smaller := slices.Clone(s)
		f(&smaller[i])
		return smaller.String() == s.String() || yield(smaller)
	}
	for i := range s {
		for _, f := range []func(*deed){
			func(d *deed) { d.During = nil },
			func(d *deed) {
				if d.During != nil {
					*d = *d.During
				}
			},
			func(d *deed) { d.Visitor = 0 },
			func(d *deed) { d.Process = 0 },
			func(d *deed) { d.Fetch = false },
			func(d *deed) { d.N = 0 },
			func(d *deed) { d.N = max(0, d.N-1) },
		} {
			if !change(i, f) {
				return
			}
		}
	}
}
