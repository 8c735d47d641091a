package engine_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// within serves one request of b and passes the session to use, with the writer.
func within(t *testing.T, b *sitetest.Browser, use func(w http.ResponseWriter, s *cloakroom.Session)) *sitetest.Answer {
	t.Helper()
	return b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		use(w, cloakroom.From(r))
		io.WriteString(w, "done")
	})
}

func mustSave(t *testing.T, s *cloakroom.Session) {
	t.Helper()
	if err := s.Save(); err != nil {
		t.Errorf("Save: %v", err)
	}
}

// mustMatch fails unless err matches all of these and none of the others.
func mustMatch(t *testing.T, what string, err error, want ...error) {
	t.Helper()
	for _, e := range []error{cloakroom.ErrEnded, cloakroom.ErrMoved, cloakroom.ErrNotFound, cloakroom.ErrUnavailable, cloakroom.ErrLate} {
		if errors.Is(err, e) != slices.Contains(want, e) {
			t.Errorf("%s: the error %v matches %q: %t", what, err, e, errors.Is(err, e))
		}
	}
}

var (
	ended = []error{cloakroom.ErrNotFound, cloakroom.ErrEnded}
	moved = []error{cloakroom.ErrNotFound, cloakroom.ErrEnded, cloakroom.ErrMoved}
)

func TestSaveInTheMiddleOfARequest(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	s.Calls()
	within(t, b, func(w http.ResponseWriter, session *cloakroom.Session) {
		mustSave(t, session)
		sitetest.Equal(t, "store calls of a Save before the first use", s.Calls())
		session.Get("user")
		mustSave(t, session)
		sitetest.Equal(t, "store calls of a Save without changes", s.Calls(), "Load")
		for i := range 3 {
			session.Set("step", i)
			mustSave(t, session)
			mustSave(t, session)
			if got := b.Values()["step"]; got != int64(i) {
				t.Errorf("others see %v, want %d", got, i)
			}
			if session.Modified() {
				t.Error("Modified after Save")
			}
		}
		sitetest.Equal(t, "store calls", s.Calls(), "Save", "Load", "Save", "Load", "Save", "Load")
		io.WriteString(w, "first byte")
		session.Set("step", 3)
		mustSave(t, session)
		s.Calls()
	})
	sitetest.Equal(t, "store calls after the last Save", s.Calls())
	if got := b.Values()["step"]; got != int64(3) {
		t.Errorf("the step is %v, want 3", got)
	}
}

// A Save that fails changes nothing about the request: what was to be saved is
// still pending.
func TestSaveThatFails(t *testing.T) {
	refused := cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: sitetest.ErrRefused}
	for name, again := range map[string]func(t *testing.T, session *cloakroom.Session){
		"then another Save":     mustSave,
		"then the answer":       func(*testing.T, *cloakroom.Session) {},
		"before the first byte": func(*testing.T, *cloakroom.Session) {},
	} {
		t.Run(name, func(t *testing.T) {
			s := sitetest.New(t, cloakroom.Options{})
			b := s.Known(t)
			a := within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
				session.Set("x", 1)
				s.Store.Inject(refused)
				mustMatch(t, "Save", session.Save(), cloakroom.ErrUnavailable)
				if session.Err() != nil || !session.Modified() || session.Get("x") != int64(1) {
					t.Errorf("Err %v, Modified %t, x is %v", session.Err(), session.Modified(), session.Get("x"))
				}
				again(t, session)
			})
			if !a.OK() || b.Values()["x"] != int64(1) {
				t.Errorf("answered %v, x is %v", a, b.Values()["x"])
			}
		})
	}
	s := sitetest.New(t, cloakroom.Options{})
	a := within(t, s.Known(t), func(_ http.ResponseWriter, session *cloakroom.Session) {
		session.Set("x", 1)
		s.BreakStore()
		mustMatch(t, "Save", session.Save(), cloakroom.ErrUnavailable)
	})
	if a.StatusCode != http.StatusServiceUnavailable || a.Body != sitetest.Page503 {
		t.Errorf("a handler that ignores it is answered with %v", a)
	}
}

func TestSaveOfTooMuch(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{MaxSize: 1000})
	b := s.Known(t)
	a := within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
		session.Set("x", strings.Repeat("x", 2000))
		if err := session.Save(); !errors.Is(err, cloakroom.ErrTooLarge) {
			t.Errorf("Save: %v", err)
		}
		session.Set("x", "less")
		mustSave(t, session)
	})
	if !a.OK() || b.Values()["x"] != "less" {
		t.Errorf("answered %v, x is %v", a, b.Values()["x"])
	}
}

