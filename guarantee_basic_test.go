package cloakroom_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
)

// Guarantee 3: an ID that the store does not know is never used for a new
// session.
func TestNoIDIsAdopted(t *testing.T) {
	const lifetime = time.Hour
	tickets := []struct {
		name string
		make func(t *testing.T, m *cloakroom.Manager) string
	}{
		{"never given out", func(*testing.T, *cloakroom.Manager) string { return strings.Repeat("A", 43) }},
		{"destroyed", func(t *testing.T, m *cloakroom.Manager) string {
			ticket := begin(t, m, map[string]any{"name": "ada"})
			visit(m, ticket, logout)
			return ticket
		}},
		{"regenerated", func(t *testing.T, m *cloakroom.Manager) string {
			ticket := begin(t, m, map[string]any{"name": "ada"})
			visit(m, ticket, regenerate)
			return ticket
		}},
		{"expired", func(t *testing.T, m *cloakroom.Manager) string {
			ticket := begin(t, m, map[string]any{"name": "ada"})
			time.Sleep(lifetime)
			return ticket
		}},
		{"malformed", func(*testing.T, *cloakroom.Manager) string { return "../../etc/passwd" }},
	}
	for _, c := range tickets {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				eachStoreHere(t, func(s store.Store) {
					o := plainOptions(nil)
					o.IdleTimeout, o.Lifetime = lifetime, lifetime
					m := manage(t, s, o)
					ticket := c.make(t, m)
					r := visit(m, ticket, set("name", "eve"))
					if r.code != http.StatusOK || r.ticket == "" || r.ticket == ticket {
						t.Errorf("got %v, ticket set %t, the same %t; want 200 and a new ticket",
							r, r.ticket != "", r.ticket == ticket)
					}
					if values := contents(t, m, ticket); values != nil {
						t.Errorf("the ticket opens a session with %d values now, want none", len(values))
					}
					if values := contents(t, m, r.ticket); !maps.Equal(values, map[string]any{"name": "eve"}) {
						t.Errorf("the new session has %d values, want the one that was set", len(values))
					}
				})
			})
		})
	}
}

// Guarantee 4: the store has acknowledged the save when the first byte of the
// answer leaves, by whatever door.
func TestReadYourWrites(t *testing.T) {
	doors := map[string]func(w http.ResponseWriter){
		"Write":          func(w http.ResponseWriter) { w.Write([]byte("x")) },
		"WriteString":    func(w http.ResponseWriter) { io.WriteString(w, "x") },
		"WriteHeader":    func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated) },
		"ReadFrom":       func(w http.ResponseWriter) { io.Copy(w, strings.NewReader("x")) },
		"Flush":          func(w http.ResponseWriter) { http.NewResponseController(w).Flush() },
		"nothing at all": func(http.ResponseWriter) {},
	}
	eachStore(t, func(t *testing.T, s store.Store) {
		m := manage(t, s, plainOptions(nil))
		for name, send := range doors {
			t.Run(name, func(t *testing.T) {
				ticket := begin(t, m, map[string]any{"page": "old"})
				var seen []any
				w := &watched{httptest.NewRecorder(), func() { seen = append(seen, contents(t, m, ticket)["page"]) }}
				m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					cloakroom.From(r).Set("page", "new")
					send(w)
				})).ServeHTTP(w, requestWith(t.Context(), ticket))
				for _, got := range seen {
					if got != "new" {
						t.Errorf("as a byte left, the store had %v, want new", got)
					}
				}
				if got := contents(t, m, ticket)["page"]; got != "new" || name != "nothing at all" && len(seen) == 0 {
					t.Errorf("the store has %v after %d writes, want new after one", got, len(seen))
				}
			})
		}
	})
}

// watched is a connection that tells when something leaves.
type watched struct {
	rec     *httptest.ResponseRecorder
	leaving func()
}

func (w *watched) Header() http.Header         { return w.rec.Header() }
func (w *watched) WriteHeader(code int)        { w.leaving(); w.rec.WriteHeader(code) }
func (w *watched) Write(p []byte) (int, error) { w.leaving(); return w.rec.Write(p) }
func (w *watched) Flush()                      { w.leaving(); w.rec.Flush() }

// Guarantee 5: a request whose handler never asks for the session costs
// nothing. And those that do ask cost no more than they must.
func TestStoreCallsOfARequest(t *testing.T) {
	type calls = map[cloakroomtest.Op]int
	cases := []struct {
		name string
		page page
		want calls
		vary bool
	}{
		{"session not used", func(*cloakroom.Session) string { return "hello" }, calls{}, false},
		{"only Err", func(s *cloakroom.Session) string { s.Err(); return "" }, calls{}, false},
		{"one value read", read("name"), calls{cloakroomtest.OpLoad: 1}, true},
		{"names counted", func(s *cloakroom.Session) string { s.Len(); s.Len(); return "" }, calls{cloakroomtest.OpLoad: 1}, true},
		{"one value set", set("name", "eve"), calls{cloakroomtest.OpLoad: 1, cloakroomtest.OpSave: 1}, true},
		{"absent value deleted", func(s *cloakroom.Session) string { s.Delete("nothing"); return "" }, calls{cloakroomtest.OpLoad: 1}, true},
		{"logout", logout, calls{cloakroomtest.OpLoad: 1, cloakroomtest.OpDelete: 1}, true},
		{"regenerate", regenerate, calls{cloakroomtest.OpLoad: 1, cloakroomtest.OpSave: 2}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, s store.Store) {
				f := cloakroomtest.NewFaulty(s)
				m := manage(t, f, plainOptions(nil))
				ticket := begin(t, m, map[string]any{"name": "ada"})
				f.ForgetCalls()
				r := visit(m, ticket, c.page)
				got := calls{}
				for _, op := range []cloakroomtest.Op{cloakroomtest.OpLoad, cloakroomtest.OpSave, cloakroomtest.OpTouch, cloakroomtest.OpDelete} {
					if n := len(f.Calls(op)); n > 0 {
						got[op] = n
					}
				}
				if !maps.Equal(got, c.want) {
					t.Errorf("got %v, want %v", got, c.want)
				}
				if vary := r.header.Get("Vary") != ""; vary != c.vary {
					t.Errorf("Vary set: got %t, want %t", vary, c.vary)
				}
				if len(c.want) == 0 && r.header["Set-Cookie"] != nil {
					t.Error("got a Set-Cookie, want none")
				}
			})
		})
	}
}

// A visitor who hangs up does not lose a write.
func TestHangingUpLosesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, s store.Store) {
		m := manage(t, s, plainOptions(nil))
		ticket := begin(t, m, map[string]any{"name": "ada"})
		ctx, hangUp := context.WithCancel(t.Context())
		visitContext(ctx, m, ticket, func(s *cloakroom.Session) string {
			s.Set("name", "eve")
			hangUp()
			return "never seen"
		})
		if got := contents(t, m, ticket)["name"]; got != "eve" {
			t.Errorf("the store has %v, want eve", got)
		}
	})
}
