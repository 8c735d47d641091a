package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// Idle timeouts and lifetimes that sessions have of their own.

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
	none   = cloakroom.NoLimit
)

// own returns a use that gives a session limits of its own.
func own(idle, life time.Duration) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) {
		s.SetIdleTimeout(idle)
		s.SetLifetime(life)
		sitetest.SetUser(s)
	}
}

func afterLogin(use func(*cloakroom.Session)) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) {
		s.Login("ada")
		use(s)
	}
}

// everyKind runs f in a bubble with a site on each store, and with one whose
// sessions are sealed in their cookies.
func everyKind(t *testing.T, opts cloakroom.Options, f func(t *testing.T, s *sitetest.Site)) {
	clocked(t, func(t *testing.T, records store.Store) { f(t, sitetest.NewOn(t, records, opts)) })
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(123 * time.Millisecond)
		f(t, sitetest.NewSealed(t, opts))
	})
}

func TestLimitsOfItsOwn(t *testing.T) {
	long := cloakroom.Options{MaxIdleTimeout: 2 * day, MaxLifetime: 5 * day}
	for name, c := range map[string]struct {
		opts      cloakroom.Options
		begin     func(*cloakroom.Session)
		idle, age time.Duration // after which it ends; NoLimit if never
	}{
		"nothing of its own":        {long, own(0, 0), 30 * minute, day},
		"shorter timeout":           {long, own(5*minute, 0), 5 * minute, day},
		"longer timeout":            {long, own(10*hour, 0), 10 * hour, day},
		"shorter lifetime":          {long, own(0, 3*hour), 30 * minute, 3 * hour},
		"lifetime below timeout":    {long, own(0, 10*minute), 10 * minute, 10 * minute},
		"longer lifetime":           {long, own(0, 30*hour), 30 * minute, 30 * hour},
		"both longer":               {long, own(2*day, 5*day), 2 * day, 5 * day},
		"a timeout that is no more": {cloakroom.Options{MaxIdleTimeout: none}, own(none, 0), day, day},
		"a lifetime that is no more": {
			cloakroom.Options{MaxLifetime: none}, own(0, none), 30 * minute, none},
		"neither usual, both its own": {
			cloakroom.Options{IdleTimeout: none}, own(hour, 5*hour), hour, 5 * hour},
		"anonymous": {
			cloakroom.Options{AnonymousIdle: 5 * minute}, own(0, 0), 5 * minute, day},
		"anonymous without a usual timeout": {
			cloakroom.Options{IdleTimeout: none, AnonymousIdle: hour}, own(0, 0), hour, day},
		"logged in": {
			cloakroom.Options{AnonymousIdle: 5 * minute}, afterLogin(own(0, 0)), 30 * minute, day},
		"anonymous with its own": {
			cloakroom.Options{AnonymousIdle: 5 * minute}, own(20*minute, 0), 20 * minute, day},
		"logged in and remembered": {
			cloakroom.Options{AnonymousIdle: 5 * minute, MaxIdleTimeout: 2 * day, MaxLifetime: 2 * day},
			afterLogin(own(2*day, 2*day)), 2 * day, 2 * day},
	} {
		t.Run(name, func(t *testing.T) {
			everyKind(t, c.opts, func(t *testing.T, s *sitetest.Site) {
				mustEnd(t, s, c.begin, c.idle, c.age)
			})
		})
	}
}

// mustEnd checks that a session which begins with a use ends when it was not used
// for so long, and at an age, and that Expires says so.
func mustEnd(t *testing.T, s *sitetest.Site, begin func(*cloakroom.Session), idle, age time.Duration) {
	t.Helper()
	at := func(unused time.Duration) *sitetest.Browser {
		b := s.Browser(t)
		b.OK(begin)
		time.Sleep(unused)
		return b
	}
	mustLive(t, at(idle-time.Second), "a second before it has been unused for too long")
	mustBeOver(t, at(idle), "unused for too long")

	b := s.Browser(t)
	var said time.Time
	b.OK(func(s *cloakroom.Session) {
		begin(s)
		said = s.Expires()
	})
	if left := time.Until(said); left < idle-2*time.Second || left > idle {
		t.Errorf("Expires says that it ends in %v, want %v", left, idle)
	}
	if age == none {
		return
	}
	step := idle * 4 / 5
	for left := age; left > 0; left -= step {
		mustLive(t, b, "in use, younger than its lifetime")
		time.Sleep(min(step, left))
	}
	mustBeOver(t, b, "older than its lifetime")
}