// What ends a session while a request of it is under way, and what that one
// learns of it.
var ends = map[string]struct {
	end  func(t *testing.T, s *sitetest.Site, ticket string)
	want []error
}{
	"a logout":     {func(t *testing.T, s *sitetest.Site, ticket string) { s.Holder(t, ticket).OK(logOut) }, ended},
	"a regenerate": {func(t *testing.T, s *sitetest.Site, ticket string) { s.Holder(t, ticket).OK(logIn("eve")) }, moved},
	"a login": {func(t *testing.T, s *sitetest.Site, ticket string) {
		s.Holder(t, ticket).OK(func(s *cloakroom.Session) { s.Login("eve") })
	}, moved},
	"its expiry": {func(t *testing.T, s *sitetest.Site, ticket string) { time.Sleep(31 * time.Minute) }, ended},
	"a revocation": {func(t *testing.T, s *sitetest.Site, ticket string) {
		if err := s.Manager.RevokeUser(t.Context(), "ada"); err != nil {
			t.Error(err)
		}
	}, ended},
}

// member returns a visitor who has logged in as ada.
func member(t *testing.T, s *sitetest.Site) *sitetest.Browser {
	b := s.Browser(t)
	b.OK(func(s *cloakroom.Session) { s.Login("ada") })
	return b
}

func TestSaveMeetsTheEnd(t *testing.T) {
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{})
				b := member(t, s)
				var left int
				a := within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
					session.Get("user")
					if err := session.Ended(); err != nil {
						t.Errorf("Ended of a live session: %v", err)
					}
					c.end(t, s, b.Ticket())
					left = len(s.Records(t))
					s.Log.Events()
					for range 3 {
						session.Set("x", 1)
						mustMatch(t, "Save", session.Save(), c.want...)
						mustMatch(t, "Ended", session.Ended(), c.want...)
						if !session.IsNew() || session.Has("x") || session.Err() != nil {
							t.Errorf("IsNew %t, Has %t, Err %v", session.IsNew(), session.Has("x"), session.Err())
						}
					}
					if events := s.Log.Events(); !slices.Equal(events, []string{"Conflict", "Conflict", "Conflict"}) {
						t.Errorf("events %q", events)
					}
					session.Set("x", 1)
				})
				if !a.OK() || len(a.SetCookie) != 0 || len(s.Records(t)) != left {
					t.Errorf("answered %v with %q, %d records, want %d", a, a.SetCookie, len(s.Records(t)), left)
				}
			})
		})
	}
}

// A ticket that Save has made is saved again before it goes out.
func TestTicketOfASaveGoesOutWithTheAnswer(t *testing.T) {
	for name, use := range map[string]func(*cloakroom.Session){
		"a login":       func(s *cloakroom.Session) { s.Login("ada") },
		"a regenerate":  (*cloakroom.Session).Regenerate,
		"another value": func(s *cloakroom.Session) { s.Set("x", 1) },
	} {
		for _, known := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				s := sitetest.New(t, cloakroom.Options{})
				b := s.Browser(t)
				if known {
					b = s.Known(t)
				}
				old := b.Ticket()
				var calls []string
				a := within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
					sitetest.SetUser(session)
					use(session)
					mustSave(t, session)
					calls = s.Calls()
				})
				moved := !known || name != "another value"
				if !a.OK() || (len(a.SetCookie) == 1) != moved || (b.Ticket() != old) != moved {
					t.Errorf("answered %v with %q", a, a.SetCookie)
				}
				last := []string{}
				if moved {
					last = []string{"Save"}
				}
				sitetest.Equal(t, "store calls of the answer after "+strings.Join(calls, " "), s.Calls(), last...)
				mustLive(t, b, "afterwards")
			})
		}
	}
}

// A logout that falls between a Save and the answer is not undone by the cookie.
func TestLogoutBetweenSaveAndAnswer(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		old := b.Ticket()
		a := within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
			session.Regenerate()
			mustSave(t, session)
			s.Holder(t, old).OK(logOut) // in flight: ends what the session has become
		})
		if !a.OK() || len(a.SetCookie) != 0 || len(s.Records(t)) != 0 {
			t.Errorf("answered %v with %q, %d records", a, a.SetCookie, len(s.Records(t)))
		}
	})
}

