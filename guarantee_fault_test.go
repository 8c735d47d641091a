package cloakroom_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
)

// Guarantee 6: closed when in doubt.

var errStoreBroken = errors.New("the store is broken")

// faults are the ways in which a call of a store goes wrong.
var faults = []struct {
	name string
	cloakroomtest.Fault
	done bool // the call took effect
}{
	{"fails", cloakroomtest.Fault{Err: errStoreBroken}, false},
	{"fails after it took effect", cloakroomtest.Fault{Err: errStoreBroken, AnswerLost: true}, true},
	{"does not answer", cloakroomtest.Fault{Hang: true}, false},
	{"is far too slow", cloakroomtest.Fault{Delay: time.Hour}, false},
}

// Whatever the store's failure, the visitor gets a 503 and not a word of the
// handler's, keeps the ticket, and finds the data when the store is back.
func TestStoreFailuresCloseTheDoor(t *testing.T) {
	pages := []struct {
		name string
		page page
		op   cloakroomtest.Op
	}{
		{"read", read("name"), cloakroomtest.OpLoad},
		{"write", set("name", "eve"), cloakroomtest.OpSave},
		{"write, at load", set("name", "eve"), cloakroomtest.OpLoad},
		{"update", count, cloakroomtest.OpSave},
		{"flash", func(s *cloakroom.Session) string { s.Flash("info", "Hello."); return "flashed" }, cloakroomtest.OpSave},
		{"logout", logout, cloakroomtest.OpDelete},
		{"regenerate", regenerate, cloakroomtest.OpSave},
	}
	for _, p := range pages {
		for _, f := range faults {
			t.Run(p.name+": "+string(p.op)+" "+f.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					eachStoreHere(t, func(s store.Store) { testFault(t, s, p.page, p.op, f.Fault, f.done) })
				})
			})
		}
	}
}

func testFault(t *testing.T, s store.Store, p page, op cloakroomtest.Op, fault cloakroomtest.Fault, done bool) {
	faulty := cloakroomtest.NewFaulty(s)
	var log logText
	m := manage(t, faulty, plainOptions(&log))
	ticket := begin(t, m, map[string]any{"name": "ada", "kept": true})
	fault.Op = op
	faulty.Inject(fault)
	start := time.Now()
	r := visit(m, ticket, p)
	checkClosed(t, r)
	if took := time.Since(start); took > cloakroom.DefaultStoreTimeout+time.Second {
		t.Errorf("it took %v, want no more than StoreTimeout", took)
	}
	if log.String() == "" {
		t.Error("nothing was logged")
	}
	faulty.Heal()
	values := contents(t, m, r.after(ticket))
	if op == cloakroomtest.OpDelete && done {
		if values != nil {
			t.Error("the session that was destroyed is still there")
		}
		return
	}
	if values["kept"] != true {
		t.Errorf("got %d values with the store back, want those of the session", len(values))
	}
}

// checkClosed checks that an answer is the error page and nothing else.
func checkClosed(t *testing.T, r reply) {
	t.Helper()
	if r.code != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("got %d, Retry-After %q; want 503 with Retry-After", r.code, r.header.Get("Retry-After"))
	}
	for _, body := range []string{"set", "ada", "eve", "<nil>", "gone", "moved", "counted", "flashed", "begun"} {
		if r.body == body {
			t.Errorf("got the handler's answer %q with the error", body)
		}
	}
	if r.removed {
		t.Error("the visitor's ticket was taken away")
	}
}

// A new visitor whose session could not be saved gets no ticket.
func TestFailureToCreate(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				eachStoreHere(t, func(s store.Store) {
					faulty := cloakroomtest.NewFaulty(s)
					m := manage(t, faulty, plainOptions(nil))
					f.Fault.Op = cloakroomtest.OpSave
					faulty.Inject(f.Fault)
					r := visit(m, "", set("name", "ada"))
					checkClosed(t, r)
					if r.ticket != "" {
						t.Error("got a ticket, want none")
					}
				})
			})
		})
	}
}