// The upper limits may be changed. A session goes by those of today.
func TestUpperLimitsAreChanged(t *testing.T) {
	wide := cloakroom.Options{MaxIdleTimeout: 10 * day, MaxLifetime: 20 * day}
	narrow := cloakroom.Options{MaxIdleTimeout: 2 * day, MaxLifetime: 4 * day}
	for name, c := range map[string]struct {
		begin, then cloakroom.Options
		use         func(*cloakroom.Session)
		idle, age   time.Duration
	}{
		"lowered":                  {wide, narrow, own(10*day, 20*day), 2 * day, 4 * day},
		"lowered to the usual":     {wide, cloakroom.Options{}, own(10*day, 20*day), 30 * minute, day},
		"lowered from no lifetime": {cloakroom.Options{MaxIdleTimeout: 10 * day, MaxLifetime: none}, narrow, own(10*day, none), 2 * day, 4 * day},
		"raised":                   {narrow, wide, own(2*day, 4*day), 2 * day, 4 * day},
		"the usual ones alone":     {wide, cloakroom.Options{IdleTimeout: hour, Lifetime: 2 * hour, MaxIdleTimeout: 10 * day, MaxLifetime: 20 * day}, own(3*day, 10*day), 3 * day, 10 * day},
	} {
		t.Run(name, func(t *testing.T) {
			for _, unused := range []struct {
				after time.Duration
				lives bool
			}{{c.idle - time.Minute, true}, {c.idle, false}} {
				clocked(t, func(t *testing.T, records store.Store) {
					c.begin.PlainIDs, c.then.PlainIDs = true, true
					b := sitetest.NewOn(t, records, c.begin).Browser(t)
					b.OK(c.use)
					b = sitetest.NewOn(t, records, c.then).Holder(t, b.Ticket())
					time.Sleep(unused.after)
					b.OK(sitetest.Has(t, fmt.Sprint("unused for ", unused.after), unused.lives))
					if unused.lives {
						for left := c.age - unused.after; left > 0; left -= c.idle / 2 {
							mustLive(t, b, "in use")
							time.Sleep(min(left, c.idle/2))
						}
						mustBeOver(t, b, "at its lifetime")
					}
				})
			}
		})
	}
}

// Without a timeout the last use is not known. One that comes with a lower limit
// counts from the next use.
func TestUpperLimitWhereThereWasNone(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		b := sitetest.NewOn(t, records, cloakroom.Options{MaxIdleTimeout: none, MaxLifetime: 60 * day}).Browser(t)
		b.OK(own(none, 60*day))
		b = sitetest.NewOn(t, records, cloakroom.Options{MaxIdleTimeout: 2 * day, MaxLifetime: 60 * day}).Holder(t, b.Ticket())
		time.Sleep(20 * day)
		mustLive(t, b, "unused for 20 days before the limit was known")
		time.Sleep(2 * day)
		mustBeOver(t, b, "unused for the new limit")
	})
}

// What was cut comes back with the upper limit, from the next use on.
func TestUpperLimitsAreLoweredAndRaised(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		wide := cloakroom.Options{PlainIDs: true, MaxIdleTimeout: 6 * day, MaxLifetime: 12 * day}
		narrow := cloakroom.Options{PlainIDs: true, MaxIdleTimeout: 2 * day, MaxLifetime: 5 * day}
		b := sitetest.NewOn(t, records, wide).Browser(t)
		b.OK(own(6*day, 12*day))
		time.Sleep(day)
		mustLive(t, sitetest.NewOn(t, records, narrow).Holder(t, b.Ticket()), "lowered")
		time.Sleep(day)
		mustLive(t, b, "raised again, in the time that was said")
		time.Sleep(5 * day)
		mustLive(t, b, "raised again")
	})
}

