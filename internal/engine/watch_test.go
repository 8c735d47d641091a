package engine_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// closed reports whether done is closed, once all goroutines have done what they
// can without time going by.
func closed(done <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func mustBeOpen(t *testing.T, when string, done <-chan struct{}) {
	t.Helper()
	if closed(done) {
		t.Errorf("%s: Done is closed", when)
	}
}

func mustClose(t *testing.T, when string, done <-chan struct{}) {
	t.Helper()
	if !closed(done) {
		t.Errorf("%s: Done is not closed", when)
	}
}

// In the process that ends a session its watchers learn of it at once, and the
// session is empty for them.
func TestDoneInThisProcess(t *testing.T) {
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{WatchInterval: 24 * time.Hour})
				b := member(t, s)
				within(t, b, func(w http.ResponseWriter, session *cloakroom.Session) {
					done := session.Done()
					if again := session.Done(); again != done {
						t.Error("another channel")
					}
					io.WriteString(w, "first byte")
					mustBeOpen(t, "at first", done)
					c.end(t, s, b.Ticket())
					mustClose(t, "after "+name, done)
					s.Calls()
					mustMatch(t, "Ended", session.Ended(), c.want...)
					if !session.IsNew() || session.User() != "" {
						t.Errorf("IsNew %t, user %q", session.IsNew(), session.User())
					}
					session.Set("x", 1)
					mustMatch(t, "Save", session.Save(), c.want...)
					sitetest.Equal(t, "store calls since then", s.Calls())
					mustClose(t, "asked again", session.Done())
				})
			})
		})
	}
}

// A logout that comes while the session's own commit is under way, and too late to
// be a conflict.
func TestDoneWhenACommitMeetsTheEnd(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		var meanwhile func()
		s := sitetest.NewOn(t, records, cloakroom.Options{WatchInterval: 24 * time.Hour, Hooks: cloakroom.Hooks{
			Saved: func(context.Context, cloakroom.Event) {
				if f := meanwhile; f != nil {
					meanwhile = nil
					f()
				}
			},
		}})
		b := s.Known(t)
		within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
			done := session.Done()
			session.Set("x", 1)
			meanwhile = func() { s.Holder(t, b.Ticket()).OK(logOut) }
			mustSave(t, session)
			mustClose(t, "after the commit", done)
			mustMatch(t, "Ended", session.Ended(), ended...)
		})
	})
}

// What ended before Done was called, since it was loaded, is seen at once, too.
func TestDoneAfterTheEnd(t *testing.T) {
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{WatchInterval: 24 * time.Hour})
				b := member(t, s)
				within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
					session.User()
					c.end(t, s, b.Ticket())
					mustClose(t, "after "+name, session.Done())
				})
			})
		})
	}
}

// Elsewhere they learn of it within WatchInterval.
func TestDoneElsewhere(t *testing.T) {
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s, other := sitetest.NewOn(t, records, cloakroom.Options{}), sitetest.NewOn(t, records, cloakroom.Options{})
				b := member(t, s)
				within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
					done := session.Done()
					time.Sleep(3 * time.Second)
					c.end(t, other, b.Ticket())
					time.Sleep(cloakroom.DefaultWatchInterval)
					mustClose(t, "after "+name, done)
					mustMatch(t, "Ended", session.Ended(), c.want...)
				})
			})
		})
	}
}

// A watched session costs one load an interval, whoever watches it, and nothing
// when nobody does.
func TestCallsOfWatching(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{WatchInterval: time.Minute, IdleTimeout: 3 * time.Hour})
		b := s.Known(t)
		loads := func() int {
			synctest.Wait()
			n := len(s.Store.Calls(cloakroomtest.OpLoad))
			if _, many := records.(store.BatchLoader); many {
				n += len(s.Store.Calls(cloakroomtest.OpLoadAll))
			}
			s.Calls()
			return n
		}
		within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
			session.Get("user")
			within(t, s.Holder(t, b.Ticket()), func(_ http.ResponseWriter, other *cloakroom.Session) {
				opened := s.Open(t, b.Ticket())
				loads()
				session.Done()
				other.Done()
				opened.Done()
				if n := loads(); n > 2 { // the other request's own, and the first look
					t.Errorf("%d calls at first", n)
				}
				time.Sleep(time.Minute)
				loads()
				time.Sleep(time.Hour)
				if n := loads(); n != 60 {
					t.Errorf("%d calls in 60 intervals, want one for each", n)
				}
			})
			loads()
		})
	})
}

