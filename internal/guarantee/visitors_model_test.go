package guarantee_test

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// What the visitors of a story have to see: a model of sessions that knows
// neither stores nor records.

// A known is a session as the model knows it.
type known struct {
	number    int64 // a value of the session that tells it from others
	values    map[string]int64
	flashes   []string
	permanent bool
	created   time.Time

	// When it was used for the last time. A use need not be noted as long as less
	// than a tenth of the idle timeout has passed, so that there may be several
	// answers until the session is there or not.
	uses []use

	ended bool
	at    time.Time // when it ended, or moved
	next  *known    // where it has moved to
}

// A use is a last use and the idle timeout of the process that noted it.
type use struct {
	at   time.Time
	idle time.Duration
}

func (k *known) over() bool { return k.ended || k.next != nil }

// living reports whether u keeps a session alive under the limits of a process.
func (u use) living(l limit, now time.Time) bool {
	return now.Before(u.at.Add(min(u.idle, l.idle)))
}

// A verdict is what the model says about a session.
type verdict uint8

const (
	dead verdict = iota
	maybe
	alive
)

func (k *known) verdict(l limit, now time.Time) verdict {
	if k.over() || !now.Before(k.created.Add(l.lifetime)) {
		return dead
	}
	n := 0
	for _, u := range k.uses {
		if u.living(l, now) {
			n++
		}
	}
	switch n {
	case 0:
		return dead
	case len(k.uses):
		return alive
	default:
		return maybe
	}
}

// seen notes that a process has found the session alive, or has not.
func (k *known) seen(living bool, l limit, now time.Time) {
	k.uses = slices.DeleteFunc(slices.Clone(k.uses), func(u use) bool { return u.living(l, now) != living })
}

// used notes a use, which counts for sure when it has been answered.
func (k *known) used(l limit, now time.Time, answered bool) {
	noted := use{now, l.idle}
	uses := []use{noted}
	for _, u := range k.uses {
		if (!answered || now.Sub(u.at) < l.idle/10) && u != noted {
			uses = append(uses, u)
		}
	}
	k.uses = uses
}

// saved notes a change, which is a use that is noted for sure.
func (k *known) saved(l limit, now time.Time) { k.uses = []use{{now, l.idle}} }

// copy returns the session that a login makes of k.
func (k *known) copy() *known {
	c := *k
	c.values, c.flashes = maps.Clone(k.values), slices.Clone(k.flashes)
	return &c
}

// last returns where k has moved to.
func (k *known) last() *known {
	for k.next != nil {
		k = k.next
	}
	return k
}

// inFlight reports whether a request that begins now counts as one that was on
// its way when k ended.
func (k *known) inFlight(fetch bool, now time.Time) bool {
	limit := 2 * time.Second
	if fetch && k.next != nil {
		limit = 30 * time.Second
	}
	return k.over() && now.Before(k.at.Add(limit))
}

// find returns which of the sessions of a request's tickets is the one that the
// handler saw, whose number was seen; nil if that is 0 and has to be.
func find(tickets []*known, seen int64, l limit, now time.Time) (*known, error) {
	for _, k := range tickets {
		if k == nil {
			continue
		}
		v := k.verdict(l, now)
		switch {
		case k.number == seen && v == dead:
			return nil, fmt.Errorf("session %d is there, and should have ended", seen)
		case k.number == seen && !k.over():
			k.seen(true, l, now)
			return k, nil
		case v == alive:
			return nil, fmt.Errorf("session %d is not there, but session %d", k.number, seen)
		case v == maybe:
			k.seen(false, l, now)
		}
	}
	if seen != 0 {
		return nil, fmt.Errorf("session %d is there, whose ticket the visitor does not have", seen)
	}
	return nil, nil
}

// apply does to k what d does to its session.
func (k *known) apply(d *deed, shown []string) {
	switch d.Do {
	case doSet:
		k.values[fmt.Sprint("value ", d.N)] = int64(d.N)
	case doUpdate:
		k.values["count"]++
	case doGive:
		k.values["coupon"] = int64(d.N)
	case doFlash, doGoodbye:
		k.flashes = append(k.flashes, d.message())
	case doShow:
		for _, m := range shown {
			if i := slices.Index(k.flashes, m); i >= 0 {
				k.flashes = slices.Delete(slices.Clone(k.flashes), i, i+1)
			}
		}
	case doRemember:
		k.permanent = true
	case doLogin:
		k.values["user"] = int64(d.N)
	}
}

func (d *deed) message() string { return fmt.Sprint(d.Do, " ", d.N) }
