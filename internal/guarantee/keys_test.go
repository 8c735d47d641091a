package guarantee_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// Keys in a fleet: several processes with keys of their own on the same
// sessions, restarted one after the other, as docs/operations.md says.

// A fleet is some processes behind one address.
type fleet struct {
	nodes []*cloakroom.Manager
	log   *sitetest.Journal
	// start makes a process that lists keys, the first of which is in front.
	start func(o cloakroom.Options, keys ...string) (*cloakroom.Manager, error)
}

func (f *fleet) restart(t *testing.T, node int, keys ...string) {
	t.Helper()
	m, err := f.start(cloakroom.Options{Logger: f.log.Logger()}, keys...)
	if err != nil {
		t.Fatal(err)
	}
	f.nodes[node] = m
}

// A patron is a visitor of a fleet, who leaves a name and counts visits.
type patron struct {
	*cloakroomtest.Browser
	serve http.Handler // for the next request
	wrote int
}

func newPatron() *patron {
	p := &patron{}
	p.Browser = cloakroomtest.NewBrowser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve.ServeHTTP(w, r) }))
	p.URL = "https://www.example.com"
	return p
}

// visit makes a request to one process.
func (p *patron) visit(m *cloakroom.Manager, use func(*cloakroom.Session)) int {
	p.serve = m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		use(cloakroom.From(r))
		io.WriteString(w, "done")
	}))
	return p.Get("/").StatusCode
}

func (p *patron) login(t *testing.T, m *cloakroom.Manager) *patron {
	t.Helper()
	if status := p.visit(m, func(s *cloakroom.Session) { sitetest.SetUser(s); s.SetPermanent(true) }); status != http.StatusOK {
		t.Fatalf("login: status %d", status)
	}
	return p
}

// finds fails unless the patron is logged in and everything is there.
func (p *patron) finds(t *testing.T, when string, m *cloakroom.Manager, write bool) {
	t.Helper()
	status := p.visit(m, func(s *cloakroom.Session) {
		sitetest.Has(t, when, true)(s)
		if n, _ := sitetest.Visits.Get(s); n != p.wrote {
			t.Errorf("%s: %d of %d visits are there", when, n, p.wrote)
		}
		if write {
			sitetest.Count(s)
			p.wrote++
		}
	})
	if status != http.StatusOK {
		t.Errorf("%s: status %d", when, status)
	}
}

// fleets are the ways to keep sessions that have keys.
var fleets = map[string]func(records store.Store) func(cloakroom.Options, ...string) (*cloakroom.Manager, error){
	"sealed records": func(records store.Store) func(cloakroom.Options, ...string) (*cloakroom.Manager, error) {
		return func(o cloakroom.Options, keys ...string) (*cloakroom.Manager, error) {
			o.RecordKeys = bytesOf(keys)
			return cloakroom.New(records, o)
		}
	},
	"sealed cookies": func(store.Store) func(cloakroom.Options, ...string) (*cloakroom.Manager, error) {
		return func(o cloakroom.Options, keys ...string) (*cloakroom.Manager, error) {
			return cloakroom.NewCookie(bytesOf(keys), o)
		}
	},
	"Flask's secrets": func(store.Store) func(cloakroom.Options, ...string) (*cloakroom.Manager, error) {
		return func(o cloakroom.Options, keys ...string) (*cloakroom.Manager, error) {
			cfg, err := flask.Load(flask.FromMap(map[string]any{
				"SECRET_KEY": keys[0], "SECRET_KEY_FALLBACKS": keys[1:],
				"PERMANENT_SESSION_LIFETIME": int(cloakroom.DefaultIdleTimeout / time.Second),
			}))
			if err != nil {
				return nil, err
			}
			return flask.New(nil, cfg, o)
		}
	},
}

func bytesOf(keys []string) (all [][]byte) {
	for _, k := range keys {
		all = append(all, []byte(k))
	}
	return all
}

const oldKey, newKey = "the old key: 6fd0a1c5b7e94823", "the new key: 0c94d1f7a35be682"

func newFleet(t *testing.T, kind string, records store.Store, nodes int, keys ...string) *fleet {
	t.Helper()
	f := &fleet{nodes: make([]*cloakroom.Manager, nodes), log: sitetest.NewJournal(t), start: fleets[kind](records)}
	for i := range nodes {
		f.restart(t, i, keys...)
	}
	return f
}