// When the last watch has ended so has the goroutine, and nothing is loaded.
func TestWatchEndsWithItsRequest(t *testing.T) {
	for name, c := range map[string]func(t *testing.T, s *sitetest.Site) (done <-chan struct{}){
		"the handler returns": func(t *testing.T, s *sitetest.Site) (done <-chan struct{}) {
			within(t, s.Known(t), func(_ http.ResponseWriter, session *cloakroom.Session) { done = session.Done() })
			return done
		},
		"the handler returns, and its context goes on": func(t *testing.T, s *sitetest.Site) (done <-chan struct{}) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", "__Host-session="+s.Known(t).Ticket())
			s.Manager.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				done = cloakroom.From(r).Done()
			})).ServeHTTP(httptest.NewRecorder(), r)
			return done
		},
		"the visitor hangs up": func(t *testing.T, s *sitetest.Site) (done <-chan struct{}) {
			b := s.Known(t)
			s.Outer = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					ctx, cancel := context.WithCancel(r.Context())
					next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, hangUp{}, cancel)))
				})
			}
			b.Get("/", func(w http.ResponseWriter, r *http.Request) {
				done = cloakroom.From(r).Done()
				r.Context().Value(hangUp{}).(context.CancelFunc)()
				synctest.Wait()
				s.Calls()
				time.Sleep(time.Minute)
				sitetest.Equal(t, "calls after the visitor hung up", s.Calls())
			})
			return done
		},
		"the context of Open is done": func(t *testing.T, s *sitetest.Site) (done <-chan struct{}) {
			b := s.Known(t)
			ctx, cancel := context.WithCancel(t.Context())
			session, err := s.Manager.Open(ctx, cloakroom.Ticket(b.Ticket()))
			if err != nil {
				t.Fatal(err)
			}
			done = session.Done()
			time.Sleep(time.Minute)
			cancel()
			return done
		},
		"the session ends": func(t *testing.T, s *sitetest.Site) (done <-chan struct{}) {
			b := s.Known(t)
			s.Open(t, b.Ticket()).Done()
			b.OK(logOut)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{})
				s.Known(t)
				done := c(t, s)
				synctest.Wait()
				stacks := make([]byte, 1<<20)
				if stacks = stacks[:runtime.Stack(stacks, true)]; strings.Contains(string(stacks), "engine.(*watches)") {
					t.Error("the goroutine is left")
				}
				s.Calls()
				time.Sleep(time.Hour)
				sitetest.Equal(t, "calls of an hour", s.Calls())
				mustBeOpen(t, "that nobody listens", done)
			})
		})
	}
}

// What a request does itself moves its watch, and closes those of others.
func TestDoneFollowsItsOwnRequest(t *testing.T) {
	for name, move := range map[string]func(*cloakroom.Session){
		"a regenerate": (*cloakroom.Session).Regenerate,
		"a login":      func(s *cloakroom.Session) { s.Login("eve") },
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				s := sitetest.NewOn(t, records, cloakroom.Options{WatchInterval: 500 * time.Millisecond})
				b := member(t, s)
				within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
					within(t, s.Holder(t, b.Ticket()), func(_ http.ResponseWriter, other *cloakroom.Session) {
						done, others := session.Done(), other.Done()
						move(session)
						// Whoever looks in between must not take it for an end.
						s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Before: func() { time.Sleep(600 * time.Millisecond) }, Times: 9})
						mustSave(t, session)
						s.Store.Heal()
						mustBeOpen(t, "the request's own", done)
						mustClose(t, "another request's", others)
						mustMatch(t, "Ended of the other", other.Ended(), moved...)
						time.Sleep(time.Minute)
						mustBeOpen(t, "a minute later", done)
						if err := session.Ended(); err != nil || session.Done() != done {
							t.Errorf("Ended: %v, the same channel: %t", err, session.Done() == done)
						}
						for key := range s.Records(t) { // its ticket is not out yet
							if err := s.Store.Delete(t.Context(), key); err != nil {
								t.Fatal(err)
							}
						}
						time.Sleep(11 * time.Second)
						mustClose(t, "the new session has ended", done)
						mustMatch(t, "Ended", session.Ended(), ended...)
					})
				})
			})
		})
	}
}

func TestDoneOfASessionThatIsBegun(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		for name, b := range map[string]*sitetest.Browser{"no ticket": s.Browser(t), "an unknown ticket": s.Holder(t, sitetest.Dead)} {
			within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
				done := session.Done()
				time.Sleep(time.Hour)
				mustBeOpen(t, name+": no session", done)
				sitetest.SetUser(session)
				mustSave(t, session)
				time.Sleep(29 * time.Minute)
				mustBeOpen(t, name+": begun", done)
				time.Sleep(time.Minute)
				mustClose(t, name+": expired", done)
			})
		}
		session := s.Open(t, "")
		done := session.Done()
		sitetest.SetUser(session)
		ticket := s.Commit(t, session)
		mustBeOpen(t, "opened", done)
		s.Holder(t, ticket).OK(logOut)
		mustClose(t, "opened, and logged out elsewhere", done)
	})
}

