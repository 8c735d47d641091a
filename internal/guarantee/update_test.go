package guarantee_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// Key.Update, which loses no step, and what becomes of saves under contention.

// contended returns a visitor who has a session with values, at a site in whose
// next n saves somebody else comes first with the same ticket.
func contended(t testing.TB, records store.Store, values map[string]any, n int, o cloakroom.Options, others func(*cloakroom.Session)) *sitetest.Browser {
	elsewhere := sitetest.NewOn(t, records, plain())
	ticket := elsewhere.Begin(t, values).Ticket()
	s := sitetest.NewOn(t, records, o)
	s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Times: n, Before: func() {
		if a := elsewhere.Holder(t, ticket).Visit(others); !a.OK() {
			t.Errorf("the other request: got %v, want 200", a)
		}
	}})
	return s.Holder(t, ticket)
}

// Changes of Visits, the counter.

func addHundred(s *cloakroom.Session) {
	sitetest.Visits.Update(s, func(n int) int { return n + 100 })
}

func remove(s *cloakroom.Session) { s.Delete(string(sitetest.Visits)) }

func put(n int) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) { sitetest.Visits.Set(s, n) }
}

func both(f, g func(*cloakroom.Session)) func(*cloakroom.Session) {
	return func(s *cloakroom.Session) { f(s); g(s) }
}

// What a request did to one value, when another has added 100 meanwhile.
func TestUpdateUnderConflict(t *testing.T) {
	inc := sitetest.Count
	double := func(s *cloakroom.Session) { sitetest.Visits.Update(s, func(n int) int { return 2 * n }) }
	for _, c := range []struct {
		name string
		do   func(s *cloakroom.Session)
		want any
	}{
		{"update", inc, int64(108)},
		{"updates in a row", both(both(inc, double), inc), int64(2*108 + 1)},
		{"set, then update", both(put(1), double), int64(2)},
		{"update, then set", both(inc, put(1)), int64(1)},
		{"update, then delete", both(inc, remove), nil},
		{"delete, then update", both(remove, inc), int64(1)},
		{"clear, then update", both((*cloakroom.Session).Clear, inc), int64(1)},
		{"update, then clear", both(inc, (*cloakroom.Session).Clear), nil},
		{"update that reads other values", func(s *cloakroom.Session) {
			sitetest.Visits.Update(s, func(n int) int { return n + len(s.Get("name").(string)) })
		}, int64(110)},
		{"update that updates another value", func(s *cloakroom.Session) {
			sitetest.Visits.Update(s, func(n int) int {
				cloakroom.Key[int]("calls").Update(s, func(n int) int { return n + 1 })
				return n + 1
			})
		}, int64(108)},
	} {
		t.Run(c.name, func(t *testing.T) {
			sitetest.EachStore(t, func(t *testing.T, records store.Store) {
				b := contended(t, records, map[string]any{"name": "ada", "visits": 7}, 1, plain(), addHundred)
				b.OK(c.do)
				if got := b.Values()["visits"]; got != c.want {
					t.Errorf("got %v, want %v", got, c.want)
				}
			})
		})
	}
}

// Changes of different values are merged, and of one value the later save wins.
func TestMergeUnderConflict(t *testing.T) {
	sitetest.EachStore(t, func(t *testing.T, records store.Store) {
		var attempts int
		o := plain()
		o.Hooks.Conflict = func(_ context.Context, e cloakroom.Event) { attempts = e.Attempts }
		b := contended(t, records, map[string]any{"deleted": 1, "kept": 1, "both": 1}, 3, o, func(s *cloakroom.Session) {
			s.Set("both", "theirs")
			s.Set("theirs", 1)
			s.Flash("info", "theirs")
		})
		b.OK(func(s *cloakroom.Session) {
			s.Set("both", "ours")
			s.Set("ours", 1)
			s.Delete("deleted")
			s.Flash("info", "ours")
		})
		want := map[string]any{"kept": int64(1), "both": "ours", "theirs": int64(1), "ours": int64(1)}
		if got := b.Values(); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if attempts != 4 {
			t.Errorf("Hooks.Conflict was told %d attempts, want 4", attempts)
		}
		b.OK(func(s *cloakroom.Session) {
			sitetest.Flashes(t, "messages", s.Flashes(), strings.Fields("info theirs info theirs info theirs info ours")...)
		})
	})
}