// A key that is appended everywhere, then promoted, then dropped logs nobody out
// and loses nothing, while processes are restarted one by one and visitors meet
// all of them at any time.
func TestKeysRollThroughAFleet(t *testing.T) {
	for kind := range fleets {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				records := sitetest.Memory(t)
				f := newFleet(t, kind, records, 3, oldKey)
				reader, writer := newPatron().login(t, f.nodes[0]), newPatron().login(t, f.nodes[1])
				patrons := []*patron{reader, writer}
				round := func(when string) {
					t.Helper()
					patrons = append(patrons, newPatron().login(t, f.nodes[len(patrons)%3]))
					for i, m := range f.nodes {
						for _, p := range patrons {
							p.finds(t, fmt.Sprintf("%s, process %d", when, i), m, p != reader)
						}
					}
				}
				idle := func(when string) {
					t.Helper()
					for waited := time.Duration(0); waited <= cloakroom.DefaultIdleTimeout; waited += 4 * time.Minute {
						round(when)
						time.Sleep(4 * time.Minute)
					}
				}
				idle("before")
				for _, stage := range []struct {
					name string
					keys []string
				}{
					{"appended", []string{oldKey, newKey}},
					{"promoted", []string{newKey, oldKey}},
					{"dropped", []string{newKey}},
				} {
					for i := range f.nodes {
						f.restart(t, i, stage.keys...)
						round(fmt.Sprintf("%s up to process %d", stage.name, i))
						time.Sleep(time.Minute)
					}
					idle(stage.name)
					if kind == "sealed records" {
						counts(t, stage.name, f.nodes[0], len(patrons))
					}
				}
				if lines := f.log.Lines(); len(lines) != 0 {
					t.Errorf("logged %q", lines)
				}
			})
		})
	}
}

// counts fails unless all records are under the key in front.
func counts(t *testing.T, when string, m *cloakroom.Manager, sessions int) {
	t.Helper()
	n, err := m.CountKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n.Keys[0] != sessions || n.Unknown+n.Unsealed+n.Marks != 0 {
		t.Errorf("%s: counted %+v, want all of %d under the first key", when, n, sessions)
	}
}

// A key that was promoted before all processes had it closes the sessions that
// it sealed to those that do not. Nothing is lost once it has been appended.
func TestKeyPromotedTooEarly(t *testing.T) {
	f := newFleet(t, "sealed records", sitetest.Memory(t), 2, oldKey)
	moved, left := newPatron().login(t, f.nodes[0]), newPatron().login(t, f.nodes[0])
	ticket := moved.Cookies("/")[0].Value
	f.restart(t, 0, newKey, oldKey)
	moved.finds(t, "promoted in one", f.nodes[0], true)
	for range 2 {
		for name, use := range map[string]func(*cloakroom.Session){
			"read": func(s *cloakroom.Session) { s.Get("user") }, "write": sitetest.SetUser, "flash": func(s *cloakroom.Session) { s.Flash("a", "b") },
			"login": (*cloakroom.Session).Regenerate, "logout": (*cloakroom.Session).Destroy,
		} {
			if status := moved.visit(f.nodes[1], use); status != http.StatusServiceUnavailable {
				t.Errorf("%s: status %d", name, status)
			}
			if lines := f.log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "Append the key to Options.RecordKeys in all processes") {
				t.Errorf("%s: logged %q", name, lines)
			}
		}
		left.finds(t, "a session of the old key", f.nodes[1], true)
		moved.finds(t, "at the process that has the key", f.nodes[0], true)
	}
	f.restart(t, 1, oldKey, newKey)
	moved.finds(t, "appended at last", f.nodes[1], true)
	moved.finds(t, "promoted in one", f.nodes[0], false)
	if got := moved.Cookies("/")[0].Value; got != ticket {
		t.Error("the visitor has another ticket")
	}
}

// A process that was started without its keys closes, and loses nothing.
func TestProcessWithoutItsKeys(t *testing.T) {
	records := sitetest.Memory(t)
	f := newFleet(t, "sealed records", records, 2, oldKey)
	p := newPatron().login(t, f.nodes[0])
	f.restart(t, 1)
	if status := p.visit(f.nodes[1], sitetest.SetUser); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	if lines := f.log.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "Records are sealed and no RecordKeys are set") {
		t.Errorf("logged %q", lines)
	}
	p.finds(t, "at the other process", f.nodes[0], true)
	f.restart(t, 1, oldKey)
	p.finds(t, "started again with its keys", f.nodes[1], true)
}

// A cookie under a key that is not listed is anonymous, since anyone can make
// one, and a hook tells.
func TestCookieUnderAnUnknownKey(t *testing.T) {
	before := sitetest.NewSealed(t, cloakroom.Options{}, []byte(newKey), []byte(oldKey))
	ticket := before.Known(t).Ticket()
	s := sitetest.NewSealed(t, cloakroom.Options{}, []byte(oldKey))
	s.Holder(t, ticket).OK(sitetest.Has(t, "under an unknown key", false))
	events := s.Log.Take()
	if len(events) != 1 || events[0].Name != "Rejected" || !errors.Is(events[0].Err, seal.ErrUnknownKey) {
		t.Errorf("events: %v", events)
	}
	told := sitetest.NewSealed(t, cloakroom.Options{}, []byte(oldKey), []byte(newKey))
	told.Holder(t, ticket).OK(sitetest.Has(t, "appended at last", true))
}