func TestDoneOfWhatHadEnded(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		for name, end := range map[string]func(*cloakroom.Session){"a logout": logOut, "a login": logIn("eve")} {
			b := s.Known(t)
			old := b.Ticket()
			b.OK(end)
			time.Sleep(5 * time.Minute)
			s.Holder(t, old).OK(func(session *cloakroom.Session) {
				mustClose(t, name, session.Done())
				sitetest.SetUser(session) // begins another one, as ever
				mustSave(t, session)
				mustBeOpen(t, name+": another session", session.Done())
			})
		}
	})
}

// A request's own Destroy closes the channel when it is carried out.
func TestDoneAndDestroy(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, cloakroom.Options{})
		b := s.Known(t)
		within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
			done := session.Done()
			session.Destroy()
			session.Set("goodbye", true)
			mustBeOpen(t, "before Save", done)
			s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: sitetest.ErrRefused})
			mustMatch(t, "Save", session.Save(), cloakroom.ErrUnavailable)
			mustBeOpen(t, "after a Save that failed", done)
			mustSave(t, session)
			mustClose(t, "after Save", done)
			if session.Get("goodbye") != true || session.Ended() != nil {
				t.Errorf("goodbye %v, Ended %v", session.Get("goodbye"), session.Ended())
			}
			mustBeOpen(t, "the session after that", session.Done())
		})
	})
}

// Watching keeps nobody logged in, and the end of a session is seen when it comes.
func TestDoneAtTheExpiry(t *testing.T) {
	for name, opts := range map[string]cloakroom.Options{
		"idle":     {WatchInterval: time.Hour},
		"lifetime": {WatchInterval: time.Hour, IdleTimeout: cloakroom.NoLimit, Lifetime: 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			clocked(t, func(t *testing.T, records store.Store) {
				time.Sleep(877 * time.Millisecond)
				s := sitetest.NewOn(t, records, opts)
				b := s.Known(t)
				within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
					done := session.Done()
					time.Sleep(29*time.Minute + 59*time.Second)
					mustBeOpen(t, "a second before", done)
					time.Sleep(time.Second)
					mustClose(t, "at its expiry", done)
					mustMatch(t, "Ended", session.Ended(), ended...)
				})
			})
		})
	}
}

// A use elsewhere puts the end off.
func TestDoneOfASessionInUse(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s, other := sitetest.NewOn(t, records, cloakroom.Options{}), sitetest.NewOn(t, records, cloakroom.Options{WatchInterval: time.Hour})
		b := s.Known(t)
		within(t, other.Holder(t, b.Ticket()), func(_ http.ResponseWriter, session *cloakroom.Session) {
			done := session.Done()
			for range 20 {
				time.Sleep(20 * time.Minute)
				mustLive(t, b, "in use")
			}
			mustBeOpen(t, "in use", done)
			time.Sleep(30 * time.Minute)
			mustClose(t, "unused", done)
		})
	})
}

// A store that fails closes nothing, says so once, and what has ended meanwhile is
// seen when it is back. One record that cannot be read hides no other.
func TestDoneOnABrokenStore(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		s, other := sitetest.NewOn(t, records, cloakroom.Options{}), sitetest.NewOn(t, records, cloakroom.Options{})
		b, c := s.Known(t), s.Known(t)
		within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
			within(t, c, func(_ http.ResponseWriter, second *cloakroom.Session) {
				done, seconds := session.Done(), second.Done()
				synctest.Wait()
				s.Log.Events()
				s.BreakStore()
				time.Sleep(time.Hour)
				mustBeOpen(t, "the store is down", done)
				sitetest.Equal(t, "events of the outage", s.Log.Events(), "Error")
				s.Store.Heal()
				time.Sleep(10 * time.Second)
				mustClose(t, "it is back, and the session has expired", done)
				mustClose(t, "the other", seconds)
			})
		})
		b, c = s.Known(t), s.Known(t)
		within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
			within(t, c, func(_ http.ResponseWriter, second *cloakroom.Session) {
				done, seconds := session.Done(), second.Done()
				synctest.Wait()
				other.Holder(t, b.Ticket()).OK(logOut)
				other.Holder(t, c.Ticket()).OK(logOut)
				// The first is of both together.
				s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Times: 2, Err: sitetest.ErrRefused})
				time.Sleep(10 * time.Second)
				if closed(done) == closed(seconds) {
					t.Error("both are closed, or none, though one of them could be read")
				}
				time.Sleep(10 * time.Second)
				mustClose(t, "one", done)
				mustClose(t, "the other", seconds)
			})
		})
	})
}