// A function given to Update that panics, in the handler or when a commit runs
// it again, leaves no lock behind: the next request, in conflict too, is served.
func TestPanicInUpdate(t *testing.T) {
	for _, run := range []int{1, 2} {
		t.Run(fmt.Sprint("in run ", run), func(t *testing.T) {
			sitetest.EachStore(t, func(t *testing.T, records store.Store) {
				b := contended(t, records, map[string]any{"name": "ada", "visits": 7}, 3, plain(), addHundred)
				func() {
					defer func() { recover() }()
					runs := 0
					b.Visit(func(s *cloakroom.Session) {
						sitetest.Visits.Update(s, func(n int) int {
							if runs++; runs == run {
								panic("a bug in the program")
							}
							return n + 1
						})
					})
					t.Error("the panic did not reach the server")
				}()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				a, err := b.Send(b.Request("/").WithContext(ctx), sitetest.Using(sitetest.Count))
				if err != nil || !a.OK() {
					t.Errorf("the next request: got %v, %v, want 200", a, err)
				}
				// Two or three of the others have come first.
				if got := b.Values()["visits"].(int64); got%100 != 8 {
					t.Errorf("the counter ends in %d, want one step beyond 7", got%100)
				}
			})
		})
	}
}

// A session that others never stop changing: the save ends in a 503 after
// StoreTimeout, and other requests of the session are not held up by it later.
func TestConflictWithoutEnd(t *testing.T) {
	conflict := cloakroomtest.Fault{Op: cloakroomtest.OpSave, Delay: time.Millisecond, Err: store.ErrConflict}
	var removals []cloakroomtest.Fault // which a regenerate does after it created a record
	for nth := 2; nth <= 20; nth += 2 {
		removals = append(removals, cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: nth, Delay: time.Second, Err: store.ErrConflict})
	}
	for _, c := range []struct {
		name   string
		use    func(*cloakroom.Session)
		faults []cloakroomtest.Fault
	}{
		{"write", sitetest.Set("name", "eve"), []cloakroomtest.Fault{conflict}},
		{"regenerate", (*cloakroom.Session).Regenerate, removals},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sitetest.EachStoreHere(t, func(records store.Store) {
					s := sitetest.NewOn(t, records, plain())
					b := s.Begin(t, map[string]any{"name": "ada"})
					for _, fault := range c.faults {
						s.Store.Inject(fault)
					}
					start := time.Now()
					mustBeClosed(t, b, b.Visit(c.use))
					if took := time.Since(start); took < cloakroom.DefaultStoreTimeout || took > cloakroom.DefaultStoreTimeout+time.Second {
						t.Errorf("it took %v, want StoreTimeout", took)
					}
					s.Store.Heal()
					if got := b.Values(); !maps.Equal(got, map[string]any{"name": "ada"}) {
						t.Errorf("the session has %v, want what it had", got)
					}
					start = time.Now()
					s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: store.ErrConflict})
					if a := b.Visit(sitetest.Set("name", "bob")); !a.OK() || time.Since(start) > time.Second {
						t.Errorf("the next request: got %v after %v, want 200 at once", a, time.Since(start))
					}
				})
			})
		})
	}
}

// Those who wait for their turn to try again stop waiting after StoreTimeout,
// also if the one in turn does not end: its Update runs a function that hangs.
func TestWaitingForATurnEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sitetest.New(t, plain())
		b := s.Begin(t, map[string]any{"name": "ada"})
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Before: func() {
			record := storeKey(b.Ticket())
			rec, _ := s.Store.Load(t.Context(), record)
			s.Store.Unwrap().Save(t.Context(), record, rec, rec) // the update's value is another then
		}})
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Err: store.ErrConflict})
		var wg sync.WaitGroup
		wg.Go(func() {
			runs := 0
			b.Visit(func(s *cloakroom.Session) {
				cloakroom.Key[string]("name").Update(s, func(name string) string {
					if runs++; runs > 1 {
						time.Sleep(time.Hour)
					}
					return name + "!"
				})
			})
		})
		synctest.Wait()
		start := time.Now()
		a := b.Visit(sitetest.Set("name", "eve"))
		mustBeClosed(t, b, a)
		if took := time.Since(start); took > cloakroom.DefaultStoreTimeout+time.Second || a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("it took %v, want no more than StoreTimeout", took)
		}
		wg.Wait()
	})
}