// A short timeout of its own does not end a session that is in use, and none makes
// each request a write.
func TestTouchesOfItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		opts cloakroom.Options
		idle time.Duration
		want int // touches in two hours of use each minute
	}{
		"a tenth of a shorter timeout":         {cloakroom.Options{}, 20 * minute, 60},
		"at each use, for a very short one":    {cloakroom.Options{}, 2 * minute, 120},
		"the usual interval, for a longer one": {cloakroom.Options{MaxIdleTimeout: day}, day, 40},
		"where no timeout is usual":            {cloakroom.Options{IdleTimeout: none}, hour, 20},
		"anonymous":                            {cloakroom.Options{IdleTimeout: none, AnonymousIdle: hour}, 0, 20},
		"a long interval":                      {cloakroom.Options{IdleTimeout: 2 * hour, TouchInterval: hour}, 20 * minute, 60},
		"a long interval and timeout":          {cloakroom.Options{IdleTimeout: 2 * hour, TouchInterval: hour, MaxIdleTimeout: day}, day, 2},
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, c.opts)
				b := s.Browser(t)
				b.OK(own(c.idle, 0))
				for range 120 {
					time.Sleep(minute)
					mustLive(t, b, "used each minute")
				}
				if got := len(s.Store.Calls(cloakroomtest.OpTouch)); got != c.want {
					t.Errorf("%d touches, want %d", got, c.want)
				}
			})
		})
	}
}

// A long request with a short timeout of its own counts its uses in time.
func TestLongRequestWithAShortTimeout(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		b := sitetest.NewOn(t, records, cloakroom.Options{}).Browser(t)
		b.OK(own(minute, 0))
		b.OK(func(s *cloakroom.Session) {
			for range 20 {
				time.Sleep(50 * time.Second)
				if !s.Has("user") {
					t.Fatal("the session has ended in use")
				}
			}
		})
		mustLive(t, b, "after the request")
	})
}

func TestLimitsOfItsOwnStay(t *testing.T) {
	opts := cloakroom.Options{MaxIdleTimeout: 30 * day, MaxLifetime: 60 * day}
	begin := own(2*day, 6*day)
	for name, c := range map[string]struct {
		then func(*cloakroom.Session)
		idle time.Duration
	}{
		"at Regenerate":                 {(*cloakroom.Session).Regenerate, 2 * day},
		"at Clear":                      {func(s *cloakroom.Session) { s.Clear(); sitetest.SetUser(s) }, 2 * day},
		"at Login":                      {func(s *cloakroom.Session) { s.Login("ada") }, 2 * day},
		"at a save":                     {sitetest.Set("page", 1), 2 * day},
		"where one is set anew":         {func(s *cloakroom.Session) { s.SetLifetime(8 * day) }, 2 * day},
		"where the other is set":        {func(s *cloakroom.Session) { s.SetIdleTimeout(day) }, day},
		"not where they are taken back": {func(s *cloakroom.Session) { s.SetIdleTimeout(0); s.SetLifetime(0) }, 30 * minute},
		"not after a logout": {func(s *cloakroom.Session) {
			s.Destroy()
			sitetest.SetUser(s)
		}, 30 * minute},
	} {
		t.Run(name, func(t *testing.T) {
			everyKind(t, opts, func(t *testing.T, s *sitetest.Site) {
				b := s.Browser(t)
				b.OK(func(s *cloakroom.Session) {
					begin(s)
					s.SetPermanent(true)
				})
				b.OK(c.then)
				time.Sleep(c.idle - time.Second)
				mustLive(t, b, "in time")
				time.Sleep(c.idle)
				mustBeOver(t, b, "too late")
			})
		})
	}
}

