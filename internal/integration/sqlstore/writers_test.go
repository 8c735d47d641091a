package sqlstore_test

import (
	"strconv"
	"testing"
)

const (
	writers = 32 // in each of two processes
	steps   = 2  // of each
)

// eachStore calls f for each database and kind of comparison.
func eachStore(t *testing.T, f func(t *testing.T, p place, layout string)) {
	for _, p := range places {
		for _, layout := range []string{"layout=native", "layout=flask-sqlalchemy"} {
			t.Run(p.name+" "+layout, func(t *testing.T) {
				t.Parallel()
				f(t, p, layout)
			})
		}
	}
}

func TestManyWritersInTwoProcessesLoseNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, p place, layout string) {
		u := p.fresh(t, layout)
		s := open(t, u)
		put(t, s, "counter", "0")
		other := spawn(t, "count", u, "counter")
		if err := countTogether(t.Context(), s, "counter"); err != nil {
			t.Error(err)
		}
		other.finish(t)
		holds(t, s, "counter", strconv.Itoa(2*writers*steps))
	})
}

func TestDeleteBeatsEverySaveOfTwoProcesses(t *testing.T) {
	eachStore(t, func(t *testing.T, p place, layout string) {
		u := p.fresh(t, layout)
		s := open(t, u)
		put(t, s, "k", "begin")
		a, b := spawn(t, "save until gone", u, "k"), spawn(t, "save until gone", u, "k")
		a.out.Scan()
		b.out.Scan()
		if err := s.Delete(t.Context(), "k"); err != nil {
			t.Errorf("Delete = %v, want nil", err)
		}
		gone(t, s, "k")
		a.finish(t)
		b.finish(t)
		gone(t, s, "k")
		// Nor does anything hinder a new one.
		put(t, s, "k", "new")
		holds(t, s, "k", "new")
	})
}
