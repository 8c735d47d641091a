package edge_test

import (
	"context"
	"fmt"
	"github.com/cloakroom/cloakroom/codec"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// A browser-lived session that is not new keeps its cookie as it is, and so
// does one that only changes its data.
func TestCookieIsSentOnlyWhenItChanges(t *testing.T) {
	b := sitetest.NewTLS(t, cloakroom.Options{Permanent: true}).Browser(t)
	b.OK(sitetest.SetUser)
	for range 3 {
		sitetest.Equal(t, "Set-Cookie", b.OK(func(s *cloakroom.Session) { s.Set("x", s.Len()) }).SetCookie)
	}
}

func TestCookieLifeIsTheSessionsLifetime(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		lifetime, after time.Duration
		want            string
	}{
		"at once":            {2 * day, 0, "Max-Age=172800;"},
		"what is left of it": {2 * day, day, "Max-Age=86400;"},
		"at most 400 days":   {1000 * day, 0, "Max-Age=34560000;"},
		"no limit":           {cloakroom.NoLimit, 0, "Max-Age=34560000;"},
		"about to end":       {2 * day, 2*day - 500*time.Millisecond, "Max-Age=1;"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sitetest.New(t, cloakroom.Options{Lifetime: c.lifetime, IdleTimeout: 2 * day})
				b := s.Known(t)
				time.Sleep(c.after)
				a := b.OK(func(s *cloakroom.Session) { s.SetPermanent(true) })
				if len(a.SetCookie) != 1 || !strings.Contains(a.SetCookie[0], c.want) {
					t.Errorf("Set-Cookie %q, want %s", a.SetCookie, c.want)
				}
			})
		})
	}
}

// Browsers forget a cookie after 400 days. A session that may live longer has
// it sent again after a quarter of that time, with the save of a record, and not
// before: a cookie that need not go out cannot come back after a logout.
func TestPermanentCookieWithoutLimitIsRenewed(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		opts      cloakroom.Options
		permanent bool
		sent      time.Duration // before now
		want      int
	}{
		"after 101 days":  {cloakroom.Options{Lifetime: cloakroom.NoLimit}, true, 101 * day, 1},
		"after 99 days":   {cloakroom.Options{Lifetime: cloakroom.NoLimit}, true, 99 * day, 0},
		"browser-lived":   {cloakroom.Options{Lifetime: cloakroom.NoLimit}, false, 101 * day, 0},
		"with a lifetime": {cloakroom.Options{}, true, 101 * day, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.opts.PlainIDs, c.opts.Codec = true, codec.JSON
				s := sitetest.New(t, c.opts)
				s.PlantData(t, "session:"+sitetest.Dead, fmt.Sprintf(`{"_created":%d,"_cloakroom":{"idle":1800000,"life":-1,"sent":%d},"_permanent":%t,"a":1}`,
					time.Now().Unix(), time.Now().Add(-c.sent).UnixMilli(), c.permanent))
				b := s.Holder(t, sitetest.Dead)
				for _, want := range []int{c.want, 0} {
					s.Calls()
					a := b.OK(func(s *cloakroom.Session) { s.Len() })
					if len(a.SetCookie) != want || want > 0 && !strings.Contains(a.SetCookie[0], "Max-Age=34560000") {
						t.Errorf("Set-Cookie %q, want %d", a.SetCookie, want)
					}
					if calls := s.Calls(); want == 1 && !slices.Equal(calls, []string{"Load", "Save"}) {
						t.Errorf("store calls %q", calls)
					}
				}
			})
		})
	}
}

// The age of a cookie that goes out with an error page is that of the session
// all the same.
func TestCookieLifeOnAnErrorPage(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{CookieName: "session", Lifetime: time.Hour})
	b := s.Browser(t)
	b.OK(func(session *cloakroom.Session) {
		session.SetPermanent(true)
		session.Set("user", "ada")
	})
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Err: sitetest.ErrRefused}) // of the old record
	a := s.Ask(t, "session="+b.Ticket()+"; session="+sitetest.Dead, (*cloakroom.Session).Regenerate)
	if a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) < 2 {
		t.Fatalf("status %d, Set-Cookie %q, want a failure with the new ticket that removes the twin", a.StatusCode, a.SetCookie)
	}
	age := regexp.MustCompile(`; Max-Age=(3600|359\d);`)
	if line := a.SetCookie[len(a.SetCookie)-1]; !age.MatchString(line) {
		t.Errorf("the cookie's age is not that of the session: %s", age.FindString(line))
	}
}

