package guarantee_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// Guarantee 6: closed when in doubt.

var errBroken = errors.New("the store is broken")

// A trouble is a way in which a call of a store goes wrong.
type trouble struct {
	name string
	cloakroomtest.Fault
}

var troubles = []trouble{
	{"fails", cloakroomtest.Fault{Err: errBroken}},
	{"fails after it took effect", cloakroomtest.Fault{Err: errBroken, AnswerLost: true}},
	{"does not answer", cloakroomtest.Fault{Hang: true}},
	{"is far too slow", cloakroomtest.Fault{Delay: time.Hour}},
}

// with returns the Fault for an operation.
func (tr trouble) with(op cloakroomtest.Op) cloakroomtest.Fault {
	tr.Op = op
	return tr.Fault
}

// Whatever the store's failure, the visitor gets a 503 and not a word of the
// handler's, keeps the ticket, and finds the data when the store is back.
func TestStoreFailuresCloseTheDoor(t *testing.T) {
	for _, p := range []struct {
		name string
		use  func(*cloakroom.Session)
		op   cloakroomtest.Op
	}{
		{"read", func(s *cloakroom.Session) { s.Get("name") }, cloakroomtest.OpLoad},
		{"write", sitetest.Set("name", "eve"), cloakroomtest.OpSave},
		{"write, at load", sitetest.Set("name", "eve"), cloakroomtest.OpLoad},
		{"update", sitetest.Count, cloakroomtest.OpSave},
		{"flash", func(s *cloakroom.Session) { s.Flash("info", "Hello.") }, cloakroomtest.OpSave},
		{"logout", (*cloakroom.Session).Destroy, cloakroomtest.OpSave},
		{"regenerate", (*cloakroom.Session).Regenerate, cloakroomtest.OpSave},
	} {
		for _, tr := range troubles {
			t.Run(p.name+": "+string(p.op)+" "+tr.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sitetest.EachStoreHere(t, func(s store.Store) { testFault(t, s, p.name == "logout", p.use, tr.with(p.op)) })
				})
			})
		}
	}
}

func testFault(t *testing.T, records store.Store, logout bool, use func(*cloakroom.Session), fault cloakroomtest.Fault) {
	o := plain()
	o.StoreTimeout = 2 * time.Second
	s := sitetest.NewOn(t, records, o)
	b := s.Begin(t, map[string]any{"name": "ada", "kept": true})
	s.Store.Inject(fault)
	start := time.Now()
	mustBeClosed(t, b, b.Visit(use))
	want := time.Duration(0)
	if fault.Hang || fault.Delay > 0 {
		want = o.StoreTimeout
	}
	if took := time.Since(start); took != want {
		t.Errorf("it took %v, want %v", took, want)
	}
	if len(s.Log.Lines()) == 0 {
		t.Error("nothing was logged")
	}
	s.Store.Heal()
	values := b.Values()
	if logout && fault.AnswerLost {
		if values != nil {
			t.Error("the session that was destroyed is still there")
		}
		return
	}
	if values["kept"] != true {
		t.Errorf("got %d values with the store back, want those of the session", len(values))
	}
}

// mustBeClosed checks that a visitor who has a session got the error page,
// nothing else, and keeps a ticket.
func mustBeClosed(t *testing.T, b *sitetest.Browser, a *sitetest.Answer) {
	t.Helper()
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("got %v, Retry-After %q; want 503 with Retry-After", a, a.Header.Get("Retry-After"))
	}
	if a.Body != sitetest.Page503 {
		t.Errorf("got %v, want the error page and nothing else", a)
	}
	if b.Ticket() == "" {
		t.Error("the visitor's ticket was taken away")
	}
}