// A store that lost the answer to its first try finds its own record with the
// second, and says that there is one. A new ID gets around that.
func TestConflictOfANewSession(t *testing.T) {
	eachStore(t, func(t *testing.T, s store.Store) {
		faulty := cloakroomtest.NewFaulty(s)
		m := manage(t, faulty, plainOptions(nil))
		faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: store.ErrConflict, AnswerLost: true})
		r := visit(m, "", set("name", "ada"))
		if r.code != http.StatusOK || contents(t, m, r.ticket)["name"] != "ada" {
			t.Errorf("got %v, want 200 and a session", r)
		}
		faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: store.ErrConflict})
		checkClosed(t, visit(m, "", set("name", "ada"))) // it goes on for ever
	})
}

// A touch that fails costs the visitor nothing, and is tried again.
func TestFailureToTouch(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				eachStoreHere(t, func(s store.Store) {
					faulty := cloakroomtest.NewFaulty(s)
					m := manage(t, faulty, plainOptions(nil))
					ticket := begin(t, m, map[string]any{"name": "ada"})
					time.Sleep(cloakroom.DefaultIdleTimeout / 2)
					f.Fault.Op = cloakroomtest.OpTouch
					faulty.Inject(f.Fault)
					if r := visit(m, ticket, read("name")); r.code != http.StatusOK || r.body != "ada" {
						t.Errorf("got %v, want 200 and ada", r)
					}
					faulty.Heal()
					visit(m, ticket, read("name"))
					time.Sleep(cloakroom.DefaultIdleTimeout * 3 / 4)
					if r := visit(m, ticket, read("name")); r.body != "ada" {
						t.Errorf("got %v after another touch, want ada", r)
					}
				})
			})
		})
	}
}

// Whichever call of a regenerate, a logout with a message or a first save
// fails, and however: what was acknowledged before is there, and the ticket
// that the visitor has after the answer opens it.
func TestFailureAtEachStep(t *testing.T) {
	pages := []struct {
		name string
		page page
	}{
		{"regenerate", regenerate},
		{"login", func(s *cloakroom.Session) string { s.Regenerate(); s.Set("user", "ada"); return "moved" }},
		{"write", set("user", "ada")},
	}
	ops := []cloakroomtest.Op{cloakroomtest.OpLoad, cloakroomtest.OpSave, cloakroomtest.OpDelete}
	for _, p := range pages {
		for _, op := range ops {
			for nth := 1; nth <= 5; nth++ {
				for _, f := range faults {
					fault := f.Fault
					fault.Nth = nth
					t.Run(fmt.Sprintf("%s: %s number %d %s", p.name, op, nth, f.name), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							eachStoreHere(t, func(s store.Store) { testStep(t, s, p.page, op, fault) })
						})
					})
				}
			}
		}
	}
}

// testStep has somebody else come in between once, so that regenerate has all
// of its steps.
func testStep(t *testing.T, s store.Store, p page, op cloakroomtest.Op, fault cloakroomtest.Fault) {
	faulty := cloakroomtest.NewFaulty(s)
	m := manage(t, faulty, plainOptions(nil))
	other := manage(t, s, plainOptions(nil))
	kept := map[string]any{"one": int64(1), "two": int64(2)}
	ticket := begin(t, m, kept)
	interfered := false
	faulty.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Before: func() {
		interfered = visit(other, ticket, set("three", 3)).code == http.StatusOK
	}})
	fault.Op = op
	faulty.Inject(fault)
	r := visit(m, ticket, p)
	if r.code != http.StatusOK {
		checkClosed(t, r)
	}
	faulty.Heal()
	got := contents(t, m, r.after(ticket))
	delete(got, "user")
	if interfered && !lostInMove(op, fault) {
		kept["three"] = int64(3)
	} else {
		delete(got, "three")
	}
	if !maps.Equal(got, kept) {
		t.Errorf("after %d the visitor's ticket opens %v, want %v", r.code, got, kept)
	}
}

// lostInMove tells the known limit: when the removal of the old record
// answers with an error at the moment of somebody else's write, the visitor
// gets the ticket of the new record, which is without that write. Whether the
// old one is still there cannot be known.
func lostInMove(op cloakroomtest.Op, fault cloakroomtest.Fault) bool {
	return op == cloakroomtest.OpSave && fault.Nth == 2
}