// A session that begins after a logout, with a goodbye, is one of the usual kind.
func TestLogoutEndsRememberMe(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{MaxIdleTimeout: 30 * day, MaxLifetime: 60 * day})
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) {
		afterLogin(own(30*day, 60*day))(s)
		s.SetPermanent(true)
	})
	a := b.OK(func(s *cloakroom.Session) {
		s.Destroy()
		s.Flash("success", "Goodbye.")
		if s.Permanent() || s.User() != "" || time.Until(s.Expires()) > 30*minute {
			t.Errorf("permanent %t, expires in %v", s.Permanent(), time.Until(s.Expires()))
		}
	})
	if len(a.SetCookie) != 1 || strings.Contains(a.SetCookie[0], "Max-Age") {
		t.Errorf("Set-Cookie %q, want one that ends with the browser", a.SetCookie)
	}
}

// A lifetime that is over by the time it is set ends the session.
func TestLifetimeBelowTheAge(t *testing.T) {
	everyKind(t, cloakroom.Options{}, func(t *testing.T, s *sitetest.Site) {
		b := s.Known(t)
		for range 3 {
			time.Sleep(25 * minute)
			mustLive(t, b, "within the usual lifetime")
		}
		b.OK(func(s *cloakroom.Session) { s.SetLifetime(hour) })
		mustBeOver(t, b, "with a lifetime of an hour")
	})
}

// A login begins the lifetime anew, its own too; Regenerate does not.
func TestLifetimeOfItsOwnBeginsAtTheLogin(t *testing.T) {
	everyKind(t, cloakroom.Options{}, func(t *testing.T, s *sitetest.Site) {
		for _, c := range []struct {
			use   func(*cloakroom.Session)
			lives bool
		}{{func(s *cloakroom.Session) { s.Login("ada") }, true}, {(*cloakroom.Session).Regenerate, false}} {
			b := s.Browser(t)
			b.OK(own(0, 40*minute))
			time.Sleep(20 * minute)
			b.OK(c.use)
			time.Sleep(25 * minute)
			b.OK(sitetest.Has(t, "45 minutes after it began", c.lives))
		}
	})
}

func TestLimitsThatAreRefused(t *testing.T) {
	long := cloakroom.Options{MaxIdleTimeout: 30 * day, MaxLifetime: 90 * day}
	for name, c := range map[string]struct {
		opts cloakroom.Options
		use  func(*cloakroom.Session)
		says string // empty if it is not refused
	}{
		"timeout above the usual":     {cloakroom.Options{}, own(31*minute, 0), "SetIdleTimeout: 31m0s is above Options.MaxIdleTimeout, 30m0s"},
		"lifetime above the usual":    {cloakroom.Options{}, own(0, 25*hour), "SetLifetime: 25h0m0s is above Options.MaxLifetime, 24h0m0s"},
		"timeout above the upper one": {long, own(31*day, 90*day), "above Options.MaxIdleTimeout"},
		"no timeout":                  {long, own(none, 0), "SetIdleTimeout: NoLimit is above Options.MaxIdleTimeout, 720h0m0s"},
		"no lifetime":                 {long, own(0, none), "SetLifetime: NoLimit is above Options.MaxLifetime, 2160h0m0s"},
		"negative":                    {long, own(-hour, 0), "SetIdleTimeout: -1h0m0s: the least is a second"},
		"nearly nothing":              {long, own(0, time.Millisecond), "SetLifetime: 1ms: the least is a second"},
		"timeout above the lifetime":  {long, own(30*day, 0), "720h0m0s is above the session's lifetime, 24h0m0s"},
		"timeout above its lifetime":  {long, own(30*day, 20*day), "720h0m0s is above the session's lifetime, 480h0m0s"},
		"the other way round": {long, func(s *cloakroom.Session) {
			s.SetLifetime(20 * day)
			s.SetIdleTimeout(30 * day)
			sitetest.SetUser(s)
		}, "720h0m0s is above the session's lifetime, 480h0m0s"},

		"as much as may be":                     {long, own(30*day, 90*day), ""},
		"the same":                              {long, own(20*day, 20*day), ""},
		"a lifetime below the usual timeout":    {long, own(0, minute), ""},
		"a timeout where there is no lifetime":  {cloakroom.Options{Lifetime: none, MaxIdleTimeout: 30 * day}, own(30*day, 0), ""},
		"no timeout, with a lifetime":           {cloakroom.Options{MaxIdleTimeout: none, MaxLifetime: 90 * day}, own(none, 90*day), ""},
		"a second":                              {long, own(time.Second, time.Second), ""},
		"a timeout that is taken back at once":  {long, func(s *cloakroom.Session) { s.SetIdleTimeout(30 * day); own(0, 0)(s) }, ""},
		"a lifetime that follows in the answer": {long, func(s *cloakroom.Session) { own(30*day, 0)(s); s.SetLifetime(30 * day) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			everyKind(t, c.opts, func(t *testing.T, s *sitetest.Site) {
				a := s.Browser(t).Visit(c.use)
				if c.says == "" {
					if !a.OK() || len(a.SetCookie) != 1 {
						t.Errorf("answered %v, Set-Cookie %q", a, a.SetCookie)
					}
					return
				}
				lines := s.Log.Lines()
				if a.StatusCode != http.StatusInternalServerError || len(a.SetCookie) != 0 || len(lines) != 1 || !strings.Contains(lines[0], c.says) {
					t.Errorf("answered %v, Set-Cookie %q, logged %q; want 500 and %q", a, a.SetCookie, lines, c.says)
				}
				// Without a request the error is Commit's, or Err's.
				session := s.Open(t, "")
				c.use(session)
				if _, err := s.Manager.Commit(t.Context(), session); err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("Commit: %v", err)
				}
			})
		})
	}
}