// A new visitor whose session could not be saved gets no ticket.
func TestFailureToCreate(t *testing.T) {
	for _, tr := range troubles {
		t.Run(tr.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sitetest.EachStoreHere(t, func(records store.Store) {
					s := sitetest.NewOn(t, records, plain())
					s.Store.Inject(tr.with(cloakroomtest.OpSave))
					a := s.Browser(t).Visit(sitetest.SetUser)
					if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Body != sitetest.Page503 {
						t.Errorf("got %v, Retry-After %q; want 503 with Retry-After", a, a.Header.Get("Retry-After"))
					}
					if len(a.SetCookie) != 0 {
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
	sitetest.EachStore(t, func(t *testing.T, records store.Store) {
		s := sitetest.NewOn(t, records, plain())
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Err: store.ErrConflict, AnswerLost: true})
		b := s.Browser(t)
		b.OK(sitetest.Set("name", "ada"))
		if got := b.Values()["name"]; got != "ada" {
			t.Errorf("got %v, want a session", got)
		}
		s.Store.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: store.ErrConflict})
		if a := s.Browser(t).Visit(sitetest.SetUser); a.StatusCode != http.StatusServiceUnavailable || len(a.SetCookie) != 0 {
			t.Errorf("in conflict for ever: got %v, Set-Cookie %q; want 503", a, a.SetCookie)
		}
	})
}

// A touch that fails costs the visitor nothing, is told, and is tried again.
func TestFailureToTouch(t *testing.T) {
	for _, tr := range troubles {
		t.Run(tr.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sitetest.EachStoreHere(t, func(records store.Store) {
					s := sitetest.NewOn(t, records, plain())
					b := s.Begin(t, map[string]any{"user": "ada"})
					time.Sleep(cloakroom.DefaultIdleTimeout / 2)
					s.Log.Events()
					s.Store.Inject(tr.with(cloakroomtest.OpTouch))
					b.OK(sitetest.Has(t, "without a touch", true))
					sitetest.Equal(t, "events", s.Log.Events(), "Loaded", "Error")
					if lines := s.Log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "touch") {
						t.Errorf("logged %q", lines)
					}
					s.Store.Heal()
					b.OK(sitetest.Has(t, "with another touch", true))
					time.Sleep(cloakroom.DefaultIdleTimeout * 3 / 4)
					b.OK(sitetest.Has(t, "after another touch", true))
				})
			})
		})
	}
}

// Whichever call of a regenerate, a login or a save fails, and however: what
// was acknowledged before is there, and the ticket that the visitor has after
// the answer opens it.
func TestFailureAtEachStep(t *testing.T) {
	for name, use := range map[string]func(*cloakroom.Session){
		"regenerate": (*cloakroom.Session).Regenerate,
		"login":      func(s *cloakroom.Session) { s.Regenerate(); s.Set("user", "ada") },
		"write":      sitetest.Set("user", "ada"),
	} {
		for _, op := range []cloakroomtest.Op{cloakroomtest.OpLoad, cloakroomtest.OpSave, cloakroomtest.OpSaveAll, cloakroomtest.OpDelete} {
			for nth := 1; nth <= 5; nth++ {
				for _, tr := range troubles {
					fault := tr.with(op)
					fault.Nth = nth
					t.Run(fmt.Sprintf("%s: %s number %d %s", name, op, nth, tr.name), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							sitetest.EachStoreHere(t, func(s store.Store) { testStep(t, s, use, fault) })
							testStep(t, sitetest.AtOnce(t), use, fault)
						})
					})
				}
			}
		}
	}
}

// testStep has somebody else come first once, so that regenerate has all of
// its steps.
func testStep(t *testing.T, records store.Store, use func(*cloakroom.Session), fault cloakroomtest.Fault) {
	s, other := sitetest.NewOn(t, records, plain()), sitetest.NewOn(t, records, plain())
	kept := map[string]any{"one": int64(1), "two": int64(2)}
	b := s.Begin(t, kept)
	ticket := b.Ticket()
	interfered := false
	second := cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 2, Before: func() {
		interfered = other.Holder(t, ticket).Visit(sitetest.Set("three", 3)).OK()
	}}
	if _, ok := records.(store.BatchSaver); ok {
		second.Op, second.Nth = cloakroomtest.OpSaveAll, 1
	}
	s.Store.Inject(second)
	s.Store.Inject(fault)
	a := b.Visit(use)
	if !a.OK() {
		mustBeClosed(t, b, a)
	}
	s.Store.Heal()
	got := b.Values()
	delete(got, "user")
	if interfered && !lostInMove(fault) {
		kept["three"] = int64(3)
	} else {
		delete(got, "three")
	}
	if !maps.Equal(got, kept) {
		t.Errorf("after %d the visitor's ticket opens %v, want %v", a.StatusCode, got, kept)
	}
}

// lostInMove tells the known limit: when the removal of the old record
// answers with an error at the moment of somebody else's write, the visitor
// gets the ticket of the new record, which is without that write. Whether the
// old one is still there cannot be known.
func lostInMove(fault cloakroomtest.Fault) bool {
	return fault.Op == cloakroomtest.OpSave && fault.Nth == 2 || fault.Op == cloakroomtest.OpSaveAll && fault.Nth == 1
}
