package engine_test

import (
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A step that is made while a commit merges what others have saved goes on
// from what was merged, not from what this request had seen.
func TestStepDuringAMerge(t *testing.T) {
	const text = cloakroom.Key[string]("text")
	double := func(s string) string { return s + s }
	records := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	defer records.Close()
	m, err := cloakroom.New(records, cloakroom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	commit := func(s *cloakroom.Session) cloakroom.Ticket {
		t.Helper()
		ticket, err := m.Commit(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	open := func(ticket cloakroom.Ticket) *cloakroom.Session {
		t.Helper()
		s, err := m.Open(t.Context(), ticket)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open("")
	text.Set(first, "x")
	ticket := commit(first)

	s := open(ticket)
	text.Update(s, double)
	records.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Before: func() {
		other := open(ticket)
		text.Set(other, "y")
		commit(other)
		text.Update(s, double) // another goroutine of the request
	}})
	commit(s)
	commit(s)
	if got, _ := text.Get(open(ticket)); got != "yyyy" {
		t.Errorf("text is %q, want what others saved, doubled twice", got)
	}
}