// Commit and Save can be called again when the lifetime has been set, too.
func TestCommitAfterATimeoutAboveTheLifetime(t *testing.T) {
	sitetest.New(t, cloakroom.Options{MaxIdleTimeout: 30 * day, MaxLifetime: 90 * day}).Browser(t).OK(func(s *cloakroom.Session) {
		own(30*day, 0)(s)
		if err := s.Save(); err == nil || s.Err() != nil {
			t.Errorf("Save: %v, Err: %v", err, s.Err())
		}
		s.SetLifetime(90 * day)
		if err := s.Save(); err != nil {
			t.Errorf("Save: %v", err)
		}
	})

	s := sitetest.New(t, cloakroom.Options{MaxIdleTimeout: 30 * day, MaxLifetime: 90 * day})
	session := s.Open(t, "")
	own(30*day, 0)(session)
	if _, err := s.Manager.Commit(t.Context(), session); err == nil {
		t.Fatal("no error")
	}
	session.SetLifetime(90 * day)
	if got := s.Open(t, s.Commit(t, session)); !got.Has("user") || time.Until(got.Expires()) < 29*day {
		t.Errorf("the session has %d values and expires in %v", got.Len(), time.Until(got.Expires()))
	}
}

// Of two requests each of which sets one limit both count; of the same one, the
// later save's.
func TestLimitsAreMerged(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{MaxIdleTimeout: 30 * day, MaxLifetime: 90 * day})
		ticket := s.Known(t).Ticket()
		idle, life, later := s.Open(t, ticket), s.Open(t, ticket), s.Open(t, ticket)
		idle.SetIdleTimeout(20 * hour)
		life.SetLifetime(5 * day)
		later.SetIdleTimeout(10 * hour)
		for _, session := range []*cloakroom.Session{idle, life, later} {
			s.Commit(t, session)
		}
		time.Sleep(10*hour - time.Second)
		b := s.Holder(t, ticket)
		mustLive(t, b, "within the timeout of the later save")
		for range 13 {
			time.Sleep(8 * hour)
			mustLive(t, b, "within the lifetime of the other request")
		}
		time.Sleep(10 * hour)
		mustBeOver(t, b, "unused for the timeout of the later save")
	})
}