// If the store cannot say so, the visitor gets the ticket with the error page: the
// former one opens nothing any more, and his data would be lost.
func TestStoreFailsBetweenSaveAndAnswer(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	a := within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
		session.Regenerate()
		mustSave(t, session)
		s.Store.Inject(cloakroomtest.Fault{Nth: 1, Times: 2, Err: sitetest.ErrRefused})
	})
	if a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) != 1 {
		t.Errorf("answered %v with %q", a, a.SetCookie)
	}
	s.Store.Heal()
	mustLive(t, b, "afterwards")
}

// A Save that fails half way through a Regenerate is finished by the next, or by
// the answer; the ticket goes out only then.
func TestSaveFinishesAHalfMove(t *testing.T) {
	for nth := 2; nth <= 3; nth++ {
		for _, again := range []bool{true, false} {
			s := sitetest.New(t, cloakroom.Options{})
			b := s.Known(t)
			old := b.Ticket()
			a := within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
				session.Regenerate()
				s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: nth, Err: sitetest.ErrRefused})
				mustMatch(t, "Save", session.Save(), cloakroom.ErrUnavailable)
				if again {
					mustSave(t, session)
				}
			})
			if !a.OK() || b.Ticket() == old || len(s.Marks(t)) != 1 || s.Values(t, old) != nil {
				t.Errorf("save %d failed: answered %v, %d marks, the old ticket opens %v", nth, a, len(s.Marks(t)), s.Values(t, old))
			}
			mustLive(t, b, "afterwards")
		}
	}
}

func TestSaveTooLate(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	var kept *cloakroom.Session
	within(t, s.Browser(t), func(w http.ResponseWriter, session *cloakroom.Session) {
		kept = session
		io.WriteString(w, "first byte")
		session.Set("x", 1)
		mustMatch(t, "Save of a new session", session.Save(), cloakroom.ErrLate)
		mustSave(t, session)
	})
	mustMatch(t, "Save after the request", kept.Save(), cloakroom.ErrLate)
	if n := len(s.Records(t)); n != 0 {
		t.Errorf("%d records", n)
	}
}

// Of a request that was given up nobody would get a new ticket. The answer fails,
// if anybody is there to see it.
func TestSaveWithNobodyThere(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{})
	b := s.Known(t)
	s.Outer = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), time.Hour)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, hangUp{}, cancel)))
		})
	}
	a := b.Get("/", func(w http.ResponseWriter, r *http.Request) {
		session := cloakroom.From(r)
		session.Set("kept", true)
		r.Context().Value(hangUp{}).(context.CancelFunc)()
		mustSave(t, session)
		session.Regenerate()
		if err := session.Save(); !errors.Is(err, context.Canceled) || session.Err() != nil {
			t.Errorf("Save: %v, Err %v", err, session.Err())
		}
		io.WriteString(w, "done")
	})
	if a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) != 0 || b.Values()["kept"] != true {
		t.Errorf("answered %v with %q, values %v", a, a.SetCookie, b.Values())
	}
}

type hangUp struct{}

// A login that is refused can be answered by its handler.
func TestSaveOfALoginThatIsRefused(t *testing.T) {
	s := sitetest.New(t, cloakroom.Options{MaxPerUser: 1, RefuseOverMax: true})
	member(t, s)
	b := s.Known(t)
	old := b.Ticket()
	a := within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
		session.Login("ada")
		session.Set("x", 1)
		if err := session.Save(); !errors.Is(err, cloakroom.ErrTooManySessions) {
			t.Errorf("Save: %v", err)
		}
		if session.User() != "" || session.Has("x") || session.Modified() {
			t.Errorf("user %q, Has %t, Modified %t", session.User(), session.Has("x"), session.Modified())
		}
	})
	if !a.OK() || b.Ticket() != old {
		t.Errorf("answered %v", a)
	}
	mustLive(t, b, "as it was")
}

func TestSaveOfASessionThatIsRefused(t *testing.T) {
	enough := errors.New("enough for today")
	s := sitetest.New(t, cloakroom.Options{Hooks: cloakroom.Hooks{Creating: func(*http.Request) error { return enough }}})
	a := within(t, s.Browser(t), func(_ http.ResponseWriter, session *cloakroom.Session) {
		session.Set("x", 1)
		if err := session.Save(); !errors.Is(err, enough) || session.Modified() {
			t.Errorf("Save: %v, Modified %t", err, session.Modified())
		}
	})
	if !a.OK() || len(a.SetCookie) != 0 || len(s.Records(t)) != 0 {
		t.Errorf("answered %v with %q, %d records", a, a.SetCookie, len(s.Records(t)))
	}
}

