package engine_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// alive visits the site after each pause and tells how often the session was
// still there.
func alive(t *testing.T, opts cloakroom.Options, pauses ...time.Duration) (n int) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, opts)
		b := s.Browser(t)
		b.OK(sitetest.SetUser)
		for _, pause := range pauses {
			time.Sleep(pause)
			b.OK(func(s *cloakroom.Session) {
				if s.Has("user") {
					n++
				}
			})
		}
	})
	return n
}

func TestSessionsEndInTime(t *testing.T) {
	const min, hour, ms = time.Minute, time.Hour, time.Millisecond
	for name, c := range map[string]struct {
		opts   cloakroom.Options
		pauses []time.Duration
		want   int
	}{
		"used within the idle timeout":          {cloakroom.Options{}, slices.Repeat([]time.Duration{29 * min}, 20), 20},
		"not used for the idle timeout":         {cloakroom.Options{}, []time.Duration{30 * min}, 0},
		"just within the idle timeout":          {cloakroom.Options{}, []time.Duration{30*min - ms}, 1},
		"used until the lifetime is over":       {cloakroom.Options{}, slices.Repeat([]time.Duration{20 * min}, 80), 71},
		"a long touch interval ends it earlier": {cloakroom.Options{IdleTimeout: hour, TouchInterval: 40 * min}, []time.Duration{39 * min, 22 * min}, 1},
		"a short one does not":                  {cloakroom.Options{IdleTimeout: hour, TouchInterval: 1}, []time.Duration{39 * min, 22 * min}, 2},
		"no idle timeout":                       {cloakroom.Options{IdleTimeout: cloakroom.NoLimit}, []time.Duration{23 * hour, 59 * min, min}, 2},
		"no lifetime":                           {cloakroom.Options{Lifetime: cloakroom.NoLimit, IdleTimeout: hour}, slices.Repeat([]time.Duration{59 * min}, 100), 100},
		"a lifetime below the idle timeout":     {cloakroom.Options{Lifetime: 10 * min}, []time.Duration{5 * min, 4 * min, min}, 2},
	} {
		if got := alive(t, c.opts, c.pauses...); got != c.want {
			t.Errorf("%s: alive at %d visits, want %d", name, got, c.want)
		}
	}
}

func TestExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{Lifetime: time.Hour})
		b := s.Browser(t)
		in := func(want time.Duration) func(*cloakroom.Session) {
			return func(s *cloakroom.Session) {
				t.Helper()
				if got := time.Until(s.Expires()); got != want {
					t.Errorf("Expires in %v, want %v", got, want)
				}
			}
		}
		b.OK(in(30 * time.Minute)) // if something were set
		b.OK(sitetest.SetUser)
		time.Sleep(2 * time.Minute)
		b.OK(in(28 * time.Minute)) // too early to be moved on
		time.Sleep(2 * time.Minute)
		b.OK(in(30 * time.Minute)) // will be moved on
		time.Sleep(2 * time.Minute)
		b.OK(func(s *cloakroom.Session) { s.Set("x", 1); in(30 * time.Minute)(s) })
		time.Sleep(29 * time.Minute)
		b.OK(in(25 * time.Minute)) // the lifetime's end
	})
}
