package engine_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// Logins and logouts that meet other requests of the same visitor.

func logIn(name string) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) {
		s.Regenerate()
		s.Set("user", name)
	}
}

func logOut(s *cloakroom.Session) { s.Destroy() }

// A flight is a request that was sent with a ticket before the ticket's session
// ended, and that reaches its handler only afterwards.
type flight struct {
	name     string
	use      func(*cloakroom.Session)
	navigate bool
	changes  bool
}

var flights = []flight{
	{"read", func(s *cloakroom.Session) { s.Get("user") }, false, false},
	{"write", func(s *cloakroom.Session) { s.Set("seen", true) }, false, true},
	{"count", sitetest.Count, false, true},
	{"flash", func(s *cloakroom.Session) { s.Flash("info", "Hello.") }, false, true},
	{"cookie", func(s *cloakroom.Session) { s.SetPermanent(true) }, false, true},
	{"navigation", func(s *cloakroom.Session) { s.Set("seen", true) }, true, true},
}

func (f flight) request(b *sitetest.Browser) *http.Request {
	r := b.Request("/")
	if f.navigate {
		r.Header.Set("Sec-Fetch-Mode", "navigate")
	} else {
		r.Header.Set("Sec-Fetch-Mode", "cors")
	}
	return r
}

// What was in flight when a session ended reads nothing, saves nothing and
// touches no cookie. What begins later is a request with an unknown ticket.
func TestRequestsInFlight(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(*cloakroom.Session)
		late  time.Duration
		plain bool // in flight, unless it navigates
		nav   bool // in flight if it navigates
	}{
		"right after a login":  {logIn("ada"), 0, true, true},
		"seconds after it":     {logIn("ada"), 3 * time.Second, true, false},
		"half a minute after":  {logIn("ada"), 31 * time.Second, false, false},
		"right after a logout": {logOut, 0, true, true},
		"seconds after that":   {logOut, 3 * time.Second, false, false},
	} {
		for _, f := range flights {
			t.Run(f.name+" "+name, func(t *testing.T) {
				clocked(t, func(t *testing.T, records store.Store) {
					s := sitetest.NewOn(t, records, cloakroom.Options{})
					b := s.Begin(t, map[string]any{"cart": 1})
					old := b.Ticket()
					b.OK(c.end)
					before := s.Records(t)
					s.Log.Events()
					time.Sleep(c.late)
					holder := s.Holder(t, old)
					a, err := holder.Send(f.request(holder), sitetest.Using(func(s *cloakroom.Session) {
						if !s.IsNew() || s.Len() != 0 {
							t.Error("the old ticket reads a session")
						}
						f.use(s)
					}))
					if err != nil || !a.OK() {
						t.Fatalf("got %v, %v", a, err)
					}
					inFlight := c.plain
					if f.navigate {
						inFlight = c.nav
					}
					var want []string
					switch {
					case inFlight && f.changes:
						want = []string{"Conflict"}
					case inFlight:
					case f.name == "cookie", f.name == "read":
						want = []string{"Rejected"}
					default:
						want = []string{"Rejected", "Created"}
					}
					sitetest.Equal(t, "events", s.Log.Events(), want...)
					if inFlight && (len(a.SetCookie) != 0 || len(s.Records(t)) != len(before)) {
						t.Errorf("Set-Cookie %q, %d records, want none and %d", a.SetCookie, len(s.Records(t)), len(before))
					}
				})
			})
		}
	}
}

// Two logins with one ticket: the visitor who follows either is logged in, the
// later one with nothing of what the former took along.
func TestTwoLogins(t *testing.T) {
	for name, together := range map[string]bool{"one after the other": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{})
				b := s.Begin(t, map[string]any{"cart": 1})
				first, second := s.Holder(t, b.Ticket()), s.Holder(t, b.Ticket())
				if together {
					second.OK(func(session *cloakroom.Session) {
						session.Len()
						first.OK(logIn("ada"))
						logIn("eve")(session)
					})
				} else {
					first.OK(logIn("ada"))
					second.OK(logIn("eve"))
				}
				sitetest.Equal(t, "first", values(first), "cart=1", "user=ada")
				sitetest.Equal(t, "second", values(second), "user=eve")
				if got := s.Values(t, b.Ticket()); got != nil {
					t.Errorf("the old ticket opens %v", got)
				}
			})
		})
	}
}

