package releases_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// must sends a request that must be answered 200.
func (s *site) must(t *testing.T, to release, path, ticket string, form url.Values) reply {
	t.Helper()
	p, err := s.send(t.Context(), to, path, ticket, form)
	if err != nil || p.status != http.StatusOK {
		t.Fatalf("%s at %s: %d, %v", path, to, p.status, err)
	}
	return p
}

// sessions returns the keys of all sessions, but not of marks.
func (s *site) sessions(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	for e, err := range s.store.(store.Lister).List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if _, mark := store.ParseMark(e.Record.Data); !mark {
			keys[e.Key] = true
		}
	}
	return keys
}

// A request has loaded its session at one release; then a login or a logout at
// the other is answered; then the request goes on.
func (s *site) testFlights(t *testing.T) {
	value := url.Values{"name": {"late"}, "value": {"late"}}
	for _, to := range []release{older, newer} {
		for _, end := range []string{"/login", "/logout"} {
			for _, path := range []string{"/read", "/set", "/step", "/flash", "/flashes", "/login", "/logout"} {
				t.Run(path[1:]+" at "+to.String()+" and "+end[1:], func(t *testing.T) {
					others := s.sessions(t)
					s.flight(t, to, path, value, end, others)
				})
			}
		}
	}
}

func (s *site) flight(t *testing.T, to release, path string, value url.Values, end string, others map[string]bool) {
	old := s.must(t, to.other(), "/flash", "", url.Values{"value": {"early"}}).ticket
	s.must(t, to, "/step", old, nil)
	if err := s.hurry(storeKey(old), idle/3); err != nil { // a touch is due, and not at once
		t.Fatal(err)
	}

	name := t.Name()
	form := maps.Clone(value)
	form.Set("hold", name)
	type result struct {
		reply
		err error
	}
	late := make(chan result, 1)
	go func() {
		p, err := s.send(t.Context(), to, path, old, form)
		late <- result{p, err}
	}()
	s.must(t, to, "/held", "", url.Values{"name": {name}})
	ended := s.must(t, to.other(), end, old, url.Values{"value": {"ada"}})
	s.must(t, to, "/let-go", "", url.Values{"name": {name}})
	p := <-late
	if p.err != nil {
		t.Fatal(p.err)
	}

	dropped := []int{http.StatusOK}
	if to == older && slices.Contains([]string{"/set", "/step", "/flash", "/flashes", "/login"}, path) {
		dropped = []int{http.StatusInternalServerError, http.StatusServiceUnavailable} // it does not know what it finds
	}
	if !slices.Contains(dropped, p.status) {
		t.Errorf("the request in flight is answered %d, want one of %v", p.status, dropped)
	}
	// A cookie that lasts is sent again by the older release after a mere touch,
	// which does not see the end. That is what has been mended since.
	if p.ticket != "" && (to == newer || p.ticket != old) {
		t.Error("the request in flight sets a ticket")
	}
	for _, r := range []release{older, newer} {
		if err := s.opensNothing(r, old); err != nil {
			t.Error(err)
		}
	}
	if rec, err := s.store.Load(t.Context(), storeKey(old)); err == nil {
		if _, mark := store.ParseMark(rec.Data); !mark {
			t.Error("the old session has a record")
		}
	}

	alive := s.sessions(t)
	maps.DeleteFunc(alive, func(key string, _ bool) bool { return others[key] })
	if end == "/logout" {
		if len(alive) > 0 {
			t.Errorf("%d sessions live after the logout", len(alive))
		}
		return
	}
	if len(alive) != 1 || !alive[storeKey(ended.ticket)] {
		t.Errorf("%d sessions live after the login, want the one that it began", len(alive))
	}
	for _, r := range []release{older, newer} {
		if p := s.must(t, r, "/read", ended.ticket, nil); p.User != "ada" || p.Steps != 1 || len(p.Values) > 0 {
			t.Errorf("the login's ticket opens %+v at %s, want ada's with one step", p.Answer, r)
		}
	}
	if p := s.must(t, to, "/flashes", ended.ticket, nil); !slices.Equal(p.Flashes, []string{"early"}) {
		t.Errorf("after the login there are the messages %v, want the one from before", p.Flashes)
	}
}

// What an end at one release leaves in the store, and what becomes of the old
// ticket at the other.
func (s *site) testMarks(t *testing.T) {
	for _, c := range []struct {
		end  string
		kind store.MarkKind
	}{{"/logout", store.MarkEnded}, {"/login", store.MarkMoved}} {
		t.Run(c.end[1:], func(t *testing.T) {
			old := s.must(t, older, "/step", "", nil).ticket
			s.must(t, newer, c.end, old, url.Values{"value": {"ada"}})
			left, err := s.store.Load(t.Context(), storeKey(old))
			if m, ok := store.ParseMark(left.Data); err != nil || !ok || m.Kind != c.kind {
				t.Fatalf("under the old ticket's key there is the mark %q, %v, want %q", m.Kind, err, c.kind)
			}
			if err := s.opensNothing(older, old); err != nil {
				t.Error(err)
			}
			// A new session has a new ID, whatever was brought along.
			p := s.must(t, older, "/set", old, url.Values{"name": {"a"}, "value": {"b"}})
			if p.Steps != 0 || p.User != "" || p.ticket == "" || p.ticket == old {
				t.Errorf("a later write with the old ticket finds %+v, and sets a new ticket: %v", p.Answer, p.ticket != "" && p.ticket != old)
			}
			if now, err := s.store.Load(t.Context(), storeKey(old)); err != nil || !bytes.Equal(now.Data, left.Data) {
				t.Errorf("the older release has not left the mark alone: %v", err)
			}
			s.must(t, older, "/logout", old, nil)
			for _, r := range []release{older, newer} {
				if err := s.opensNothing(r, old); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