func TestDoneOfASealedCookie(t *testing.T) {
	clocked(t, func(t *testing.T, _ store.Store) {
		s := sitetest.NewSealed(t, cloakroom.Options{})
		b := s.Known(t)
		within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
			done := session.Done()
			time.Sleep(29 * time.Minute)
			sitetest.Has(t, "before it expires", true)(session)
			session.Set("x", 1)
			mustSave(t, session) // which makes a cookie that lasts longer
			time.Sleep(29 * time.Minute)
			mustBeOpen(t, "sealed anew", done)
			time.Sleep(time.Minute)
			mustClose(t, "expired", done)
			mustMatch(t, "Ended", session.Ended(), ended...)
			sitetest.Has(t, "after that", false)(session)
		})
		within(t, s.Known(t), func(_ http.ResponseWriter, session *cloakroom.Session) {
			done := session.Done()
			session.Destroy()
			mustSave(t, session)
			mustClose(t, "destroyed", done)
		})
	})
}

// Many sessions are looked at in turn, each once an interval and many with one call.
func TestManySessionsAreWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, cloakroom.Options{})
		var dones []<-chan struct{}
		var tickets []string
		for range 1000 {
			session := s.Open(t, "")
			session.Set("x", 1)
			tickets = append(tickets, s.Commit(t, session))
			dones = append(dones, session.Done())
			time.Sleep(7 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		looks := func(sessions int) {
			t.Helper()
			s.Calls()
			time.Sleep(time.Minute)
			calls, looks := s.Store.Calls(cloakroomtest.OpLoadAll), 0
			for _, c := range calls {
				looks += len(strings.Fields(c.Key))
			}
			if looks != 6*sessions || len(calls) > 6*(8+sessions/128) {
				t.Errorf("%d looks at %d sessions with %d calls in six intervals", looks, sessions, len(calls))
			}
		}
		looks(1000)
		for i := range 500 {
			s.Holder(t, tickets[i]).OK(logOut)
		}
		for i, done := range dones {
			if closed(done) != (i < 500) {
				t.Fatalf("session %d: closed %t", i, closed(done))
			}
		}
		looks(500)
	})
}

// A renewal closes nothing: the session goes on, and the watch with it.
func TestDoneAndRenewals(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		opts := cloakroom.Options{RenewEvery: 2 * time.Minute}
		here, elsewhere := sitetest.NewOn(t, records, opts), sitetest.NewOn(t, records, opts)
		for name, s := range map[string]*sitetest.Site{"here": here, "elsewhere": elsewhere} {
			for _, used := range []bool{false, true} {
				b := here.Known(t)
				within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
					done := session.Done()
					holder := s.Holder(t, b.Ticket())
					for range 5 {
						time.Sleep(2*time.Minute + time.Second)
						before := holder.Ticket()
						mustLive(t, holder, "renewed "+name)
						if holder.Ticket() == before {
							t.Errorf("%s: the session was not renewed", name)
						}
						if used {
							sitetest.Has(t, "the stream's own", true)(session)
							session.Set("x", 1)
							mustSave(t, session)
						}
					}
					time.Sleep(time.Minute)
					mustBeOpen(t, "renewed "+name, done)
					holder.OK(logOut)
					time.Sleep(11 * time.Second)
					mustClose(t, "logged out "+name, done)
					mustMatch(t, "Ended", session.Ended(), ended...)
					sitetest.Has(t, "after the logout", false)(session)
				})
			}
		}
	})
}

// Where sealed cookies can be revoked, those who watch learn of it.
func TestDoneOfASealedCookieThatIsRevoked(t *testing.T) {
	clocked(t, func(t *testing.T, records store.Store) {
		opts := cloakroom.Options{Revocations: records, IdleTimeout: time.Hour}
		here, elsewhere := sitetest.NewSealed(t, opts), sitetest.NewSealed(t, opts)
		for name, s := range map[string]*sitetest.Site{"here": here, "elsewhere": elsewhere} {
			b, other := member(t, here), here.Browser(t)
			other.OK(func(s *cloakroom.Session) { s.Login("eve") })
			within(t, b, func(_ http.ResponseWriter, session *cloakroom.Session) {
				within(t, other, func(_ http.ResponseWriter, eves *cloakroom.Session) {
					done, evesDone := session.Done(), eves.Done()
					time.Sleep(10*time.Minute + time.Second)
					mustBeOpen(t, name+": before", done)
					if err := s.Manager.RevokeUser(t.Context(), "ada"); err != nil {
						t.Fatal(err)
					}
					if s == elsewhere {
						time.Sleep(cloakroom.DefaultWatchInterval)
					}
					mustClose(t, name+": revoked", done)
					mustMatch(t, name+": Ended", session.Ended(), ended...)
					time.Sleep(10 * time.Minute)
					mustBeOpen(t, name+": another user's", evesDone)
					time.Sleep(40 * time.Minute)
					mustClose(t, name+": expired", evesDone)
				})
			})
		}
	})
}