func TestSaveBetweenOpenAndCommit(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		session := s.Open(t, "")
		sitetest.SetUser(session)
		mustSave(t, session)
		ticket := s.Commit(t, session)
		sitetest.Has(t, "saved by Save", true)(s.Open(t, ticket))

		session = s.Open(t, ticket)
		s.Holder(t, ticket).OK(logOut)
		for range 2 {
			session.Set("x", 1)
			mustMatch(t, "Save", session.Save(), ended...)
		}
		session.Set("x", 1)
		if left := s.Commit(t, session); left != "" || len(s.Records(t)) != 0 {
			t.Errorf("a session that had ended has a ticket: %t, %d records", left != "", len(s.Records(t)))
		}

		ctx, cancel := context.WithCancel(t.Context())
		session, err := s.Manager.Open(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		session.Set("x", 1)
		cancel()
		if err := session.Save(); !errors.Is(err, context.Canceled) || !session.Modified() {
			t.Errorf("Save with a context that is done: %v", err)
		}
	})
}

// A sealed cookie is made by Save, and goes out with the answer.
func TestSaveOfASealedCookie(t *testing.T) {
	s := sitetest.NewSealed(t, cloakroom.Options{})
	b := s.Browser(t)
	a := within(t, b, func(w http.ResponseWriter, session *cloakroom.Session) {
		sitetest.SetUser(session)
		mustSave(t, session)
		session.Set("x", 1)
		mustSave(t, session)
	})
	if !a.OK() || len(a.SetCookie) != 1 || b.Values()["x"] != int64(1) {
		t.Errorf("answered %v with %d cookies, x is %v", a, len(a.SetCookie), b.Values()["x"])
	}
	within(t, b, func(w http.ResponseWriter, session *cloakroom.Session) {
		io.WriteString(w, "first byte")
		session.Set("x", 2)
		mustMatch(t, "Save", session.Save(), cloakroom.ErrLate)
	})
}

// Ended tells what has become of a ticket.
func TestEnded(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		if err := s.Open(t, "").Ended(); err != nil {
			t.Errorf("without a ticket: %v", err)
		}
		s.Browser(t).OK(func(s *cloakroom.Session) {
			if err := s.Ended(); err != nil {
				t.Errorf("a request without a ticket: %v", err)
			}
		})
		mustMatch(t, "a ticket that was never given out", s.Open(t, sitetest.Dead).Ended(), cloakroom.ErrNotFound)
		mustMatch(t, "a malformed one", s.Open(t, "x").Ended(), cloakroom.ErrNotFound)
		if err := s.Open(t, sitetest.Dead).Ended(); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "no session: ") {
			t.Errorf("of an unknown ticket Ended says %q, which should be about sessions", err)
		}
		for name, c := range map[string]struct {
			end  func(*cloakroom.Session)
			want []error
		}{"a logout": {logOut, ended}, "a login": {logIn("ada"), moved}} {
			b := s.Known(t)
			old := b.Ticket()
			if err := s.Open(t, old).Ended(); err != nil {
				t.Errorf("a live session: %v", err)
			}
			b.OK(c.end)
			for _, late := range []time.Duration{0, time.Minute} { // in flight, and later
				time.Sleep(late)
				mustMatch(t, name, s.Open(t, old).Ended(), c.want...)
				s.Holder(t, old).OK(func(s *cloakroom.Session) { mustMatch(t, "in a request: "+name, s.Ended(), c.want...) })
			}
			time.Sleep(15 * time.Minute)
			mustMatch(t, name+", long ago", s.Open(t, old).Ended(), cloakroom.ErrNotFound)
		}
		s.Known(t).OK(func(s *cloakroom.Session) {
			s.Get("user")
			s.Destroy()
			mustMatch(t, "after Destroy", s.Ended(), ended...)
			s.Set("goodbye", true)
			mustSave(t, s)
			if err := s.Ended(); err != nil {
				t.Errorf("a session after that: %v", err)
			}
		})
		s.BreakStore()
		b := s.Holder(t, sitetest.Dead)
		if a := b.Visit(func(s *cloakroom.Session) { mustMatch(t, "the store fails", s.Ended(), cloakroom.ErrUnavailable) }); a.OK() {
			t.Error("answered though the load failed")
		}
	})
}