// A lifetime that is raised reaches the browsers of permanent sessions with the
// next save whose answer can carry the cookie.
func TestRaisedLifetimeReachesTheCookie(t *testing.T) {
	for name, use := range map[string]func(*cloakroom.Session){
		"read": func(s *cloakroom.Session) { s.Len() }, "write": sitetest.Set("page", 1),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				records := sitetest.Memory(t)
				b := sitetest.NewOn(t, records, cloakroom.Options{Permanent: true}).Known(t)
				raised := sitetest.NewOn(t, records, cloakroom.Options{Permanent: true, Lifetime: 240 * time.Hour})
				b = raised.Holder(t, b.Ticket())
				b.Late(sitetest.Set("late", 1)) // no header can carry it
				if a := b.OK(use); len(a.SetCookie) != 1 || !strings.Contains(a.SetCookie[0], "Max-Age=864000") {
					t.Errorf("Set-Cookie %q", a.SetCookie)
				}
				if a := b.OK(use); len(a.SetCookie) != 0 {
					t.Errorf("Set-Cookie %q again", a.SetCookie)
				}
			})
		})
	}
}

// A cookie that a visitor who hung up does not get is due with the next request.
func TestCookieForNobodyIsSentLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := sitetest.Memory(t)
		b := sitetest.NewOn(t, records, cloakroom.Options{Permanent: true}).Known(t)
		raised := sitetest.NewOn(t, records, cloakroom.Options{Permanent: true, Lifetime: 240 * time.Hour})
		b = raised.Holder(t, b.Ticket())
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		for _, use := range []func(*cloakroom.Session){func(s *cloakroom.Session) { s.Len() }, sitetest.Set("page", 1)} {
			b.Send(b.Request("/").WithContext(ctx), sitetest.Using(use))
		}
		if a := b.OK(func(s *cloakroom.Session) { s.Len() }); len(a.SetCookie) != 1 {
			t.Errorf("Set-Cookie %q", a.SetCookie)
		}
		b.Send(b.Request("/").WithContext(ctx), sitetest.Using(func(s *cloakroom.Session) { s.SetPermanent(false); s.Set("page", 2) }))
		if a := b.OK(func(s *cloakroom.Session) { s.SetPermanent(false) }); len(a.SetCookie) != 1 || b.Values()["page"] != int64(2) {
			t.Errorf("Set-Cookie %q, page %v", a.SetCookie, b.Values()["page"])
		}
	})
}