func values(b *sitetest.Browser) (all []string) {
	for name, v := range b.Values() {
		all = append(all, fmt.Sprint(name, "=", v))
	}
	slices.Sort(all)
	return all
}

// A Regenerate does not bring back what a logout or a revocation has ended.
func TestRegenerateAfterALogout(t *testing.T) {
	for name, together := range map[string]bool{"one after the other": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{})
				b := s.Known(t)
				ticket := b.Ticket()
				if together {
					b.OK(func(session *cloakroom.Session) {
						session.Len()
						s.Holder(t, ticket).OK(logOut)
						session.Regenerate()
						session.Set("more", true)
					})
				} else {
					s.Holder(t, ticket).OK(logOut)
					b.OK(func(session *cloakroom.Session) { session.Regenerate(); session.Set("more", true) })
				}
				if n := len(s.Records(t)); n != 0 {
					t.Errorf("%d sessions live", n)
				}
				if b.Ticket() != ticket {
					t.Error("the visitor has another ticket")
				}
			})
		})
	}
}

// A logout that was in flight when the visitor logged in ends the new session.
func TestLogoutInFlightAtALogin(t *testing.T) {
	for name, together := range map[string]bool{"after it": false, "during it": true} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{})
				b := s.Known(t)
				late := s.Holder(t, b.Ticket())
				if together {
					late.OK(func(session *cloakroom.Session) {
						session.Len()
						b.OK(logIn("ada"))
						b.OK(logIn("ada")) // it is followed from one to the next
						session.Destroy()
					})
				} else {
					b.OK(logIn("ada"))
					late.OK(logOut)
				}
				if n := len(s.Records(t)); n != 0 || late.Ticket() != "" {
					t.Errorf("%d sessions live, the ticket is gone: %t", n, late.Ticket() == "")
				}
			})
		})
	}
}

// Whichever call of the store fails, and whether or not it had taken effect: the
// visitor who goes on with what he was answered has what he had or what he asked
// for, and, once the store is back, no ticket but that one opens anything.
func TestEveryFailingCallOfAnEnd(t *testing.T) {
	ops := []cloakroomtest.Op{cloakroomtest.OpLoad, cloakroomtest.OpSave, cloakroomtest.OpDelete}
	for name, end := range map[string]func(*cloakroom.Session){
		"login": logIn("ada"), "logout": logOut,
		"logout, login": func(s *cloakroom.Session) { s.Destroy(); s.Set("user", "ada") },
	} {
		for _, op := range ops {
			for nth := 1; nth <= 4; nth++ {
				for _, lost := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, %s %d, lost %t", name, op, nth, lost), func(t *testing.T) {
						clocked(t, func(t *testing.T, records store.Store) {
							s := sitetest.NewOn(t, records, cloakroom.Options{})
							b := s.Begin(t, map[string]any{"cart": 1})
							tickets := []string{b.Ticket()}
							s.Store.Inject(cloakroomtest.Fault{Op: op, Nth: nth, Err: sitetest.ErrRefused, AnswerLost: lost})
							a := b.Visit(end)
							if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusServiceUnavailable {
								t.Fatalf("got %v", a)
							}
							s.Store.Heal()
							tickets = append(tickets, b.Ticket())
							if a.OK() {
								want := map[string]string{"login": "[cart=1 user=ada]", "logout": "[]", "logout, login": "[user=ada]"}[name]
								if got := fmt.Sprint(values(b)); got != want {
									t.Fatalf("answered 200, the session has %v, want %v", got, want)
								}
							} else if got := fmt.Sprint(values(b)); name == "login" && got != "[cart=1]" && got != "[cart=1 user=ada]" {
								t.Fatalf("after the error page: %v", got)
							}
							b.OK(func(s *cloakroom.Session) { s.Len() })
							time.Sleep(time.Minute)
							for _, ticket := range tickets {
								if ticket != b.Ticket() && s.Values(t, ticket) != nil {
									t.Error("a ticket that the visitor does not hold any more opens a session")
								}
							}
							b.OK(logOut)
							for key, r := range s.Records(t) {
								for _, ticket := range tickets {
									if s.Values(t, ticket) != nil {
										t.Errorf("after the logout a ticket opens a session; %s has %d bytes", key, len(r.Data))
									}
								}
							}
						})
					})
				}
			}
		}
	}
}