// A request that is cut short by another one's lower lifetime does not fail: it
// could not know.
func TestTimeoutMeetsALowerLifetime(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{MaxIdleTimeout: 30 * day, MaxLifetime: 90 * day})
		b := s.Browser(t)
		b.OK(own(0, 90*day))
		idle, life := s.Open(t, b.Ticket()), s.Open(t, b.Ticket())
		idle.SetIdleTimeout(30 * day)
		life.SetLifetime(hour)
		s.Commit(t, life)
		s.Commit(t, idle)
		time.Sleep(59 * minute)
		mustLive(t, b, "within the lower lifetime")
		time.Sleep(minute)
		mustBeOver(t, b, "after it")
	})
}

// Whatever stands in a record, its session ends within the upper limits.
func TestHostileLimits(t *testing.T) {
	for _, meta := range []string{
		`{"own":[-1,-1]}`, `{"own":[9223372036854775807,9223372036854775807]}`, `{"own":[1e300,1e300]}`,
		`{"own":[31536000000000,31536000000000]}`, `{"own":[0,0]}`, `{"own":[1800000]}`, `{"own":[]}`, `{"own":{"a":1}}`, `{"own":"x"}`,
		`{"own":[null,true]}`, `{"own":[-9223372036854775808,1.5]}`, `{"own":[1800000,86400000,7]}`,
		`{"idle":1800000,"life":86400000,"own":[-1,-1],"sent":-5,"user":7,"login":"x","begun":[],"listed":-1}`, `{"user":"","own":[-1,-1]}`,
	} {
		t.Run(meta, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				opts := limits(30*minute, day)
				opts.Codec = codec.JSON
				s := sitetest.NewOn(t, records, opts)
				s.PlantData(t, "session:"+sitetest.Dead, fmt.Sprintf(`{"_created":%d,"_cloakroom":%s,"user":"ada"}`, time.Now().Unix(), meta))
				b := s.Holder(t, sitetest.Dead)
				for range 47 {
					b.OK(sitetest.Set("page", 1))
					time.Sleep(29 * minute)
				}
				mustLive(t, b, "within its lifetime, used in time")
				other := s.Holder(t, sitetest.Dead)
				time.Sleep(30 * minute)
				mustBeOver(t, other, "unused")
			})
		})
	}
	for _, meta := range []string{`{"own":[1,1]}`, `{"own":[-1,1]}`, `{"own":[1,-1]}`} {
		clocked(t, func(t *testing.T, records store.Store) {
			opts := limits(30*minute, day)
			opts.Codec = codec.JSON
			s := sitetest.NewOn(t, records, opts)
			s.PlantData(t, "session:"+sitetest.Dead, fmt.Sprintf(`{"_created":%d,"_cloakroom":%s,"user":"ada"}`, time.Now().Unix(), meta))
			b := s.Holder(t, sitetest.Dead)
			b.OK(sitetest.Set("page", 1))
			b.OK(func(s *cloakroom.Session) { s.Len() })
		})
	}
}

// Limits alone begin no session, as SetPermanent does not.
func TestLimitsAloneBeginNoSession(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	a := s.Browser(t).OK(func(s *cloakroom.Session) {
		s.SetIdleTimeout(minute)
		s.SetLifetime(hour)
	})
	if len(a.SetCookie) != 0 || len(s.Records(t)) != 0 {
		t.Errorf("Set-Cookie %q, %d records", a.SetCookie, len(s.Records(t)))
	}
}

// What is set already is no change.
func TestLimitsThatAreInForceAreNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{MaxLifetime: 90 * day, Permanent: true})
		b := s.Browser(t)
		b.OK(own(10*minute, 90*day))
		s.Calls()
		a := b.OK(func(s *cloakroom.Session) {
			s.SetIdleTimeout(10 * minute)
			s.SetLifetime(90 * day)
			if s.Modified() {
				t.Error("Modified")
			}
		})
		sitetest.Equal(t, "calls", s.Calls(), "Load")
		sitetest.Equal(t, "Set-Cookie", a.SetCookie)
	})
}

