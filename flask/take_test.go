package flask_test

import (
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Take of the only value leaves the session where it is until the commit, which
// deletes it if nothing has come since: as Flask deletes one that was emptied.
func TestTakeOfTheOnlyValue(t *testing.T) {
	const code = cloakroom.Key[string]("code")
	records := memstore.New(memstore.Options{})
	defer records.Close()
	m, err := flask.New(records, configured(t, map[string]any{"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://127.0.0.1"}), quiet())
	if err != nil {
		t.Fatal(err)
	}
	open := func(ticket cloakroom.Ticket) *cloakroom.Session {
		s, err := m.Open(t.Context(), ticket)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	commit := func(s *cloakroom.Session) cloakroom.Ticket {
		ticket, err := m.Commit(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	begin := func() cloakroom.Ticket {
		s := open("")
		s.SetPermanent(true)
		code.Set(s, "4711")
		return commit(s)
	}
	for name, between := range map[string]bool{"alone": false, "beside a write": true} {
		ticket := begin()
		s := open(ticket)
		if v, ok := code.Take(s); !ok || v != "4711" {
			t.Errorf("%s: Take: %q, %t", name, v, ok)
		}
		if between {
			other := open(ticket)
			other.Set("cart", 1)
			commit(other)
		}
		s.Set("user", "ada")
		if commit(s) != ticket {
			t.Errorf("%s: the session has another ticket", name)
		}
		s = open(ticket)
		if s.Get("user") != "ada" || s.Has("cart") != between || !s.Permanent() {
			t.Errorf("%s: %q, permanent %t", name, s.Keys(), s.Permanent())
		}
	}
	ticket := begin()
	s := open(ticket)
	code.Take(s)
	if left := commit(s); left != "" || !open(ticket).IsNew() {
		t.Error("the session is left with nothing in it")
	}
}