// Regenerate is refused as long as the record before has no mark: a chain of
// them would lose its end.
func TestRegenerateAfterAHalfMove(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		stolen := b.Ticket()
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Times: 3, Err: sitetest.ErrRefused})
		for range 3 { // the move, and what the next two requests try
			if a := b.Visit(logIn("ada")); a.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("got %v, want 503", a)
			}
			if b.Ticket() == stolen {
				t.Error("the visitor has no new ticket")
			}
		}
		b.OK(logIn("ada"))
		if s.Values(t, stolen) != nil {
			t.Error("the first ticket opens a session")
		}
		sitetest.Equal(t, "the visitor", values(b), "user=ada")
	})
}

// A logout that could not end the record before goes on with the next logout,
// however late.
func TestLogoutOfAHalfMoveIsFinishedLater(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{IdleTimeout: 10 * time.Hour})
		b := s.Known(t)
		stolen := b.Ticket()
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Err: sitetest.ErrRefused})
		b.Visit(logIn("ada")) // two records now, both live
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Times: 2, Err: sitetest.ErrRefused})
		if a := b.Visit(logOut); a.StatusCode != http.StatusServiceUnavailable || b.Ticket() == "" {
			t.Errorf("got %v, ticket kept: %t", a, b.Ticket() != "")
		}
		mustBeOver(t, s.Holder(t, b.Ticket()), "the session itself has ended")
		time.Sleep(5 * time.Hour)
		if a := b.OK(logOut); len(a.SetCookie) != 1 {
			t.Errorf("Set-Cookie %q", a.SetCookie)
		}
		if s.Values(t, stolen) != nil {
			t.Error("after the second logout the first ticket opens the session")
		}
		if n := len(s.Records(t)); n != 0 {
			t.Errorf("%d records live", n)
		}
	})
}

// However long somebody uses the first ticket meanwhile, and by the next visit, not
// only by a logout.
func TestLogoutOfAHalfMoveIsFinishedByAVisit(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		thief := s.Holder(t, b.Ticket())
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Err: sitetest.ErrRefused})
		b.Visit(logIn("ada"))
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Times: 2, Err: sitetest.ErrRefused})
		b.Visit(logOut)
		for range 30 {
			time.Sleep(20 * time.Minute)
			thief.OK(func(s *cloakroom.Session) { s.Get("user") })
		}
		if thief.Values() == nil {
			t.Fatal("nothing is left to be ended")
		}
		mustBeOver(t, s.Holder(t, b.Ticket()), "logged out")
		if thief.Values() != nil {
			t.Error("the first ticket opens the session after another visit")
		}
	})
}

// A session that is always being changed can be ended all the same.
func TestLogoutOfAHotSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkbench(t, cloakroom.Options{})
		ticket := w.begin()
		s := w.open(ticket)
		process, err := cloakroom.New(w.records, cloakroom.Options{PlainIDs: true}) // another one
		if err != nil {
			t.Fatal(err)
		}
		others := workbench{T: t, Manager: process}
		saves := 0
		w.records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Before: func() {
			if saves++; saves%2 == 1 { // each try but the others' own
				other := others.open(ticket)
				other.Set("n", saves)
				others.commit(other)
			}
		}})
		s.Destroy()
		w.commit(s)
		w.records.Heal()
		if !w.open(ticket).IsNew() {
			t.Error("the session lives")
		}
	})
}

