package sqlstore

import (
	"sync/atomic"
	"time"
)

// A pace is how much of its work one statement is given. What fits into a
// given time differs by a thousand between tables in memory and those full of
// rows that are deleted but still in the way of a long transaction. So it is
// learned. The zero pace is ready to use.
type pace struct{ n atomic.Int64 }

const (
	paceFirst = 20
	paceLeast = 10
	paceMost  = 1 << 30
	// paceTime is how long a statement should take at most.
	paceTime = 50 * time.Millisecond
)

// next is how much the next statement is given, but at most most.
func (p *pace) next(most int) int {
	n := int(p.n.Load())
	if n == 0 {
		n = paceFirst
	}
	return min(n, most)
}

// enough notes that n would have been enough. What a statement is given beyond
// that, the driver reads only to throw it away.
func (p *pace) enough(n int) { p.n.Store(int64(max(n, paceLeast))) }

// took notes that a statement was given n, which was all that there is if
// rest, and took so long.
func (p *pace) took(n int, rest bool, d time.Duration) {
	switch {
	case d > paceTime:
		p.n.Store(max(int64(n)*int64(paceTime)/int64(d), paceLeast))
	case d < paceTime/3 && !rest:
		p.n.Store(int64(min(n*2, paceMost)))
	}
}
