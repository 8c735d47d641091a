package cloakroom_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
)

// Key.Update, which loses no step, and what becomes of saves under contention.

// contended returns a Manager in whose next save other comes in between, n
// times, with a visit of its own.
func contended(t testing.TB, s store.Store, ticket string, n int, o cloakroom.Options, other page) *cloakroom.Manager {
	faulty := cloakroomtest.NewFaulty(s)
	elsewhere := manage(t, s, plainOptions(nil))
	for i := range n {
		faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: i + 1, Before: func() {
			if r := visit(elsewhere, ticket, other); r.code != http.StatusOK {
				t.Errorf("the other request: got %v, want 200", r)
			}
		}})
	}
	return manage(t, faulty, o)
}

func addHundred(s *cloakroom.Session) string {
	visits.Update(s, func(n int) int { return n + 100 })
	return ""
}

// What a request did to one value, when another has added 100 meanwhile.
func TestUpdateUnderConflict(t *testing.T) {
	double := func(s *cloakroom.Session) { visits.Update(s, func(n int) int { return 2 * n }) }
	cases := []struct {
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
			visits.Update(s, func(n int) int { return n + len(s.Get("name").(string)) })
		}, int64(110)},
		{"update that updates another value", func(s *cloakroom.Session) {
			visits.Update(s, func(n int) int {
				cloakroom.Key[int]("calls").Update(s, func(n int) int { return n + 1 })
				return n + 1
			})
		}, int64(108)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, s store.Store) {
				ticket := begin(t, manage(t, s, plainOptions(nil)), map[string]any{"name": "ada", string(visits): 7})
				m := contended(t, s, ticket, 1, plainOptions(nil), addHundred)
				r := visit(m, ticket, func(s *cloakroom.Session) string { c.do(s); return "" })
				if r.code != http.StatusOK {
					t.Fatalf("got %v, want 200", r)
				}
				if got := contents(t, m, ticket)[string(visits)]; got != c.want {
					t.Errorf("got %v, want %v", got, c.want)
				}
			})
		})
	}
}

// Changes of different values are merged, and of one value the later save wins.
func TestMergeUnderConflict(t *testing.T) {
	eachStore(t, func(t *testing.T, s store.Store) {
		var attempts int
		o := plainOptions(nil)
		o.Hooks.Conflict = func(_ context.Context, e cloakroom.Event) { attempts = e.Attempts }
		ticket := begin(t, manage(t, s, plainOptions(nil)), map[string]any{"deleted": 1, "kept": 1, "both": 1})
		m := contended(t, s, ticket, 3, o, func(s *cloakroom.Session) string {
			s.Set("both", "theirs")
			s.Set("theirs", 1)
			s.Flash("info", "theirs")
			return ""
		})
		visit(m, ticket, func(s *cloakroom.Session) string {
			s.Set("both", "ours")
			s.Set("ours", 1)
			s.Delete("deleted")
			s.Flash("info", "ours")
			return ""
		})
		want := map[string]any{"kept": int64(1), "both": "ours", "theirs": int64(1), "ours": int64(1)}
		if got := contents(t, m, ticket); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if attempts != 4 {
			t.Errorf("Hooks.Conflict was told %d attempts, want 4", attempts)
		}
		visit(m, ticket, func(s *cloakroom.Session) string {
			if got := len(s.Flashes()); got != 4 {
				t.Errorf("got %d messages, want the three of theirs and ours", got)
			}
			return ""
		})
	})
}