// Another program's record has no creation time. One that has a lifetime of its own
// begins to age when it gets it.
func TestLifetimeOfItsOwnForAForeignRecord(t *testing.T) {
	for _, odd := range []string{"", `"_created":99999999999,`, `"_cloakroom":{"own":[0,7200000]},`, `"_created":99999999999,"_cloakroom":{"idle":3600000,"own":[0,7200000]},`} {
		clocked(t, func(t *testing.T, records store.Store) {
			opts := limits(hour, none)
			opts.MaxLifetime, opts.Codec = none, codec.JSON
			s := sitetest.NewOn(t, records, opts)
			s.PlantData(t, "session:"+sitetest.Dead, `{`+odd+`"user":"ada"}`)
			b := s.Holder(t, sitetest.Dead)
			if strings.Contains(odd, "own") {
				time.Sleep(10 * minute)
				mustLive(t, b, "begins to age with the first touch that is due")
			} else {
				b.OK(func(s *cloakroom.Session) { s.SetLifetime(2 * hour) })
			}
			for range 3 {
				time.Sleep(39 * minute)
				mustLive(t, b, "within its lifetime")
			}
			time.Sleep(4 * minute)
			mustBeOver(t, b, "after its lifetime")
		})
	}
}

// The store keeps no record for longer than its session can live unused, by the
// lifetime too.
func TestRecordOfAShortLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		s.Browser(t).OK(own(0, 10*minute))
		for _, r := range s.Records(t) {
			if left := time.Until(r.Expires); left != 10*minute {
				t.Errorf("the record expires in %v", left)
			}
		}
	})
}

// So it is with what is kept of users whose sessions are sealed in their cookies.
func TestEpochOutlivesALongerLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.NewSealed(t, cloakroom.Options{Revocations: sitetest.Memory(t), MaxIdleTimeout: 6 * day, MaxLifetime: 12 * day})
		b := s.Browser(t)
		b.OK(afterLogin(sitetest.SetUser))
		time.Sleep(minute)
		b.OK(own(6*day, 12*day))
		time.Sleep(5 * day)
		mustLive(t, b, "within its own limits")
		if err := s.Manager.RevokeUser(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(minute)
		mustBeOver(t, b, "revoked")
	})
}

// A user's record has to last as long as the sessions that it lists: a session that
// gets a longer lifetime after the login is still found, and so is one whose
// lifetime the operator raises.
func TestUsersRecordOutlivesALongerLifetime(t *testing.T) {
	wide := cloakroom.Options{PlainIDs: true, MaxIdleTimeout: 30 * day, MaxLifetime: 90 * day}
	for name, c := range map[string]struct {
		opts   cloakroom.Options // at the login
		then   func(*cloakroom.Session)
		unused time.Duration
	}{
		"set later":           {wide, own(30*day, 90*day), 29 * day},
		"raised by Options":   {cloakroom.Options{PlainIDs: true, IdleTimeout: day}, nil, 20 * hour},
		"the lifetime alone":  {wide, func(s *cloakroom.Session) { s.SetLifetime(90 * day) }, 29 * minute},
		"and in long request": {wide, func(s *cloakroom.Session) { time.Sleep(hour / 4); own(30*day, 90*day)(s) }, 29 * day},
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				before := sitetest.NewOn(t, records, c.opts)
				b := before.Browser(t)
				b.OK(afterLogin(sitetest.SetUser))
				for range 80 { // until shortly before the lifetime that it began with
					time.Sleep(17 * minute)
					mustLive(t, b, "in use")
				}
				if c.then != nil {
					b.OK(c.then)
				}
				raised := sitetest.NewOn(t, records, wide)
				time.Sleep(c.unused)
				b = raised.Holder(t, b.Ticket())
				if name == "raised by Options" {
					raised = sitetest.NewOn(t, records, cloakroom.Options{PlainIDs: true, IdleTimeout: 30 * day, Lifetime: 90 * day})
					b = raised.Holder(t, b.Ticket())
				}
				if b.Values() == nil {
					t.Fatal("the session is not there any more")
				}
				if err := raised.Manager.RevokeUser(context.Background(), "ada"); err != nil {
					t.Fatal(err)
				}
				mustBeOver(t, b, "revoked")
			})
		})
	}
}