// A lifetime of its own reaches the cookie of a permanent session at once, and once;
// or, where an answer cannot carry it, with the next one.
func TestLifetimeOfItsOwnReachesTheCookie(t *testing.T) {
	const day = 24 * time.Hour
	opts := cloakroom.Options{MaxIdleTimeout: 10 * day, MaxLifetime: 10 * day}
	forever := cloakroom.Options{MaxLifetime: cloakroom.NoLimit}
	life := func(d time.Duration) func(*cloakroom.Session) {
		return func(s *cloakroom.Session) { s.SetLifetime(d) }
	}
	read := func(s *cloakroom.Session) { s.Len() }
	for name, c := range map[string]struct {
		opts  cloakroom.Options
		begin func(*cloakroom.Session)
		late  func(*cloakroom.Session) // after the first write; may be nil
		use   func(*cloakroom.Session)
		want  string // of Set-Cookie, which is not sent if that is empty
	}{
		"raised":         {opts, nil, nil, life(10 * day), "Max-Age=864000;"},
		"lowered":        {opts, nil, nil, life(time.Hour), "Max-Age=3600;"},
		"taken back":     {opts, life(10 * day), nil, life(0), "Max-Age=86400;"},
		"no more":        {forever, nil, nil, life(cloakroom.NoLimit), "Max-Age=34560000;"},
		"as it was":      {opts, life(10 * day), nil, life(10 * day), ""},
		"the other one":  {opts, nil, nil, func(s *cloakroom.Session) { s.SetIdleTimeout(time.Hour) }, ""},
		"browser-lived":  {opts, func(s *cloakroom.Session) { s.SetPermanent(false) }, nil, life(10 * day), ""},
		"both":           {opts, func(s *cloakroom.Session) { s.SetPermanent(false) }, nil, func(s *cloakroom.Session) { s.SetLifetime(10 * day); s.SetPermanent(true) }, "Max-Age=864000;"},
		"raised late":    {opts, nil, life(10 * day), read, "Max-Age=864000;"},
		"raised twice":   {opts, life(5 * day), life(10 * day), read, "Max-Age=864000;"},
		"lowered late":   {opts, life(10 * day), life(time.Hour), read, ""}, // the server knows when it ends
		"saved before":   {opts, nil, nil, func(s *cloakroom.Session) { s.SetLifetime(10 * day); mustSave(t, s) }, "Max-Age=864000;"},
		"saved late":     {opts, nil, func(s *cloakroom.Session) { s.SetLifetime(10 * day); mustSave(t, s) }, read, "Max-Age=864000;"},
		"unlimited late": {forever, nil, life(cloakroom.NoLimit), read, "Max-Age=34560000;"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sitetest.New(t, c.opts)
				b := s.Browser(t)
				b.OK(func(s *cloakroom.Session) {
					s.SetPermanent(true)
					if c.begin != nil {
						c.begin(s)
					}
					sitetest.SetUser(s)
				})
				if c.late != nil {
					b.Late(c.late)
				}
				ticket, want := b.Ticket(), 1
				if c.want == "" {
					want = 0
				}
				if a := b.OK(c.use); len(a.SetCookie) != want || want == 1 && !strings.Contains(a.SetCookie[0], c.want) {
					t.Errorf("Set-Cookie %q, want %q", a.SetCookie, c.want)
				}
				if b.Ticket() != ticket {
					t.Error("the ticket has changed")
				}
				sitetest.Equal(t, "Set-Cookie of the next answer", b.OK(read).SetCookie)
			})
		})
	}
}

func mustSave(t *testing.T, s *cloakroom.Session) {
	t.Helper()
	if err := s.Save(); err != nil {
		t.Error(err)
	}
}

// A visitor who hangs up does not get the cookie for the lifetime that was set. It
// is due with the next request.
func TestLifetimeOfItsOwnForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{Permanent: true, MaxLifetime: 240 * time.Hour})
		b := s.Known(t)
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		b.Send(b.Request("/").WithContext(ctx), sitetest.Using(func(s *cloakroom.Session) { s.SetLifetime(240 * time.Hour) }))
		a := b.OK(func(s *cloakroom.Session) { s.Len() })
		if len(a.SetCookie) != 1 || !strings.Contains(a.SetCookie[0], "Max-Age=864000;") {
			t.Errorf("Set-Cookie %q", a.SetCookie)
		}
	})
}

// A sealed cookie goes out with each change, and says how long its session lives.
func TestLifetimeOfItsOwnInASealedCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.NewSealed(t, cloakroom.Options{Permanent: true, MaxLifetime: 240 * time.Hour})
		b := s.Known(t)
		a := b.OK(func(s *cloakroom.Session) { s.SetLifetime(240 * time.Hour) })
		if len(a.SetCookie) != 1 || !strings.Contains(a.SetCookie[0], "Max-Age=864000;") {
			t.Errorf("Set-Cookie %q", a.SetCookie)
		}
		time.Sleep(20 * time.Minute)
		a = b.OK(sitetest.Set("page", 1))
		if len(a.SetCookie) != 1 || !strings.Contains(a.SetCookie[0], "Max-Age=862800;") {
			t.Errorf("Set-Cookie %q", a.SetCookie)
		}
	})
}