// A login that failed half way has not happened, if the old session has been
// used since: what was saved there goes on in the new record, and a value that was
// taken there is gone.
func TestHalfMoveGoesOnWithWhatWasSavedSince(t *testing.T) {
	for name, late := range map[string]bool{"before the new ticket is used": false, "after it": true} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{})
				b := s.Begin(t, map[string]any{"code": "4711"})
				old := s.Holder(t, b.Ticket())
				s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Err: sitetest.ErrRefused})
				if a := b.Visit(logIn("ada")); a.StatusCode != http.StatusServiceUnavailable || b.Ticket() == old.Ticket() {
					t.Fatalf("got %v", a)
				}
				s.Store.Heal()
				if late { // settled by now
					b.OK(func(s *cloakroom.Session) { s.Len() })
				}
				var first, second bool
				old.OK(func(s *cloakroom.Session) {
					sitetest.Count(s)
					_, first = code.Take(s)
				})
				b.OK(func(s *cloakroom.Session) { _, second = code.Take(s) })
				if first == second {
					t.Errorf("the value was given to the old ticket: %t, to the new one: %t", first, second)
				}
				if late {
					sitetest.Equal(t, "the visitor", values(b), "user=ada")
				} else {
					sitetest.Equal(t, "the visitor", values(b), "visits=1")
				}
				if s.Values(t, old.Ticket()) != nil {
					t.Error("the old ticket opens a session")
				}
			})
		})
	}
}

// What a login has seen of another one does not undo it.
func TestLoginGoesOnAfterItHasSeenAnother(t *testing.T) {
	for name, see := range map[string]func(*cloakroom.Session){
		"by Take":       func(s *cloakroom.Session) { code.Take(s) },
		"by a late use": func(s *cloakroom.Session) { time.Sleep(10 * time.Minute); s.Len() },
		"not at all":    func(*cloakroom.Session) {},
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{})
				b := s.Begin(t, map[string]any{"code": "4711"})
				other := s.Holder(t, b.Ticket())
				a := b.OK(func(session *cloakroom.Session) {
					session.Len()
					other.OK(logIn("ada"))
					logIn("eve")(session)
					see(session)
				})
				if len(a.SetCookie) != 1 {
					t.Errorf("Set-Cookie %q", a.SetCookie)
				}
				sitetest.Equal(t, "the visitor", values(b), "user=eve")
			})
		})
	}
}

// A cookie that is sent again goes out with the save of its own answer: not with
// one of before, which a login or logout may have overtaken.
func TestCookieSentAgainDoesNotCrossAnEnd(t *testing.T) {
	for name, end := range map[string]func(*cloakroom.Session){"login": logIn("ada"), "logout": logOut} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{PlainIDs: true, Lifetime: cloakroom.NoLimit, IdleTimeout: 3 * time.Hour})
				// Last used two hours ago, the cookie sent long before.
				s.PlantData(t, "session:"+sitetest.Dead, fmt.Sprintf(`{"_created":1,"_permanent":true,"_cloakroom":{"idle":10800000,"life":-1,"sent":%d},"user":"ada"}`,
					time.Now().Add(-101*24*time.Hour).UnixMilli()))
				b, slow := s.Holder(t, sitetest.Dead), s.Holder(t, sitetest.Dead)
				a := slow.OK(func(session *cloakroom.Session) {
					session.Len()
					b.OK(end)
				})
				if len(a.SetCookie) != 0 {
					t.Errorf("Set-Cookie %q", a.SetCookie)
				}
			})
		})
	}
}

// Who finishes a move keeps the timeout that the expiry was computed with.
func TestMoveIsFinishedUnderAnotherTimeout(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, limits(10*time.Hour, cloakroom.NoLimit))
		b := s.Known(t)
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 3, Err: sitetest.ErrRefused})
		b.Visit(logIn("ada"))
		short := sitetest.NewOn(t, records, limits(10*time.Minute, cloakroom.NoLimit)).Holder(t, b.Ticket())
		short.OK(func(s *cloakroom.Session) { s.Len() })
		time.Sleep(11 * time.Minute)
		mustBeOver(t, short, "unused for longer than the timeout in force")
	})
}