// A function given to Update that panics, in the handler or when a commit runs
// it again, leaves no lock behind: the next request, in conflict too, is served.
func TestPanicInUpdate(t *testing.T) {
	for _, run := range []int{1, 2} {
		t.Run(fmt.Sprint("in run ", run), func(t *testing.T) {
			eachStore(t, func(t *testing.T, s store.Store) {
				o := plainOptions(nil)
				ticket := begin(t, manage(t, s, o), map[string]any{"name": "ada", string(visits): 7})
				m := contended(t, s, ticket, 3, o, addHundred)
				func() {
					defer func() { recover() }()
					runs := 0
					visit(m, ticket, func(s *cloakroom.Session) string {
						visits.Update(s, func(n int) int {
							if runs++; runs == run {
								panic("a bug in the program")
							}
							return n + 1
						})
						return ""
					})
					t.Error("the panic did not reach the server")
				}()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if r := visitContext(ctx, m, ticket, count); r.code != http.StatusOK {
					t.Errorf("the next request: got %v, want 200", r)
				}
				// Two or three of the others have come in between.
				if got := contents(t, m, ticket)[string(visits)].(int64); got%100 != 8 {
					t.Errorf("the counter ends in %d, want one step beyond 7", got%100)
				}
			})
		})
	}
}

// Inside of a handler that survives its own panic the session can be used.
func TestPanicInUpdateLeavesTheSessionUsable(t *testing.T) {
	m := manage(t, openMemory(t), plainOptions(nil))
	ticket := begin(t, m, map[string]any{string(visits): 7})
	r := visit(m, ticket, func(s *cloakroom.Session) string {
		func() {
			defer func() { recover() }()
			visits.Update(s, func(int) int { panic("a bug in the program") })
		}()
		return count(s)
	})
	if got := contents(t, m, ticket)[string(visits)]; r.code != http.StatusOK || got != int64(8) {
		t.Errorf("got %v and %v, want 200 and 8", r, got)
	}
}

// A session that others never stop changing: the save ends in a 503 after
// StoreTimeout, and other requests of the session are not held up by it later.
func TestConflictWithoutEnd(t *testing.T) {
	for name, p := range map[string]page{"write": set("name", "eve"), "regenerate": regenerate} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				eachStoreHere(t, func(s store.Store) {
					faulty := cloakroomtest.NewFaulty(s)
					m := manage(t, faulty, plainOptions(nil))
					ticket := begin(t, m, map[string]any{"name": "ada"})
					faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Delay: time.Millisecond, Err: store.ErrConflict})
					if name == "regenerate" { // which first creates a record
						faulty.Heal()
						for nth := 2; nth < 20_000; nth += 2 {
							faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: nth, Delay: time.Second, Err: store.ErrConflict})
						}
					}
					start := time.Now()
					checkClosed(t, visit(m, ticket, p))
					if took := time.Since(start); took < cloakroom.DefaultStoreTimeout || took > cloakroom.DefaultStoreTimeout+time.Second {
						t.Errorf("it took %v, want StoreTimeout", took)
					}
					faulty.Heal()
					if got := contents(t, m, ticket); !maps.Equal(got, map[string]any{"name": "ada"}) {
						t.Errorf("the session has %v, want what it had", got)
					}
					start = time.Now()
					faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: store.ErrConflict})
					if r := visit(m, ticket, set("name", "bob")); r.code != http.StatusOK || time.Since(start) > time.Second {
						t.Errorf("the next request: got %v after %v, want 200 at once", r, time.Since(start))
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
		faulty := cloakroomtest.NewFaulty(openMemory(t))
		m := manage(t, faulty, plainOptions(nil))
		ticket := begin(t, m, map[string]any{"name": "ada"})
		faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Before: func() {
			record := storeKeyOf(ticket)
			rec, _ := faulty.Load(t.Context(), record)
			faulty.Unwrap().Save(t.Context(), record, rec, rec) // the update's value is another then
		}})
		faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Err: store.ErrConflict})
		var wg sync.WaitGroup
		wg.Go(func() {
			runs := 0
			visit(m, ticket, func(s *cloakroom.Session) string {
				cloakroom.Key[string]("name").Update(s, func(name string) string {
					if runs++; runs > 1 {
						time.Sleep(time.Hour)
					}
					return name + "!"
				})
				return ""
			})
		})
		synctest.Wait()
		start := time.Now()
		checkClosed(t, visit(m, ticket, set("name", "eve")))
		if took := time.Since(start); took > cloakroom.DefaultStoreTimeout+time.Second {
			t.Errorf("it took %v, want no more than StoreTimeout", took)
		}
		wg.Wait()
	})
}
